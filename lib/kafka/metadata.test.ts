import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { DecodeError, Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import { decodeMetadataResponse, writeText } from "./metadata.ts";
import { createKafkaPeer } from "./peer.ts";

/** As a broker writes it; test/integration/router/kafka.test.ts asks real ones. */
function answer(writer: Writer, more: readonly { error: number; topic: string; leaders: number[] }[] = []): void {
  writer.i32(0);
  writer.vector(
    [
      { id: 1, host: "10.1.0.31", rack: "idc1" as string | null },
      { id: 2, host: "fd00::1", rack: null },
    ],
    (to, { id, host, rack }) => {
      to.i32(id);
      writeText(to, host);
      to.i32(9092);
      if (rack === null) to.i16(-1);
      else writeText(to, rack);
    },
  );
  writeText(writer, "a cluster");
  writer.i32(1);
  writer.vector(
    [{ error: 0, topic: "orders", leaders: [1, -1] }, { error: 3, topic: "none", leaders: [] }, ...more],
    (to, { error, topic, leaders }) => {
      to.i16(error);
      writeText(to, topic);
      to.bool(false);
      to.vector(leaders, (each, leader) => {
        each.i16(leader < 0 ? 5 : 0);
        each.i32(leaders.indexOf(leader));
        each.i32(leader);
        for (let lists = 0; lists < 2; lists += 1) each.vector([1, 2], (one, id) => one.i32(id));
      });
    },
  );
}

function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer({ bytesMax: 4_096 });
  write(writer);
  return Buffer.from(writer.bytes);
}

test("brokers, racks, and who leads what are read", () => {
  expect(decodeMetadataResponse(new Reader(bytesOf(answer)))).toEqual({
    brokers: [
      { id: 1, address: "10.1.0.31:9092", rack: "idc1" },
      { id: 2, address: "[fd00::1]:9092", rack: "" },
    ],
    topics: [
      {
        topic: "orders",
        partitions: [
          { partition: 0, leader: 1 },
          { partition: 1, leader: -1 },
        ],
      },
      { topic: "none", partitions: null },
    ],
  });
});

test.each([
  ["that may not be seen", 29],
  ["whose leaders are being moved", 5],
  ["that the broker cannot tell of right now", -1],
  ["that comes without any partition", 0],
])("a topic %s is not told of: it may be there all the same", (_why, error) => {
  const bytes = bytesOf((writer) => answer(writer, [{ error, topic: "hidden", leaders: [] }]));
  expect(decodeMetadataResponse(new Reader(bytes)).topics.map(({ topic }) => topic)).toEqual(["orders", "none"]);
});

test("an answer that is cut off anywhere is refused", () => {
  const whole = bytesOf(answer);
  for (let end = 0; end < whole.length; end += 1)
    expect(() => decodeMetadataResponse(new Reader(whole.subarray(0, end)))).toThrow(DecodeError);
});

let server: Server | undefined;
afterEach(() => server?.close());

/** @param reply to the n-th connection's first request; null: nothing */
async function listen(reply: (nth: number, correlation: number) => Buffer | null): Promise<string> {
  let connections = 0;
  server = createServer((socket) => {
    const nth = connections;
    connections += 1;
    socket.on("error", () => {});
    socket.on("data", (request) => {
      const bytes = reply(nth, request.readInt32BE(8));
      if (bytes !== null) socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const frame = (correlation: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 4, 0);
  head.writeInt32BE(correlation, 4);
  return Buffer.concat([head, body]);
};
const never = new AbortController().signal;

test("a broker that is silent, or answers something else, is an error that names it, and is asked over a new connection", async () => {
  const answers = [
    () => null,
    (correlation: number) => frame(correlation + 1, bytesOf(answer)),
    () => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
    (correlation: number) => frame(correlation, bytesOf(answer)),
  ];
  const peer = createKafkaPeer(await listen((nth, correlation) => answers[nth]?.(correlation) ?? null), {
    clientId: "test",
  });
  for (const why of ["no answer in 100 ms", "not", "size"]) {
    const error = await peer.metadata([], { timeoutMs: 100, signal: never }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "KAFKA_UNANSWERED", message: expect.stringContaining(peer.address) });
    expect((error as Error).message).toContain(why);
  }
  expect((await peer.metadata(["orders"], { timeoutMs: 1_000, signal: never })).brokers).toHaveLength(2);
  expect((await peer.metadata([], { timeoutMs: 1_000, signal: never })).topics).toHaveLength(2);
  peer.close();
});
