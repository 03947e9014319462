import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import type { Gate } from "../core/model.ts";
import type { RouteKey, RouteTexts } from "./route-texts.ts";
import { createSubscribers, type Subscribers } from "./subscribers.ts";

/** Topics of which each has a text, which changes when the revision does; those that are asked for by those behind the gate have another. */
let revision = 1;
let gate: Gate | undefined;
/** Addresses that were held against the gate. */
let compared: string[] = [];
const texts: RouteTexts = {
  of: ({ topic, gated = false }) => {
    const json = gated ? `${topic} beyond ${gate?.cluster}` : topic;
    return {
      json,
      bytes: json.length,
      etag: `"${json} ${revision}"`,
      revision,
      answer: null,
      chosen: "",
      stale: false,
    };
  },
  isGated(_topic, host) {
    compared.push(host);
    return gate?.ips.includes(host) === true;
  },
  keyFor: (key, host) => (gate?.ips.includes(host) === true ? { ...key, gated: true } : key),
  kafkaOf: () => undefined,
  gateOf: () => gate,
};

let stop: AbortController;
let slowOnes: number;
let subscribers: Subscribers;

beforeEach(() => {
  gate = undefined;
  compared = [];
  slowOnes = 0;
  stop = new AbortController();
  subscribers = createSubscribers({
    texts,
    revision: () => revision,
    instance: "me",
    subscribersMax: 10,
    bufferedBytesMax: 100,
    clock: systemClock,
    log: silentLogger,
    onSlow: () => {
      slowOnes += 1;
    },
    signal: stop.signal,
  });
});
afterEach(() => stop.abort());

/** @param takes so many writes, and then its client reads no more */
function createResponse(takes = Number.POSITIVE_INFINITY) {
  const written: string[] = [];
  let destroyed = false;
  const response = {
    get writableLength() {
      return written.length > takes ? 1_000 : 0;
    },
    write: (chunk: string | Buffer) => written.push(String(chunk)),
    destroy: () => {
      destroyed = true;
    },
  };
  return { response: response as unknown as ServerResponse, written, isDestroyed: () => destroyed };
}

test("a watch that ends while its first texts are written is told nothing more, and takes no place", () => {
  const keys = ["a", "b", "c"].map((topic): RouteKey => ({ topic, idc: "idc1", use: "produce" }));
  const reader = createResponse();
  subscribers.watch(reader.response, { keys, host: "10.1.0.4" }, undefined);
  // The greeting and the first text.
  const slow = createResponse(1);
  subscribers.watch(slow.response, { keys, host: "10.1.0.5" }, undefined);
  expect(slow.isDestroyed()).toBe(true);
  expect(slow.written).toHaveLength(2);
  const before = reader.written.length;
  revision += 1;
  subscribers.tell();
  expect(reader.written).toHaveLength(before + 3);
  expect(slow.written).toHaveLength(2);
  // Whoever is still told would be found slow again.
  expect(slowOnes).toBe(1);
  expect(subscribers.counts()).toEqual({ watch: 1, wait: 0 });
});

test("who watches a topic with a gate is looked for behind it only when an answer or the gate has changed", () => {
  const keys: RouteKey[] = [{ topic: "a", idc: "idc1", use: "produce" }];
  const [one, other] = [createResponse(), createResponse()];
  gate = { cluster: "K1", ips: ["10.1.0.4"] };
  subscribers.watch(one.response, { keys, host: "10.1.0.4" }, undefined);
  subscribers.watch(other.response, { keys, host: "10.1.0.5" }, undefined);
  const told = () => [one, other].map(({ written }) => written.at(-1)?.match(/data: (.*)\n/)?.[1]);
  expect(told()).toEqual(["a beyond K1", "a"]);
  // The table is another one, and says the same of this topic.
  subscribers.tell();
  expect(compared).toEqual([]);
  // Who is behind it is another one: both answers are what they were.
  gate = { cluster: "K1", ips: ["10.1.0.5"] };
  subscribers.tell();
  expect(told()).toEqual(["a", "a beyond K1"]);
  expect(compared).toEqual(["10.1.0.4", "10.1.0.5"]);
  gate = { cluster: "K2", ips: ["10.1.0.5"] };
  subscribers.tell();
  expect(told()).toEqual(["a", "a beyond K2"]);
  gate = undefined;
  subscribers.tell();
  expect(told()).toEqual(["a", "a"]);
  compared = [];
  subscribers.tell();
  expect(compared).toEqual([]);
});
