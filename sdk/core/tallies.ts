import { type GroupReport, type TelemetryReport, telemetryBounds, telemetryLimits } from "../../lib/telemetry.ts";

/** Counts what a client does, for the next report to a router. Its size is bounded by the IDCs that it meets, not by what it sends. */
export interface Tallies {
  sent(send: { idc: string; ok: boolean; seconds: number; bytes: readonly number[] }): void;
  consumed(message: { idc: string; seconds: number; bytes: number }): void;
  /** Which allocator a group agreed on; null: this client is no member of it any more. */
  agreed(group: { topic: string; group: string }, allocator: string | null): void;
  /** What is counted since the one before: it begins anew, but for groups. undefined: nothing. */
  take(): TelemetryCounts | undefined;
}

type TelemetryCounts = Pick<TelemetryReport, "produced" | "consumed" | "groups">;

interface Counting {
  readonly counts: number[];
  sum: number;
}

interface Produced {
  acknowledged: number;
  failed: number;
  readonly seconds: Counting;
  readonly bytes: Counting;
}

interface Consumed {
  messages: number;
  readonly seconds: Counting;
  readonly bytes: Counting;
}

export function createTallies(): Tallies {
  let produced = new Map<string, Produced>();
  let consumed = new Map<string, Consumed>();
  const groups = new Map<string, GroupReport>();

  return {
    sent({ idc, ok, seconds, bytes }) {
      const own = entryOf(produced, idc, () => {
        return { acknowledged: 0, failed: 0, seconds: counting("seconds"), bytes: counting("bytes") };
      });
      if (own === undefined) return;
      if (!ok) {
        own.failed += bytes.length;
        return;
      }
      own.acknowledged += bytes.length;
      count(own.seconds, "seconds", seconds);
      for (const size of bytes) count(own.bytes, "bytes", size);
    },
    consumed({ idc, seconds, bytes }) {
      const own = entryOf(consumed, idc, () => {
        return { messages: 0, seconds: counting("seconds"), bytes: counting("bytes") };
      });
      if (own === undefined) return;
      own.messages += 1;
      count(own.seconds, "seconds", seconds);
      count(own.bytes, "bytes", bytes);
    },
    agreed({ topic, group }, allocator) {
      const name = JSON.stringify([topic, group]);
      if (allocator === null) groups.delete(name);
      else if (groups.has(name) || groups.size < telemetryLimits.groupsMax)
        groups.set(name, { topic, group, allocator });
    },
    take() {
      if (produced.size === 0 && consumed.size === 0 && groups.size === 0) return undefined;
      const taken: TelemetryCounts = {
        produced: [...produced].map(([idc, own]) => ({ idc, ...own })),
        consumed: [...consumed].map(([idc, own]) => ({ idc, ...own })),
        groups: [...groups.values()],
      };
      produced = new Map();
      consumed = new Map();
      return taken;
    },
  };
}

function entryOf<T>(all: Map<string, T>, idc: string, make: () => T): T | undefined {
  const known = all.get(idc);
  if (known !== undefined || all.size >= telemetryLimits.idcsMax) return known;
  const fresh = make();
  all.set(idc, fresh);
  return fresh;
}

function counting(what: keyof typeof telemetryBounds): Counting {
  return { counts: Array.from({ length: telemetryBounds[what].length + 1 }, () => 0), sum: 0 };
}

function count(into: Counting, what: keyof typeof telemetryBounds, value: number): void {
  const bounds: readonly number[] = telemetryBounds[what];
  const found = bounds.findIndex((bound) => value <= bound);
  const at = found < 0 ? bounds.length : found;
  into.counts[at] = (into.counts[at] ?? 0) + 1;
  into.sum += value;
}
