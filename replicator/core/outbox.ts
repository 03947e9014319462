import type { Instant } from "#lib/clock.ts";
import type { Acl, NodeData, WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { WantedAcl } from "./acl-copy.ts";
import type { DriftKind, Overwritten } from "./drift.ts";
import type { LinkLimits } from "./limits.ts";
import { parentOf } from "./paths.ts";

/** One write to come: what the source said, against what the target was seen to be. */
export interface PendingWrite {
  readonly path: string;
  readonly kind: "create" | "set" | "delete";
  readonly data: NodeData;
  readonly hash: number;
  /** The version that set and delete must meet. */
  readonly version: number;
  /** Arrival of the first event it answers; undefined when a compare found it. */
  readonly since: Instant | undefined;
  /** A parent that no rule asks for, needed by something below. */
  readonly passage: boolean;
  /** What a create is to give; undefined: what the link gives. */
  readonly acl?: WantedAcl | undefined;
  /** What somebody else did to the node, if this sets it right. */
  readonly repairs: DriftKind | undefined;
  /** His node as it was read; undefined where nothing of his is overwritten. */
  readonly overwritten: Overwritten | undefined;
}

/**
 * Packs writes into multis: parents before children within one, and never two in flight that touch the same path or a path and
 * its parent, so that a refused one cannot pull another down.
 */
export interface Outbox {
  readonly ops: number;
  readonly bytes: number;
  /** Deletes that wait or are in flight. */
  readonly deletes: number;
  has(path: string): boolean;
  /** Whether a create directly below this path waits or is in flight. */
  bringsBelow(path: string): boolean;
  add(write: PendingWrite): void;
  drop(path: string): void;
  /**
   * The next multi, locked until `release`; empty when nothing can go now. `stranded`: creates whose parent is neither there
   * nor to come, as its own create was refused or it is gone: thrown out. `opsMax`: fewer than a batch may have.
   */
  take(
    parentExists: (path: string) => boolean,
    opsMax?: number,
  ): {
    readonly batch: readonly PendingWrite[];
    readonly stranded: readonly PendingWrite[];
  };
  release(writes: readonly PendingWrite[]): void;
  /** Forgets all, also what is in flight; gives back what was waiting or in flight. */
  clear(): readonly PendingWrite[];
}

/** Version, ACL and headers of one operation on the wire, roughly. */
const opOverheadBytes = 64;

export function createOutbox(limits: Pick<LinkLimits, "opsPerWrite" | "bytesPerWrite">): Outbox {
  const waiting = new Map<string, PendingWrite>();
  const inFlight = new Map<string, PendingWrite>();
  /** Parents of paths in flight, counted. */
  const parentsInFlight = new Map<string, number>();
  let bytes = 0;
  let deletes = 0;

  /** Parents of paths to be created, waiting or in flight, counted. */
  const parentsOfCreates = new Map<string, number>();

  const countKind = ({ kind, path }: PendingWrite, change: 1 | -1): void => {
    if (kind === "delete") deletes += change;
    if (kind === "create") count(parentsOfCreates, parentOf(path), change);
  };
  const drop = (path: string): void => {
    const write = waiting.get(path);
    if (write === undefined) return;
    waiting.delete(path);
    bytes -= bytesOf(write);
    countKind(write, -1);
  };

  return {
    get ops() {
      return waiting.size;
    },
    get bytes() {
      return bytes;
    },
    get deletes() {
      return deletes;
    },
    has: (path) => waiting.has(path) || inFlight.has(path),
    bringsBelow: (path) => parentsOfCreates.has(path),
    add(write) {
      drop(write.path);
      waiting.set(write.path, write);
      bytes += bytesOf(write);
      countKind(write, 1);
    },
    drop,
    take(parentExists, opsMax = limits.opsPerWrite) {
      const batch: PendingWrite[] = [];
      const stranded: PendingWrite[] = [];
      const created = new Set<string>();
      let batchBytes = 0;
      for (const write of waiting.values()) {
        const parent = parentOf(write.path);
        if (inFlight.has(write.path) || inFlight.has(parent)) continue;
        if (write.kind !== "set" && parentsInFlight.has(write.path)) continue;
        if (write.kind === "create" && !created.has(parent) && !parentExists(parent)) {
          if (!waiting.has(parent)) stranded.push(write);
          continue;
        }
        const size = bytesOf(write);
        if (batch.length > 0 && batchBytes + size > limits.bytesPerWrite) break;
        batch.push(write);
        batchBytes += size;
        if (write.kind === "create") created.add(write.path);
        if (batch.length >= Math.min(opsMax, limits.opsPerWrite)) break;
      }
      for (const { path } of stranded) drop(path);
      bytes -= batchBytes;
      for (const write of batch) {
        waiting.delete(write.path);
        inFlight.set(write.path, write);
        count(parentsInFlight, parentOf(write.path), 1);
      }
      return { batch, stranded };
    },
    release(writes) {
      for (const write of writes) {
        if (!inFlight.delete(write.path)) continue;
        count(parentsInFlight, parentOf(write.path), -1);
        countKind(write, -1);
      }
    },
    clear() {
      const all = [...inFlight.values(), ...waiting.values()];
      inFlight.clear();
      parentsInFlight.clear();
      parentsOfCreates.clear();
      waiting.clear();
      bytes = 0;
      deletes = 0;
      return all;
    },
  };
}

export function toWriteOp(write: PendingWrite, acl: readonly Acl[]): WriteOp {
  switch (write.kind) {
    case "create":
      return { kind: "create", path: write.path, data: write.data, acl: write.acl?.rights.entries ?? acl };
    case "set":
      return { kind: "set", path: write.path, data: write.data, version: write.version };
    case "delete":
      return { kind: "delete", path: write.path, version: write.version };
  }
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

function bytesOf(write: PendingWrite): number {
  // A character of a path takes up to three bytes in UTF-8.
  const bytes = opOverheadBytes + write.path.length * 3 + (write.data?.length ?? 0);
  return write.overwritten === undefined ? bytes : 2 * bytes + (write.overwritten.data?.length ?? 0);
}
