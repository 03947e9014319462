import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "#lib/errors.ts";
import { type Lives, live, none, type Subject } from "./seeds.ts";

/** Lives of every so many seeds, on a thread of its own: what it has seen so far after each, and why it stopped, if a life failed. */
export interface Share {
  readonly subject: Subject;
  readonly from: number;
  readonly until: number;
  readonly step: number;
}

export interface Told {
  readonly seed: number;
  readonly sum: Lives;
  /** What did not hold in the life of this seed; null: all did. */
  readonly failure: string | null;
}

const { subject, from, until, step } = workerData as Share;
let sum = none;
for (let seed = from; seed < until; seed += step) {
  let failure: string | null = null;
  try {
    sum = live(subject, seed, sum);
  } catch (error) {
    failure = messageOf(error);
  }
  parentPort?.postMessage({ seed, sum, failure } satisfies Told);
  if (failure !== null) break;
}
