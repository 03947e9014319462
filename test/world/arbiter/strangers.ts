import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { frameLimits } from "#lib/remoting/frame.ts";
import { createRandom } from "../../simulation/random.ts";
import type { Network } from "../network/network.ts";
import type { SiteName } from "../network/sites.ts";

/** Who speaks to a controller door and is no broker. */

const noise = Buffer.alloc(64 * 1_024);
const random = createRandom(1);
for (let at = 0; at < noise.length; at += 1) noise.writeUInt8(Math.floor(random.next() * 256), at);

/** Frame: length of what follows i32 | serialize type u8 | header length u24 | header | body. A door ends whoever sends one of these. */
export const nonsense: Readonly<Record<string, Buffer>> = {
  text: Buffer.from("GET / HTTP/1.1\r\nHost: arbiter\r\n\r\n"),
  "the hello of TLS": Buffer.from("16030100c8010000c40303".padEnd(400, "0"), "hex"),
  noise,
  "a frame of 2 GB": Buffer.from("7fffffff00000010", "hex"),
  "a frame one byte too long": head(frameLimits.frameBytesMax - 3, 16),
  "a frame of less than nothing": Buffer.from("ffffffff", "hex"),
  "a header longer than its frame": head(16, 200_000),
  "a header that is no JSON": Buffer.concat([head(8, 4), Buffer.from("{,:}")]),
};

/** The first half of the largest frame that is allowed. */
export const half = Buffer.concat([
  head(frameLimits.frameBytesMax - 4, 16),
  Buffer.alloc(frameLimits.frameBytesMax / 2),
]);

/** @returns after how many ms the other side has ended the connection. @throws when it has not in time */
export async function untilShownOut(
  network: Network,
  visit: { readonly from: SiteName; readonly door: string; readonly bytes: Buffer; readonly withinMs: number },
): Promise<number> {
  const socket = await network.dial(visit.from, visit.door);
  const startedAt = performance.now();
  const ended = endOf(socket);
  socket.write(visit.bytes);
  const inTime = await Promise.race([ended, delay(visit.withinMs, "late")]);
  socket.destroy();
  if (inTime === "late") throw new Error(`${visit.door} had not ended the connection after ${visit.withinMs} ms`);
  return performance.now() - startedAt;
}

async function endOf(socket: Socket): Promise<void> {
  const ended = Promise.withResolvers<void>();
  socket
    .on("error", () => ended.resolve())
    .on("end", () => ended.resolve())
    .on("close", () => ended.resolve());
  socket.resume();
  await ended.promise;
}

/** Samples the memory of a process. */
export interface MemoryWatch extends AsyncDisposable {
  readonly bytesBefore: number;
  readonly bytesMax: number;
}

const sampleEveryMs = 100;

export function watchMemory(pid: number): MemoryWatch {
  const over = new AbortController();
  const bytesBefore = residentBytes(pid);
  let bytesMax = bytesBefore;
  const done = (async () => {
    while (!over.signal.aborted) {
      bytesMax = Math.max(bytesMax, residentBytes(pid));
      await delay(sampleEveryMs);
    }
  })();
  return {
    bytesBefore,
    get bytesMax() {
      return bytesMax;
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
    },
  };
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;
}

function head(length: number, headerBytes: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(length, 0);
  bytes.writeUIntBE(headerBytes, 5, 3);
  return bytes;
}
