import { setTimeout as delay } from "node:timers/promises";
import type { Reach } from "./control.ts";
import type { QualityTable } from "./quality.ts";
import type { ResidentReport } from "./resident.ts";
import { type Way, ways } from "./sites.ts";

const probesSent = 5;
const probeEveryMs = 5;
/** For the machine's own delays, beside those that the ways have: what is still to come has come by then, if it comes at all. */
const graceMsMax = 1_500;
/** How long a cut way is listened to. */
const graceMsMin = 150;
const lookEveryMs = 10;

type Heard = Extract<ResidentReport, { kind: "heard" }>;

/** Finds out who reaches whom, by datagrams that the residents send each other. */
export interface Prober {
  hear(report: Heard): void;
  measure(): Promise<readonly Reach[]>;
}

/** @param send lets every resident send one datagram to each other site */
export function createProber(table: QualityTable, send: (probe: number) => void): Prober {
  const pending = new Map<number, Heard[]>();
  let probes = 0;
  return {
    hear: (report) => void pending.get(report.probe)?.push(report),
    async measure() {
      probes += 1;
      const probe = probes;
      const heard: Heard[] = [];
      pending.set(probe, heard);
      for (let sent = 0; sent < probesSent; sent += 1) {
        send(probe);
        await delay(probeEveryMs);
      }
      const qualities = ways.map((way) => table.of(way).quality);
      await delay(Math.max(...qualities.map(({ delayMs, jitterMs }) => delayMs + jitterMs)) + graceMsMin);
      const expected = qualities.filter(({ cut }) => !cut).length * probesSent;
      const deadline = performance.now() + graceMsMax;
      while (heard.length < expected && performance.now() < deadline) await delay(lookEveryMs);
      pending.delete(probe);
      return ways.map((way) => reachOf(way, table, heard));
    },
  };
}

function reachOf(way: Way, table: QualityTable, heard: readonly Heard[]): Reach {
  const delays = heard.filter(({ from, to }) => from === way.from && to === way.to).map(({ delayMs }) => delayMs);
  delays.sort((one, other) => one - other);
  const { quality, traffic } = table.of(way);
  return {
    ...way,
    quality: { ...quality },
    traffic: { ...traffic },
    sent: probesSent,
    heard: delays.length,
    delayMs: delays[Math.floor(delays.length / 2)],
  };
}
