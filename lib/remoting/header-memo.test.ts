import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { silentLogger } from "../log.ts";
import { requestCodes } from "./codes.ts";
import { connectRemoting } from "./connection.ts";
import { decodeJsonHeader } from "./header-json.ts";
import { createHeaderMemo } from "./header-memo.ts";
import { request, success } from "./message.ts";
import { listenRemoting } from "./server.ts";

const numbers = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(String),
  fc.constantFrom("7", "-0", "007", "7.0", "7e1", "-", "", " 7", '"7"', "2147483648", "null", "99999999999999999999"),
);
/** Some of them say "opaque" twice, or elsewhere, or not at all. */
const shapes = fc.constantFrom(
  '{"code":105,"extFields":{"topic":"t"},"flag":0,"language":"JAVA","opaque":#,"serializeTypeCurrentRPC":"JSON","version":479}',
  '{"code":105,"opaque":#,"extFields":{"topic":"\\"opaque\\":1 é 路"}}',
  '{"code":105,"extFields":{"opaque":#},"opaque" :8}',
  '{"code":105,"extFields":{"opaque":#},"opaque":8}',
  '{"code":105,"opaque":#,"opaque":9}',
  '{"code":105,"x":{"opaque":#},"\\u006fpaque":8}',
  '{"code":105,"x":{"opaque":#}}',
  '{"code":105}',
  '{"code":105,"opaque":#',
);

const outcome = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
};

test("a header that was seen before, with any number, reads as if nothing was kept", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(shapes, numbers), { minLength: 1, maxLength: 50 }), (headers) => {
      const read = createHeaderMemo();
      for (const [shape, number] of headers) {
        const bytes = Buffer.from(shape.replace("#", number));
        expect(outcome(() => read(bytes, 0, bytes.length))).toEqual(outcome(() => decodeJsonHeader(bytes)));
      }
    }),
    { numRuns: 300 },
  );
});

test("random bytes read as if nothing was kept", () => {
  const read = createHeaderMemo();
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json().map((text) => Buffer.from(text)),
        fc.uint8Array(),
      ),
      (raw) => {
        const bytes = Buffer.from(raw);
        expect(outcome(() => read(bytes, 0, bytes.length))).toEqual(outcome(() => decodeJsonHeader(bytes)));
      },
    ),
  );
});

test.each([
  ["each header by itself, where nobody says otherwise", {}, false],
  ["the same header once, where it is to remember them", { readJson: createHeaderMemo() }, true],
])("a server reads %s", async (_how, options, isOnce) => {
  const { signal } = new AbortController();
  const fields: object[] = [];
  await using server = await listenRemoting({
    listen: "127.0.0.1:0",
    context: () => null,
    onRequest(frame) {
      fields.push(frame.fields);
      return success();
    },
    ...options,
    clock: systemClock,
    log: silentLogger,
    signal,
  });
  const port = Number(server.address.split(":")[1]);
  const timeoutMs = 5_000;
  await using client = await connectRemoting({
    host: "127.0.0.1",
    port,
    connectTimeoutMs: timeoutMs,
    clock: systemClock,
    signal,
  });
  for (let nth = 0; nth < 2; nth += 1)
    await client.ask(request(requestCodes.GET_ROUTEINFO_BY_TOPIC, { topic: "orders" }), { timeoutMs, signal });
  expect(fields).toEqual([{ topic: "orders" }, { topic: "orders" }]);
  expect(fields[0] === fields[1]).toBe(isOnce);
});
