import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { readSettled } from "./stored.ts";

const from = { broker: "10.1.0.1:10911", topic: "t", queues: 1 };
const nothingThere = 19;

/** A broker without a message, which answers only from the nth connection on. */
async function openBroker(nth: number) {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("data", (frame) => {
      const { opaque } = JSON.parse(frame.toString("utf8", 8, 8 + frame.readUIntBE(5, 3)));
      const answer = Buffer.from(JSON.stringify({ code: nothingThere, opaque, extFields: { offset: "0" } }));
      const lengths = Buffer.alloc(8);
      lengths.writeInt32BE(4 + answer.length);
      lengths.writeInt32BE(answer.length, 4);
      socket.write(Buffer.concat([lengths, answer]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  let dialed = 0;
  const dial = async (): Promise<Socket> => {
    dialed += 1;
    if (dialed < nth) throw new Error("refused");
    return connect(port, "127.0.0.1");
  };
  return {
    network: { dial } as unknown as Parameters<typeof readSettled>[0],
    dialed: () => dialed,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

test("a broker that cannot be read is asked again, and it is printed", async () => {
  const printed = vi.spyOn(console, "log").mockImplementation(() => {});
  await using broker = await openBroker(3);
  expect(await readSettled(broker.network, from, () => false)).toEqual([{ queue: 0, ids: [] }]);
  expect(broker.dialed()).toBe(3);
  expect(printed.mock.calls).toEqual([
    ["10.1.0.1:10911 is asked for its messages again: refused"],
    ["10.1.0.1:10911 is asked for its messages again: refused"],
  ]);
  printed.mockRestore();
});

test("one that cannot be read for a minute is an error", async () => {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += 25_000));
  vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await using broker = await openBroker(1_000);
    await expect(readSettled(broker.network, from, () => false)).rejects.toThrow("refused");
    expect(broker.dialed()).toBe(3);
  } finally {
    vi.restoreAllMocks();
  }
});
