import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createGatheringWriter } from "./gathered-writes.ts";

const pieceBytes = 5_000;
const pieces = 2_000;

/** Two pieces in each turn, each full of its own number. */
async function send(sockets: readonly Socket[]): Promise<void> {
  const writers = sockets.map(createGatheringWriter);
  for (let nth = 0; nth < pieces; nth += 2) {
    for (const [place, { write }] of writers.entries()) {
      for (const number of [nth, nth + 1]) write(Buffer.alloc(pieceBytes, byteOf(place, number)));
    }
    await new Promise(setImmediate);
  }
}

function byteOf(place: number, nth: number): number {
  return (place * 101 + nth) % 256;
}

/** Reads all of it. @returns the places in it where another byte stands than was sent */
async function wrongBytes(socket: Socket, place: number): Promise<number> {
  let at = 0;
  let wrong = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      if (byte !== byteOf(place, Math.floor(at / pieceBytes))) wrong += 1;
      at += 1;
    }
    if (at === pieces * pieceBytes) return wrong;
  }
  throw new Error(`only ${at} bytes came`);
}

test("what one connection does not take at once is not overwritten by what another one is sent", async () => {
  const served: Socket[] = [];
  const server = createServer((socket) => served.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  for (const _ of [0, 1]) {
    const client = connect(port, "127.0.0.1");
    await once(client, "connect");
    clients.push(client);
    while (served.length < clients.length) await new Promise(setImmediate);
  }
  try {
    const [slow, quick] = clients as [Socket, Socket];
    slow.pause();
    const quickly = wrongBytes(quick, 1);
    await send(served);
    expect(served[0]?.writableLength).toBeGreaterThan(0);
    expect(await quickly).toBe(0);
    expect(await wrongBytes(slow, 0)).toBe(0);
  } finally {
    for (const socket of [...clients, ...served]) socket.destroy();
    server.close();
  }
});
