import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { Acl, NodeData, WriteOp, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { createCanary } from "../core/canary.ts";
import type { PhaseName } from "../core/transitions.ts";
import { canariesRoot, type LinkLayout, ownRoot } from "./layout.ts";
import { createIfAbsent } from "./nodes.ts";
import { isRefusal } from "./reader.ts";

/**
 * Sets the canary of a link at its source, and looks for it in what the link has written. What carries it over is the link
 * itself: for its core the canary is a path like any other. ARCHITECTURE.md has the crash table.
 */
export interface CanaryKeeper {
  /** Until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** The target has acknowledged these. */
  acknowledged(ops: readonly WriteOp[]): void;
  status(): CanaryStatus;
}

export interface CanaryStatus {
  readonly everyMs: number;
  /** undefined where none is expected: another replicator leads, or the link is paused or stopped. */
  readonly ageMs: number | undefined;
  /** Of the last one that arrived. */
  readonly lagMs: number | undefined;
  /** Why none can be set right now; the link goes on without. */
  readonly problem: { readonly code: "canary-refused"; readonly detail: string } | undefined;
}

/** @param options.acl of what is created at the source */
export function createCanaryKeeper(options: {
  everyMs: number;
  source: ZooKeeper;
  layout: LinkLayout;
  acl: readonly Acl[];
  instance: string;
  clock: Clock;
  phase: () => PhaseName;
  onLag: (lagMs: number) => void;
  onProblem: (problem: CanaryStatus["problem"]) => void;
}): CanaryKeeper {
  const { everyMs, source, layout, acl, instance, clock, phase } = options;
  const canary = createCanary();
  let lagMs: number | undefined;
  let problem: CanaryStatus["problem"];

  const set = async (data: Uint8Array, signal: AbortSignal): Promise<void> => {
    const path = layout.canary.source;
    try {
      await source.setData(path, data, -1, { signal });
    } catch (error) {
      if (!(error instanceof ZooKeeperError && error.is("noNode"))) throw error;
      for (const parent of [ownRoot, canariesRoot]) await createIfAbsent(source, parent, acl, signal);
      await source.create(path, data, { acl, signal });
    }
  };
  const tell = (next: CanaryStatus["problem"]): void => {
    if (next?.detail !== problem?.detail) options.onProblem(next);
    problem = next;
  };
  const setNext = async (signal: AbortSignal): Promise<void> => {
    const number = canary.next(phase(), clock.now());
    if (number === undefined) return;
    try {
      await set(encodeCanary({ instance, number }, clock.wallTime()), signal);
      tell(undefined);
    } catch (error) {
      canary.forget(number);
      // A lost session is told by the link's phase, and the next attempt finds out more.
      if (isRefusal(error)) tell({ code: "canary-refused", detail: messageOf(error) });
    }
  };
  const arrived = (data: NodeData, now: Instant): void => {
    const found = decodeCanary(data);
    // One of another replicator, which has led before or thinks that it does.
    if (found?.instance !== instance) return;
    for (const one of canary.arrived(found.number, now)) {
      lagMs = one;
      options.onLag(one);
    }
  };

  return {
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(everyMs, { signal });
        await setNext(signal);
      }
    },
    acknowledged(ops) {
      for (const op of ops) if (op.path === layout.canary.target && "data" in op) arrived(op.data, clock.now());
    },
    status: () => ({ everyMs, ageMs: canary.ageMs(phase(), clock.now()), lagMs, problem }),
  };
}

interface CanaryData {
  readonly instance: string;
  readonly number: number;
}

/** @param atMs wall time, for people */
export function encodeCanary({ instance, number }: CanaryData, atMs: number): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ schema: 1, instance, number, at: new Date(atMs).toISOString() }));
}

/** undefined when the data is none of ours. */
export function decodeCanary(data: NodeData): CanaryData | undefined {
  try {
    const found = JSON.parse(new TextDecoder().decode(data ?? undefined)) as Record<string, unknown> | null;
    const { schema, instance, number } = found ?? {};
    return schema === 1 && typeof instance === "string" && typeof number === "number"
      ? { instance, number }
      : undefined;
  } catch {
    return undefined;
  }
}
