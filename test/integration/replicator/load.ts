import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../simulation/random.ts";
import type { Application } from "../harness/application.ts";
import { eventually } from "../harness/eventually.ts";
import type { Transaction } from "../harness/transaction-log.ts";
import type { Room } from "./room.ts";
import { isRefusedOrLost, runWorkload } from "./workload.ts";

const beatPath = "/app/beat";
const beatEveryMs = 20;
const opsPerSecond = 150;
const opsOfARound = 50;
/** A change whose server went: the next one is up to the others. */
const retryMsMax = 20_000;

/** Changes of all kinds at the source until stopped, and a beat: one node whose number rises all the time. */
export interface Load {
  /** Writes a last beat, which succeeds only if the source serves. */
  stop(): Promise<void>;
}

/** @param options.address the servers of the source that the applications use; those that will freeze must not be among them */
export async function startLoad(room: Room, options: { random: Random; address?: string }): Promise<Load> {
  const { random, address } = options;
  const connect = () => room.connectOnce("source", address);
  const [beater, ...writers] = await Promise.all([connect(), connect(), connect()]);
  if (beater === undefined) throw new Error("three applications are connected");
  const stopping = new AbortController();
  await beater.create(beatPath, "0");
  const running = Promise.all([beats(beater, stopping.signal), works({ writers, connect, random }, stopping.signal)]);
  // A failure is told at stop(); until then it must not end the process.
  running.catch(() => stopping.abort());
  return {
    async stop() {
      stopping.abort();
      const [last] = await running;
      await eventually(() => beater.set(beatPath, String(last + 1)), { withinMs: retryMsMax, everyMs: 100 });
      for (const application of [beater, ...writers]) await application[Symbol.asyncDispose]();
    },
  };
}

async function beats(beater: Application, signal: AbortSignal): Promise<number> {
  let beat = 0;
  while (!signal.aborted) {
    beat += 1;
    await beater.set(beatPath, String(beat)).catch((error: unknown) => {
      if (!isRefusedOrLost(error)) throw error;
    });
    await delay(beatEveryMs);
  }
  return beat;
}

async function works(
  applications: { writers: readonly Application[]; connect: () => Promise<Application>; random: Random },
  signal: AbortSignal,
): Promise<void> {
  for (let round = 0; !signal.aborted; round += 1) {
    await runWorkload({ ...applications, ops: opsOfARound, firstSeq: round * 2 * opsOfARound, opsPerSecond });
  }
}

export interface Lags {
  /** From each beat's commit at the source to the commit at the target of that beat or a later one. */
  readonly p50Ms: number;
  readonly maxMs: number;
  readonly beats: number;
  /** The longest time without a beat at the source itself: the lag cannot be told from the link's there. */
  readonly sourceGapMs: number;
}

/** How late the beats were, by the clocks of the servers, which share a machine. */
export function lagsOf(run: { source: readonly Transaction[]; target: readonly Transaction[] }): Lags {
  const sent = beatsOf(run.source, beatPath);
  const arrived = beatsOf(run.target, `/mirror${beatPath}`);
  const lags = sent.map(({ beat, atMs }) => {
    const found = arrived.find((one) => one.beat >= beat);
    return found === undefined ? Number.POSITIVE_INFINITY : found.atMs - atMs;
  });
  lags.sort((one, other) => one - other);
  const gaps = sent.slice(1).map(({ atMs }, index) => atMs - (sent[index]?.atMs ?? atMs));
  return {
    p50Ms: lags[Math.floor(lags.length / 2)] ?? Number.POSITIVE_INFINITY,
    maxMs: lags.at(-1) ?? Number.POSITIVE_INFINITY,
    beats: lags.length,
    sourceGapMs: Math.max(0, ...gaps),
  };
}

function beatsOf(log: readonly Transaction[], path: string): { readonly beat: number; readonly atMs: number }[] {
  return log.flatMap(({ atMs, changes }) =>
    changes.flatMap((change) =>
      (change.kind === "set" || change.kind === "create") && change.path === path
        ? [{ beat: Number(change.data), atMs }]
        : [],
    ),
  );
}
