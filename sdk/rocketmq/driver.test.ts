import definition from "rocketmq-client-nodejs/proto/apache/rocketmq/v2/definition_pb.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Place } from "../core/places.ts";
import { SdkError } from "../errors.ts";
import { type FakeProxy, openFakeProxy } from "../testing/fake-proxy.ts";
import { createRocketmqDriver } from "./driver.ts";

const topic = "orders";
/** Nobody listens there. */
const nowhere = "127.0.0.1:1";
const soon = { timeout: 15_000 };

let proxy: FakeProxy;
const driver = createRocketmqDriver({});

beforeEach(async () => {
  proxy = await openFakeProxy();
});

afterEach(() => proxy.vanish());

const placeAt = (...bootstrap: string[]): Place => ({ kind: "rocketmq", cluster: "C1", idc: "", bootstrap });

async function readInto(got: string[], deal: (value: string) => void = () => {}) {
  return await driver.openConsumer({
    place: placeAt(proxy.address),
    topic,
    group: "billing",
    idc: "",
    deliver: async ({ value, cluster, key }) => {
      got.push(`${cluster} ${key} ${value}`);
      deal(value.toString());
    },
  });
}

describe("a producer", () => {
  test("is done when the proxy has all messages", async () => {
    const producer = await driver.openProducer({ place: placeAt(proxy.address), topic });
    await producer.send([{ value: "one" }, { value: "two", key: "k" }], { timeoutMs: 1_000 });
    expect(proxy.sent).toEqual(["one", "two"]);
    await producer.close();
    await vi.waitFor(() => expect(proxy.telemetries).toBe(0), soon);
  });

  test("goes to the next proxy when the nearest cannot be reached", async () => {
    const producer = await driver.openProducer({ place: placeAt(nowhere, proxy.address), topic });
    await producer.send([{ value: "one" }], { timeoutMs: 1_000 });
    expect(proxy.sent).toEqual(["one"]);
    await producer.close();
  });

  test("with no proxy that can be used says which were tried", async () => {
    await expect(driver.openProducer({ place: placeAt(nowhere), topic })).rejects.toThrow(
      `no proxy can be used: ${nowhere}: `,
    );
  });

  test("tells what would be refused again from what may work later", async () => {
    const producer = await driver.openProducer({ place: placeAt(proxy.address), topic });
    const send = (value: string) => producer.send([{ value }], { timeoutMs: 1_000 }).catch((error: unknown) => error);
    expect(await send("x".repeat(2_000))).toMatchObject({ code: "SDK_SEND_REFUSED" });
    proxy.sendCode = definition.Code.FORBIDDEN;
    expect(await send("one")).toMatchObject({ code: "SDK_SEND_REFUSED" });
    proxy.sendCode = definition.Code.MASTER_PERSISTENCE_TIMEOUT;
    const later = await send("one");
    expect(later).toBeInstanceOf(Error);
    expect(later).not.toBeInstanceOf(SdkError);
    await producer.close();
  });
});

describe("a consumer", () => {
  test("acknowledges what was dealt with, and nothing else", async () => {
    const got: string[] = [];
    proxy.waiting.push("good", "bad");
    const consumer = await readInto(got, (value) => {
      if (value === "bad") throw new Error("not now");
    });
    await vi.waitFor(() => expect(got.toSorted()).toEqual(["C1 bad bad", "C1 good good"]), soon);
    await vi.waitFor(() => expect(proxy.acknowledged).toEqual(["good"]), soon);
    await consumer.close();
    expect(proxy.acknowledged).toEqual(["good"]);
  });

  test("does not call a place empty before it has been quiet for long", async () => {
    const consumer = await readInto([]);
    await vi.waitFor(() => expect(proxy.calls.get("ReceiveMessage")).toBeGreaterThan(20), soon);
    expect(await consumer.lag()).toBeNull();
    await consumer.close();
  });

  test("says so when it can read no longer", async () => {
    const consumer = await readInto([]);
    await proxy.vanish();
    expect(await consumer.failed).toBeInstanceOf(Error);
    await consumer.close();
  });
});
