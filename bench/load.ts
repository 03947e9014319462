import type { Store } from "./stores/store.ts";

/** How far behind a follower was while its source was written at a steady rate. */
export interface Lag {
  /** Writes a second that the source acknowledged: less than wished for where the source takes no more. */
  readonly writesPerSecond: number;
  /** From the request leaving the writer to the target's watch telling of the change: one process, one clock. */
  readonly lagsMs: readonly number[];
  /** From the last acknowledgement of the source to the last change in the target. */
  readonly drainMs: number;
  /** Changes that had not come when waiting for them was given up. */
  readonly missing: number;
}

const turnMs = 5;
/** More due at once go out as multis, for a source that would not take so many single writes. */
const nodesPerWrite = 10;
/** The writer waits with so many unacknowledged. */
const requestsInFlightMax = 2_000;

/** The writes that the target has not shown yet: a node's earliest one counts. */
export interface Outstanding {
  readonly sentAt: Map<number, number>;
  readonly lagsMs: number[];
  lastSeenAt: number;
}

export function createOutstanding(): Outstanding {
  return { sentAt: new Map(), lagsMs: [], lastSeenAt: 0 };
}

/** What the target's watch calls. */
export function seen(outstanding: Outstanding, node: number): void {
  const sentAt = outstanding.sentAt.get(node);
  if (sentAt === undefined) return;
  outstanding.sentAt.delete(node);
  outstanding.lastSeenAt = performance.now();
  outstanding.lagsMs.push(outstanding.lastSeenAt - sentAt);
}

/** Writes nodes in turn, each once before any comes again, and waits until the target has shown them or `giveUpMs` are over. */
export async function load(options: {
  source: Store;
  outstanding: Outstanding;
  nodes: number;
  /** Gives each request data that was never there before: what is equal already is nobody's to write. */
  nextGeneration: () => number;
  writesPerSecond: number;
  forMs: number;
  giveUpMs: number;
}): Promise<Lag> {
  const { source, outstanding, nodes, nextGeneration, writesPerSecond, forMs } = options;
  outstanding.sentAt.clear();
  outstanding.lagsMs.length = 0;
  const inFlight = new Set<Promise<void>>();
  const startedAt = performance.now();
  let sent = 0;
  for (let now = startedAt; now < startedAt + forMs; now = performance.now()) {
    const due = Math.floor(((now - startedAt) / 1_000) * writesPerSecond) - sent;
    const perWrite = due > nodesPerWrite ? nodesPerWrite : 1;
    for (let from = 0; from < due && inFlight.size < requestsInFlightMax; from += perWrite) {
      const some = Array.from({ length: Math.min(perWrite, due - from) }, (_, at) => (sent + at) % nodes);
      sent += some.length;
      for (const node of some) if (!outstanding.sentAt.has(node)) outstanding.sentAt.set(node, performance.now());
      const write = source.write(some, nextGeneration()).finally(() => inFlight.delete(write));
      inFlight.add(write);
    }
    await sleep(turnMs);
  }
  await Promise.all(inFlight);
  const acknowledgedAt = performance.now();
  while (outstanding.sentAt.size > 0 && performance.now() - acknowledgedAt < options.giveUpMs) await sleep(turnMs);
  return {
    writesPerSecond: sent / ((acknowledgedAt - startedAt) / 1_000),
    lagsMs: [...outstanding.lagsMs],
    drainMs: Math.max(0, outstanding.lastSeenAt - acknowledgedAt),
    missing: outstanding.sentAt.size,
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
