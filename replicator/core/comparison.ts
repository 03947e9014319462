import type { Instant } from "#lib/clock.ts";
import type { ReadRequest, ReadResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { AclIndex } from "./acl-index.ts";
import type { Brake } from "./brake.ts";
import type { Carrier } from "./carrier.ts";
import { createDivergence } from "./divergence.ts";
import type { DriftKind } from "./drift.ts";
import { deletable } from "./extras.ts";
import type { LinkContext } from "./link-context.ts";
import type { Side } from "./link-events.ts";
import type { Past } from "./past.ts";
import { isBelow } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { sourcesOf } from "./rules/rules.ts";
import type { Scan } from "./scan.ts";
import { createSourceReading } from "./source-reading.ts";
import type { TargetIndex } from "./target-index.ts";
import { createTargetReading } from "./target-reading.ts";
import type { Tombstones } from "./tombstones.ts";
import type { Witnesses } from "./witnesses.ts";
import type { Work } from "./work.ts";

/**
 * A full compare: reads target and source side by side, and marks each target path that differs as dirty. It writes nothing and
 * decides nothing itself: the carrier reads each dirty path again before it acts, so a compare may be out of date. Only a first
 * one hands over what it has just read, for the carrier to settle as if it had read it itself.
 */
export interface Comparison {
  /** Counts compares; entries of the index carry the number of the one that saw them last. */
  readonly number: number;
  /** What is being read: the target is done when only the source is. undefined when no compare is under way. */
  readonly stage: Side | undefined;
  readonly nodes: number;
  /** Whether it hands over what it reads. */
  readonly carries: boolean;
  /** `past`: of the claim, for the first compare after it. `carries`: also what differs, as soon as the target has been read. */
  start(now: Instant, past: Past | undefined, carries: boolean): void;
  /** Takes an answer if it is its own. */
  read(answer: { id: number; results: readonly ReadResult[]; zxid: Zxid }, now: Instant): boolean;
  /** Whether the command of this id is its own and has no answer yet. */
  awaits(id: number): boolean;
  pump(): void;
  abandon(): void;
  /** The finished compare, once. */
  takeFinished(): Compared | undefined;
}

interface Compared {
  readonly sourceNodes: number;
  readonly targetNodes: number;
  readonly differences: number;
  readonly tookMs: number;
  /** The source was read at this transaction or later ones. */
  readonly sourceZxid: Zxid;
  /** What somebody else wrote while nobody watched, and the link would overwrite: it may not go on. */
  readonly diverged: ReadonlyMap<string, DriftKind>;
}

interface Running {
  readonly scans: Readonly<Record<Side, Scan>>;
  readonly startedAt: Instant;
  readonly carries: boolean;
  /** undefined until all of them have been read. */
  targetNodes: number | undefined;
  /** Of those, how many could be deleted at most. */
  indexed: number;
  sourceZxid: Zxid | undefined;
}

export function createComparison(parts: {
  context: LinkContext;
  index: TargetIndex;
  /** Only where ACLs are copied. */
  acls: AclIndex | undefined;
  problems: Problems;
  brake: Brake;
  witnesses: Witnesses;
  work: Work;
  /** Only with deletes.mode tombstone. */
  tombstones: Tombstones | undefined;
  carrier: Pick<Carrier, "carry" | "hasRoom">;
}): Comparison {
  const { context, index, problems, brake, work, tombstones, carrier } = parts;
  const { limits, options } = context;
  const { rules } = options;
  const reads: Readonly<Record<Side, Map<number, readonly ReadRequest[]>>> = { source: new Map(), target: new Map() };
  let number = 0;
  let current: Running | undefined;
  let finished: Compared | undefined;
  /** At which the source was when it gave the answer that is being looked at. */
  let readAt = noZxid;

  const divergence = createDivergence({
    isRuled: (path) => sourcesOf(rules, path).length > 0,
    exists: (path) => index.get(path) !== undefined,
  });
  const target = createTargetReading({ ...parts, divergence });
  const source = createSourceReading({
    ...parts,
    divergence,
    carry: (said, now) => current?.carries === true && carrier.carry({ ...said, zxid: readAt }, now),
  });

  const mayRead = (side: Side, { targetNodes, carries }: Running): boolean => {
    if (side === "target") return true;
    if (targetNodes === undefined) return source.ahead < limits.readAhead;
    return !carries || carrier.hasRoom;
  };
  const pumpSide = (side: Side, running: Running): void => {
    while (reads[side].size < limits.scanReadsInFlight && mayRead(side, running)) {
      const requests = running.scans[side].take();
      if (requests.length === 0) return;
      const id = context.nextId();
      reads[side].set(id, requests);
      context.emit({ kind: "read", id, side, requests });
    }
  };
  const sideOf = (id: number): Side | undefined => (["source", "target"] as const).find((side) => reads[side].has(id));

  const finish = (running: Running & { readonly targetNodes: number }, now: Instant): void => {
    const { scans, targetNodes, startedAt, sourceZxid, carries, indexed } = running;
    const sourceless = index.withoutSource(number);
    if (options.deletes.mode !== "keep") for (const path of sourceless) divergence.differs(path);
    if (divergence.found.size === 0) {
      for (const path of source.agreed) index.adopt(path);
      clearProblems();
      clearTombstones();
      // What it has created itself meanwhile is no reason to delete more.
      markExtras(sourceless, carries ? Math.min(indexed, index.size) : index.size, now);
    }
    finished = {
      sourceNodes: scans.source.nodes,
      targetNodes,
      differences: source.differences,
      tookMs: now - startedAt,
      sourceZxid: sourceZxid ?? noZxid,
      diverged: divergence.found,
    };
    current = undefined;
  };
  const clearProblems = (): void => {
    for (const path of problems.paths("source")) if (!source.unmapped.has(path)) problems.clear("source", path);
    // What is held back may be gone on both sides, where no scan comes upon it.
    for (const path of problems.paths("target")) if (!work.isPending(path)) work.mark(path, undefined);
  };
  /** What came back without an event, or went in the target as well. */
  const clearTombstones = (): void => {
    for (const path of tombstones?.paths() ?? []) {
      const entry = index.get(path);
      if (entry === undefined || entry.seenInSource === number) tombstones?.clear(path);
    }
  };
  /** Target nodes without any source: candidates for a delete. Announced to the brake before the first of them. */
  const markExtras = (sourceless: readonly string[], targetSize: number, now: Instant): void => {
    const extras = sourceless.filter((path) => !work.isPending(path) && tombstones?.isWaiting(path) !== true);
    if (options.deletes.mode === "mirror" && brake.engagement() === undefined) {
      const going = deletable(extras, index);
      const wiped = source.emptyRoots.find(({ root }) =>
        going.some((path) => sourcesOf(rules, path).some((one) => isBelow(one, root))),
      );
      if (wiped !== undefined) brake.engage(wiped.missing ? "sourceRootMissing" : "sourceRootEmpty", now);
      brake.announce(going.length, targetSize, now);
      const engaged = brake.engagement();
      if (engaged !== undefined)
        context.note({ kind: "brake", engaged: true, reason: engaged.reason, held: going.length });
    }
    for (const path of extras) source.differs(path);
    // A delete that is held for a node which is gone by now must not keep the brake engaged.
    for (const path of brake.held) if (!work.isPending(path)) work.mark(path, undefined);
  };

  return {
    get number() {
      return number;
    },
    get stage() {
      return current && (current.targetNodes === undefined ? "target" : "source");
    },
    get nodes() {
      return current?.scans[current.targetNodes === undefined ? "target" : "source"].nodes ?? 0;
    },
    get carries() {
      return current?.carries === true;
    },
    start(now, past, carries) {
      number += 1;
      divergence.start(past);
      current = {
        scans: { target: target.start(number, past, source.targetFound), source: source.start(number) },
        startedAt: now,
        carries,
        targetNodes: undefined,
        indexed: 0,
        sourceZxid: undefined,
      };
    },
    awaits: (id) => sideOf(id) !== undefined,
    read({ id, results, zxid }, now) {
      const side = sideOf(id);
      if (side === undefined) return false;
      const requests = reads[side].get(id) ?? [];
      reads[side].delete(id);
      if (current === undefined) return true;
      const { scans } = current;
      if (side === "source") {
        current.sourceZxid ??= zxid;
        readAt = zxid;
      }
      source.now(now);
      scans[side].feed(requests, results);
      if (side === "target" && scans.target.done) {
        current.targetNodes = target.finish(scans.target, number);
        current.indexed = index.size;
        source.targetRead();
      }
      const { targetNodes } = current;
      if (targetNodes !== undefined && scans.source.done) finish({ ...current, targetNodes }, now);
      return true;
    },
    pump() {
      // The target first: the source's nodes wait for it.
      if (current !== undefined) pumpSide("target", current);
      if (current !== undefined) pumpSide("source", current);
    },
    abandon() {
      reads.source.clear();
      reads.target.clear();
      current = undefined;
    },
    takeFinished() {
      const result = finished;
      finished = undefined;
      return result;
    },
  };
}

const noZxid = 0n as Zxid;
