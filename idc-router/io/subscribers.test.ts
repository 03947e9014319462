import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import type { RouteKey, RouteTexts } from "./route-texts.ts";
import { createSubscribers } from "./subscribers.ts";

/** Topics of which each has a text, which changes when the revision does. */
let revision = 1;
const texts: RouteTexts = {
  of: ({ topic }) => {
    return { json: topic, etag: `"${topic} ${revision}"`, revision, answer: null, chosen: "", stale: false };
  },
  isGated: () => false,
  keyFor: (key) => key,
  kafkaOf: () => undefined,
  hasGate: () => false,
};

const stop = new AbortController();
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
  let slowOnes = 0;
  const subscribers = createSubscribers({
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
