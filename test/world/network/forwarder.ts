/**
 * The WAN of a world: a thread that takes packets from each site's device and puts them into another's when they are due.
 * It does nothing else and waits in the kernel, so that a packet is late only when the machine is busy.
 */
import { parentPort, workerData } from "node:worker_threads";
import { createPoll, readPacket, runBeforeOthers, writePacket } from "./kernel.ts";
import { arrivalMs, createLine, type Line } from "./line.ts";
import { createQualityTable, type QualityCell } from "./quality.ts";
import { siteNames } from "./sites.ts";

export interface ForwarderData {
  readonly memory: SharedArrayBuffer;
  /** One for each site, in the order of siteNames. */
  readonly tunnels: readonly number[];
}

/** More than the devices' MTU of 1500. */
const packetBytesMax = 2_048;
/** Packets on their way, all lines together. With 1500 bytes each: 20 MB/s over 600 ms. */
const packetsMax = 8_192;
/** Packets taken from one site before the others have their turn. */
const burstMax = 64;
/** The thread can be ended only between two waits. */
const idleMsMax = 50;

interface Packet {
  readonly buffer: Buffer;
  bytes: number;
  dueMs: number;
}

/** Packets of one way, in the order of their arrival: the line lets none overtake. */
interface Flight {
  readonly cell: QualityCell;
  readonly tunnel: number;
  readonly line: Line;
  readonly packets: (Packet | undefined)[];
  head: number;
  tail: number;
}

const { memory, tunnels } = workerData as ForwarderData;
const table = createQualityTable(memory);
const slab = Buffer.alloc(packetsMax * packetBytesMax);
const free: Packet[] = Array.from({ length: packetsMax }, (_, slot) => ({
  buffer: slab.subarray(slot * packetBytesMax, (slot + 1) * packetBytesMax),
  bytes: 0,
  dueMs: 0,
}));
const flights: (Flight | undefined)[][] = siteNames.map((from) =>
  siteNames.map((to, position) => {
    const tunnel = tunnels[position];
    if (from === to || tunnel === undefined) return undefined;
    return { cell: table.of({ from, to }), tunnel, line: createLine(), packets: [], head: 0, tail: 0 };
  }),
);
const allFlights = flights.flat().filter((flight) => flight !== undefined);
const poll = createPoll(tunnels);

// Where it is not allowed, packets are late when the machine is busy.
runBeforeOthers();
parentPort?.postMessage("ready");
for (;;) {
  const nextDueMs = deliver();
  poll.wait(Math.max(0, nextDueMs - performance.now()));
  for (const [site, tunnel] of tunnels.entries()) if (poll.isReadable(site)) take(site, tunnel);
}

/** Hands over what is due. @returns when the next packet is */
function deliver(): number {
  const nowMs = performance.now();
  let nextMs = nowMs + idleMsMax;
  for (const flight of allFlights) {
    while (flight.head < flight.tail) {
      const packet = flight.packets[flight.head % packetsMax];
      if (packet === undefined) break;
      if (packet.dueMs > nowMs) {
        nextMs = Math.min(nextMs, packet.dueMs);
        break;
      }
      // A cut also takes what was on its way.
      const arrives = !flight.cell.quality.cut && writePacket(flight.tunnel, packet.buffer, packet.bytes);
      flight.cell.count(packet.bytes, { lost: !arrives });
      flight.head += 1;
      free.push(packet);
    }
  }
  return nextMs;
}

function take(site: number, tunnel: number): void {
  for (let burst = 0; burst < burstMax; burst += 1) {
    const packet = free.pop();
    // All are on their way: the device's own queue fills up, and drops.
    if (packet === undefined) return;
    packet.bytes = readPacket(tunnel, packet.buffer);
    if (packet.bytes > 0 && enter(site, packet)) continue;
    free.push(packet);
    if (packet.bytes === 0) return;
  }
}

/** False when the packet goes nowhere. */
function enter(site: number, packet: Packet): boolean {
  const { buffer, bytes } = packet;
  const isIp4 = (buffer[0] ?? 0) >> 4 === 4;
  // Destination address: bytes 16 to 19. Its second number tells the site.
  const flight = isIp4 && buffer[16] === 10 ? flights[site]?.[(buffer[17] ?? 0) - 1] : undefined;
  if (flight === undefined) return false;
  const { cell, line } = flight;
  const dueMs = arrivalMs(line, cell.quality, { bytes, nowMs: performance.now() }, Math.random);
  if (dueMs === undefined) {
    cell.count(bytes, { lost: true });
    return false;
  }
  packet.dueMs = dueMs;
  flight.packets[flight.tail % packetsMax] = packet;
  flight.tail += 1;
  return true;
}
