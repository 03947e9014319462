import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";

/** What each file of a run's folder is about; each is written by those who saw it, and read by the report alone. */
const historyNames = ["faults", "producers", "consumers", "record", "routes", "decisions", "stored"] as const;

type HistoryName = (typeof historyNames)[number];

/** Raw histories: one JSON object a line, in the order in which it happened, only ever added to. */
export interface Histories extends AsyncDisposable {
  /** `at` is added: ms since the run's begin, on the monotonic clock. @returns it */
  add(history: HistoryName, event: Readonly<Record<string, unknown>>): number;
  /** The same, of a time that was taken before: from now(). */
  addAt(history: HistoryName, at: number, event: Readonly<Record<string, unknown>>): void;
  now(): number;
}

export async function openHistories(folder: string): Promise<Histories> {
  const startedAt = performance.now();
  const now = (): number => Math.round((performance.now() - startedAt) * 100) / 100;
  const files = new Map(
    historyNames.map((name) => [name, createWriteStream(join(folder, `${name}.jsonl`), { flags: "ax" })]),
  );
  await Promise.all([...files.values()].map((file) => once(file, "open")));
  const addAt = (history: HistoryName, at: number, event: Readonly<Record<string, unknown>>): void => {
    files.get(history)?.write(`${JSON.stringify({ at, ...event })}\n`);
  };
  return {
    now,
    addAt,
    add(history, event) {
      const at = now();
      addAt(history, at, event);
      return at;
    },
    async [Symbol.asyncDispose]() {
      for (const file of files.values()) file.end();
      await Promise.all([...files.values()].map((file) => finished(file)));
    },
  };
}
