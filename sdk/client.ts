import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../lib/clock.ts";
import { type Consumer, createConsumer, type Handler } from "./consumer.ts";
import type { Place } from "./core/places.ts";
import type { Route } from "./core/route.ts";
import { createTallies } from "./core/tallies.ts";
import type { Driver } from "./driver.ts";
import { createDrivers, type DriverAccess } from "./drivers.ts";
import { messageOf, SdkError } from "./errors.ts";
import type { OnEvent } from "./events.ts";
import { type Limits, limitsOf } from "./limits.ts";
import { createProducer, type Producer } from "./producer.ts";
import { createRoutes } from "./routes.ts";
import { runTelemetry } from "./telemetry.ts";

export interface ConnectOptions extends DriverAccess {
  /** HTTP doors of idc-routers, this IDC's first: "http://10.1.0.5:7403". */
  readonly routers: readonly string[];
  /** Where this process is. Without it: as the router knows its address. */
  readonly idc?: string;
  /** This machine's address as topics' `gatedIps` name it. Without it: as the router sees it. */
  readonly ip?: string;
  /** File for the last good routes, so that a start with every router away works. Without it: none are kept. */
  readonly cacheFile?: string;
  readonly limits?: Partial<Limits>;
  /** False: routers are not told how much was sent and consumed, and how long it took. */
  readonly telemetry?: boolean;
  readonly onEvent?: OnEvent;
  /** Its end is the client's end. */
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests: where this client stands between 0 and 1 when shares are given out. Usually by chance. */
  readonly point?: number;
  /** For tests: stands in for the libraries that speak to brokers. */
  readonly driverOf?: (place: Place) => Promise<Driver>;
}

export interface Client extends AsyncDisposable {
  /** Where a topic is now. With every router away: where it was, marked as stale. */
  resolve(topic: string, options?: { readonly signal?: AbortSignal }): Promise<Route>;
  /** Where it is, and again at each change, until the signal is aborted. */
  watch(topic: string, options: { readonly signal: AbortSignal }): AsyncIterable<Route>;
  producer(topic: string): Producer;
  /** Reads at once. Members of one group share a topic's messages. */
  consumer(topic: string, group: string, handler: Handler): Consumer;
  /** Closes producers and consumers, too. */
  close(): Promise<void>;
}

/** @throws {SdkError} SDK_BAD_OPTIONS. Waits for no router. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { idc, ip, cacheFile, clock = systemClock, onEvent = () => {}, point = Math.random() } = options;
  const urls = options.routers.map(routerUrl);
  if (urls.length === 0) {
    throw new SdkError("SDK_BAD_OPTIONS", "No router is given", { hint: "connect({ routers: ['http://HOST:7403'] })" });
  }
  const limits = limitsOf(options.limits ?? {});
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const tallies = createTallies();
  const shared = { tallies, limits, clock, point, random: Math.random, onEvent, signal };
  const routes = await createRoutes({ ...shared, routers: urls, asker: { idc, ip }, file: cacheFile });
  const driverOf = options.driverOf ?? createDrivers(options);
  const open = new Set<AsyncDisposable>();
  const telling = runTelemetry({
    tallies,
    client: randomUUID(),
    idc: () => idc ?? routes.idc,
    post: options.telemetry === false ? async () => true : routes.report,
    limits,
    clock,
    signal,
  });
  const running = Promise.all([routes.run(), telling]);
  running.catch((error: unknown) => onEvent({ kind: "router", router: "", ok: false, detail: messageOf(error) }));

  function keep<T extends AsyncDisposable>(one: T): T {
    open.add(one);
    return one;
  }

  function assertOpen(): void {
    if (signal.aborted) throw new SdkError("SDK_CLOSED", "The client is closed", { hint: "connect() again" });
  }

  const self: Client = {
    async resolve(topic, { signal: wanted = signal } = {}) {
      assertOpen();
      return await routes.resolve(topicName(topic), { signal: wanted });
    },
    watch(topic, { signal: wanted }) {
      assertOpen();
      return routes.watch(topicName(topic), { signal: wanted });
    },
    producer(topic) {
      assertOpen();
      return keep(createProducer({ ...shared, topic: topicName(topic), routes, driverOf }));
    },
    consumer(topic, group, handler) {
      assertOpen();
      if (group === "")
        throw new SdkError("SDK_BAD_OPTIONS", "The group has no name", { hint: "consumer(topic, group, …)" });
      return keep(createConsumer({ ...shared, topic: topicName(topic), group, idc, handler, routes, driverOf }));
    },
    async close() {
      await Promise.all([...open].map((one) => one[Symbol.asyncDispose]()));
      open.clear();
      closing.abort(new SdkError("SDK_CLOSED", "The client is closed", { hint: "connect() again" }));
      await running.catch(() => {});
    },
    [Symbol.asyncDispose]: () => self.close(),
  };
  return self;
}

/** Without a slash at its end. */
function routerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === "http:" || url.protocol === "https:")) return text.replace(/\/+$/, "");
  throw new SdkError("SDK_BAD_OPTIONS", `${JSON.stringify(text)} is no router's address`, { hint: "http://HOST:7403" });
}

function topicName(topic: string): string {
  if (topic !== "" && topic.length <= topicCharactersMax && !topic.includes(",")) return topic;
  const hint = `1 to ${topicCharactersMax} characters, without a comma`;
  throw new SdkError("SDK_BAD_OPTIONS", `${JSON.stringify(topic)} is no topic's name`, { hint });
}

const topicCharactersMax = 255;
