/**
 * A plain TCP client and server, to see a network as applications do. Each line it writes is one figure.
 * Usage: tcp.ts serve ADDRESS PORT | rtt ADDRESS PORT COUNT | send ADDRESS PORT BYTES
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setPriority } from "node:os";

const [verb, host = "", port = "", amount = "0"] = process.argv.slice(2);
const chunkBytes = 64 * 1024;

// The network is measured, not how long a busy machine lets us wait for our turn.
setPriority(-10);

switch (verb) {
  case "serve":
    serve();
    break;
  case "rtt":
    await measureRoundTrips(Number(amount));
    break;
  case "send":
    await send(Number(amount));
    break;
  default:
    throw new Error(`unknown verb ${verb}`);
}

/** Echoes single bytes; of anything longer it says, at the end, how much arrived. */
function serve(): void {
  createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (chunk.length === 1) socket.write(chunk);
    });
    socket.on("end", () => socket.end(String(received)));
    socket.on("error", () => {});
  }).listen(Number(port), host, () => console.log("listening"));
}

/** Median and greatest round trip of one byte over one connection, ms. */
async function measureRoundTrips(count: number): Promise<void> {
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, "connect");
  const trips: number[] = [];
  while (trips.length < count) {
    const startedAt = performance.now();
    socket.write("x");
    await once(socket, "data");
    trips.push(performance.now() - startedAt);
  }
  trips.sort((one, other) => one - other);
  console.log(JSON.stringify({ medianMs: trips[Math.floor(count / 2)], maxMs: trips.at(-1) }));
  socket.destroy();
}

/** From the first byte written to the other side's word that all has arrived. */
async function send(bytes: number): Promise<void> {
  const socket = connect({ host, port: Number(port) });
  await once(socket, "connect");
  const chunk = Buffer.alloc(chunkBytes);
  const startedAt = performance.now();
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (!socket.write(chunk.subarray(0, Math.min(left, chunk.length)))) await once(socket, "drain");
  }
  socket.end();
  const [received] = await once(socket, "data");
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(JSON.stringify({ received: Number(received), megabytesPerSecond: bytes / 1e6 / seconds }));
}
