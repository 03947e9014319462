/** What applications use. */
export { type Client, type ConnectOptions, connect } from "./client.ts";
export type { Consumer, Handler } from "./consumer.ts";
export type { Place } from "./core/places.ts";
export type { Route, RouteBroker, RouteLevel } from "./core/route.ts";
export type { IncomingMessage, OutgoingMessage } from "./driver.ts";
export { SdkError, type SdkErrorCode } from "./errors.ts";
export type { OnEvent, SdkEvent } from "./events.ts";
export type { Limits } from "./limits.ts";
export type { Producer, Receipt } from "./producer.ts";
