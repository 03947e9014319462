import { SdkError } from "./errors.ts";

/** Every limit has a name; connect({ limits: { … } }) sets it. */
const usualLimits = {
  /** Topics that one client follows at the same time. */
  topicsMax: 1_000,
  /** Longest wait for one router's answer. */
  requestTimeoutMs: 2_000,
  /** Longest wait of resolve() for all routers together. */
  resolveTimeoutMs: 5_000,
  /** Of one router's answer, or of one event. */
  answerCharactersMax: 4 * 1024 * 1024,
  /** A watch that brings nothing for so long is opened anew. Routers send a sign of life each 15 s. */
  silenceMsMax: 35_000,
  /** Between two attempts at the same router, or at the same brokers. */
  backoffMinMs: 100,
  backoffMaxMs: 5_000,
  /** Routes are written to the file at most this often. */
  saveEveryMs: 1_000,
  /** From send() to its acknowledgement, with all attempts. A router's word comes before it. */
  sendTimeoutMs: 30_000,
  /** What is on its way at a place that the topic has left may still be acknowledged there for so long; then it is sent again. */
  leaveGraceMs: 1_000,
  /** Sends that are on their way at the same time, by producer. */
  sendsMax: 10_000,
  /** Messages that one consumer's handler gets at the same time; those of one partition come one by one. A router's word comes before it. */
  concurrency: 8,
  /** A place that was left is read until it is empty and nothing has come for so long … */
  lingerQuietMs: 30_000,
  /** … but no longer than this. */
  lingerMsMax: 24 * 3_600_000,
  lingerCheckEveryMs: 2_000,
  /** Routers are told of what was sent and consumed this often. */
  telemetryEveryMs: 10_000,
  /** Places that are read beside the current one. */
  lingersMax: 4,
} as const satisfies Readonly<Record<string, number>>;

export type Limits = { readonly [name in keyof typeof usualLimits]: number };

/** @throws {SdkError} SDK_BAD_OPTIONS */
export function limitsOf(given: Partial<Limits>): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!(name in usualLimits)) {
      const hint = `There are ${Object.keys(usualLimits).join(", ")}`;
      throw new SdkError("SDK_BAD_OPTIONS", `There is no limit ${JSON.stringify(name)}`, { hint });
    }
    if (!Number.isFinite(value) || value < 1) {
      throw new SdkError("SDK_BAD_OPTIONS", `limits.${name} is ${value}`, { hint: "Give a number of at least 1" });
    }
  }
  return { ...usualLimits, ...given };
}
