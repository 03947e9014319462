import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { answerKnown, type KnownRoutesOptions } from "./http-known.ts";
import type { RouteKey, RouteText } from "./route-texts.ts";

const json = '{"topic":"é"}';
const text: RouteText = {
  ...{ json, bytes: Buffer.byteLength(json), etag: '"e"', revision: 1 },
  ...{ answer: null, chosen: "idc2", stale: false },
};
const { length: bytes } = Buffer.from(json);

interface Seen {
  readonly isAnswered: boolean;
  readonly keys: readonly RouteKey[];
  readonly sent: readonly unknown[];
}

/** What becomes of a request from 10.2.0.7 where only the topics `orders` and `a.b-C_1` have routes. */
function ask(url: string, { method = "GET", headers = {}, often = false } = {}): Seen {
  const keys: RouteKey[] = [];
  const sent: unknown[] = [];
  const options = {
    texts: {
      keyFor: (key: RouteKey) => key,
      of: (key: RouteKey) => {
        keys.push(key);
        return ["orders", "a.b-C_1"].includes(key.topic) ? text : undefined;
      },
    },
    metrics: { routeCount: () => ({ value: 0 }) },
    idcs: ["idc1", "idc2"],
    callerIdc: (address: string) => (address === "10.2.0.7:4000" ? "idc2" : "idc1"),
    take: () => !often,
    answered: (status: number) => sent.push(status),
  };
  const socket = { remoteAddress: "10.2.0.7", remotePort: 4_000 };
  const response = {
    writeHead: (status: number, given: object) => sent.push(status, given),
    end: (body: string) => sent.push(body),
  };
  const isAnswered = answerKnown(options as unknown as KnownRoutesOptions)(
    { url, method, headers, socket } as unknown as IncomingMessage,
    response as unknown as ServerResponse,
  );
  return { isAnswered, keys, sent };
}

const whole = { etag: '"e"', "content-type": "application/json; charset=utf-8", "content-length": bytes };
const route = "/v1/topics/orders/route";

test.each([
  [route, { topic: "orders", idc: "idc2", use: "produce" }],
  [`${route}?`, { topic: "orders", idc: "idc2", use: "produce" }],
  [`${route}?idc=idc1`, { topic: "orders", idc: "idc1", use: "produce" }],
  [`${route}?idc=idc1&use=consume`, { topic: "orders", idc: "idc1", use: "consume" }],
  [`${route}?use=consume`, { topic: "orders", idc: "idc2", use: "consume" }],
  ["/v1/topics/a.b-C_1/route", { topic: "a.b-C_1", idc: "idc2", use: "produce" }],
])("%s is answered", (url, key) => {
  expect(ask(url)).toEqual({ isAnswered: true, keys: [key], sent: [200, 200, whole, json] });
});

test.each([
  ["/v1/topics/none/route", {}],
  ["/v1/topics/order%73/route", {}],
  ["/v1/topics//route", {}],
  [`${route}/`, {}],
  [`http://x${route}`, {}],
  [`${route}?idc=idc9`, {}],
  [`${route}?idc=idc1use=consume`, {}],
  [`${route}?idc=idc1&idc=idc2`, {}],
  [`${route}?idc=idc1&wait=1s`, {}],
  [`${route}?ip=10.1.0.1`, {}],
  [`${route}?use=both`, {}],
  [route, { method: "HEAD" }],
  [route, { headers: { "if-none-match": '"e"' } }],
  [route, { often: true }],
])("%s, %o is left to whoever answers everything", (url, how) => {
  expect(ask(url, how)).toMatchObject({ isAnswered: false, sent: [] });
});
