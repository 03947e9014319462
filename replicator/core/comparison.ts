import type { Instant } from "#lib/clock.ts";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { ReadRequest, ReadResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { type AclIndex, markOf } from "./acl-index.ts";
import type { Brake } from "./brake.ts";
import { createDivergence, type Past } from "./divergence.ts";
import type { DriftKind } from "./drift.ts";
import { deletable } from "./extras.ts";
import { hashData } from "./hash.ts";
import type { LinkContext } from "./link-context.ts";
import type { Side } from "./link-events.ts";
import { ancestorsOf, isBelow } from "./paths.ts";
import type { Problem, Problems } from "./problems.ts";
import {
  mayHoldSources,
  mayHoldTargets,
  type PathOutcome,
  sourcesOf,
  translateData,
  translatePath,
} from "./rules/rules.ts";
import { createScan, type Scan } from "./scan.ts";
import type { TargetIndex } from "./target-index.ts";
import type { Tombstones } from "./tombstones.ts";
import type { Witnesses } from "./witnesses.ts";
import type { Work } from "./work.ts";

/**
 * A full compare: reads the target, then the source, and marks each target path that differs as dirty. It writes nothing and
 * decides nothing itself: the carrier reads each dirty path again before it acts, so a compare may be out of date.
 */
export interface Comparison {
  /** Counts compares; entries of the index carry the number of the one that saw them last. */
  readonly number: number;
  /** What is being read; undefined when no compare is under way. */
  readonly stage: Side | undefined;
  readonly nodes: number;
  /** `past`: of the claim, for the first compare after it. */
  start(now: Instant, past: Past | undefined): void;
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
  readonly stage: Side;
  readonly scan: Scan;
  readonly startedAt: Instant;
  readonly targetNodes: number;
  differences: number;
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
}): Comparison {
  const { context, index, acls, problems, brake, witnesses, work, tombstones } = parts;
  const { limits, options } = context;
  const { rules } = options;
  const reads = new Map<number, readonly ReadRequest[]>();
  let number = 0;
  let current: Running | undefined;
  let finished: Compared | undefined;
  /** Source paths that map nowhere, seen by this compare. */
  let unmapped = new Set<string>();
  /** Somebody else's nodes that are as the source says. */
  const agreed = new Set<string>();
  let emptyRoots: { root: string; missing: boolean }[] = [];

  /** Target paths that a scan is to read because they are under the rules, so that this is found out once. */
  const ours = new Set<string>();
  const isOurs = (path: string): boolean => index.get(path) !== undefined || sourcesOf(rules, path).length > 0;
  const divergence = createDivergence({
    isRuled: (path) => sourcesOf(rules, path).length > 0,
    exists: (path) => index.get(path) !== undefined,
  });
  /** Nodes above the rules' targets, read only if a delete there could be somebody else's. */
  let above: ReadonlySet<string> = new Set();
  let aboveSeen = 0;
  const wantTarget = (path: string): boolean => {
    if (!isOurs(path)) return mayHoldTargets(rules, path);
    ours.add(path);
    return true;
  };

  const scanOf = (side: Side, now: Instant): Scan =>
    side === "target"
      ? createScan({
          ...limits,
          roots: [...above, ...rules.targetRoots],
          wanted: wantTarget,
          descend: (path) => !above.has(path) && mayHoldTargets(rules, path),
          visit: visitTarget,
        })
      : createScan({
          ...limits,
          roots: rules.sourceRoots,
          wanted: (path) => mayHoldSources(rules, path) || isCovered(path),
          descend: (path) => mayHoldSources(rules, path),
          visit: (path, result) => visitSource(path, result, now),
        });

  const isCovered = (path: string): boolean => {
    const { kind } = translatePath(rules, path);
    return kind !== "ignored" && kind !== "unruled";
  };

  const visitTarget = (path: string, result: ReadResult): void => {
    const isOneOfOurs = ours.delete(path) || isOurs(path);
    if (result.kind === "error" && result.code !== errorCodes.noNode) divergence.undecided(path);
    if (result.kind !== "data") return;
    if (above.has(path)) aboveSeen += 1;
    const ephemeral = result.stat.ephemeralOwner !== 0n;
    divergence.saw(path, result.stat, isOneOfOurs && !ephemeral);
    if (!isOneOfOurs) {
      if (!ephemeral) index.addPassage(path);
      return;
    }
    index.setEphemeral(path, ephemeral ? number : undefined);
    if (ephemeral) {
      index.remove(path);
      return;
    }
    if (acls?.seen(path, result.stat) === true) {
      context.counts.drift += 1;
      context.note({ kind: "drift", path, did: "aclChanged" });
    }
    const { version, mzxid, numChildren: children } = result.stat;
    const hash = hashData(result.data);
    // The answers of one connection come in order: whatever the link has written itself is in the index by now.
    const foreign = divergence.since(result.stat) ?? index.changeOf(path, { version, mzxid, hash });
    index.put(path, { hash, version, mzxid, pass: number, children, foreign });
  };

  const hold = (problem: Omit<Problem, "since">, now: Instant): void => {
    if (problems.set(problem, now)) context.note({ kind: "problem", problem });
  };
  const differs = (path: string): void => {
    if (work.isPending(path) || current === undefined) return;
    current.differences += 1;
    work.mark(path, undefined);
  };

  const visitSource = (source: string, result: ReadResult, now: Instant): void => {
    if (result.kind === "data") {
      witnesses.heard(source, result, result.stat.mzxid);
      if (result.stat.ephemeralOwner !== 0n) return;
    }
    if (context.guardedRoots.includes(source)) {
      const missing = result.kind === "error" && result.code === errorCodes.noNode;
      if (missing || (result.kind === "data" && result.stat.numChildren === 0))
        emptyRoots.push({ root: source, missing });
    }
    if (result.kind === "error" && result.code === errorCodes.noNode) return;
    const outcome = translatePath(rules, source);
    switch (outcome.kind) {
      case "ignored":
      case "unruled":
      case "skipped":
        return;
      case "unmapped":
      case "invalidTarget":
        unmapped.add(source);
        hold(unmappedProblem(source, outcome), now);
        return;
      case "copy": {
        const entry = index.get(outcome.target);
        // Two sources seen for one target path, or one that is not plainly equal: the carrier reads all of them and decides.
        const again = entry?.seenInSource === number;
        if (entry !== undefined) entry.seenInSource = number;
        if (!again && result.kind === "data" && agrees(outcome, result)) {
          // Its ACL may differ or not: found out in passing, and counted only if it has to be set.
          if (acls?.isVerified(outcome.target, markOf(result.stat)) === false) work.mark(outcome.target, undefined);
          else if (!work.isPending(outcome.target)) problems.clear("target", outcome.target);
          return;
        }
        agreed.delete(outcome.target);
        divergence.differs(outcome.target);
        differs(outcome.target);
      }
    }
  };

  /** Whether the target has what this source node says; if not, it may be somebody else's doing. */
  const agrees = (mapped: PathOutcome & { kind: "copy" }, { data, stat }: ReadResult & { kind: "data" }): boolean => {
    const path = mapped.target;
    const translation = translateData(rules, mapped, data);
    if (translation.kind !== "copy" || (translation.data?.length ?? 0) > limits.nodeBytes) return false;
    const entry = index.get(path);
    if (entry === undefined) {
      if (!index.isEphemeral(path) && divergence.missing(path, stat)) index.lose(path);
      return false;
    }
    const isEqual = hashData(translation.data) === entry.hash;
    if (isEqual && entry.foreign !== undefined) agreed.add(path);
    return isEqual;
  };

  /** Target nodes without any source: candidates for a delete. Announced to the brake before the first of them. */
  const finishSource = (now: Instant): void => {
    if (current === undefined) return;
    const sourceless = index.withoutSource(number);
    if (options.deletes.mode !== "keep") for (const path of sourceless) divergence.differs(path);
    const { scan, targetNodes, startedAt, differences, sourceZxid } = current;
    const base = { sourceNodes: scan.nodes, targetNodes, sourceZxid: sourceZxid ?? noZxid, diverged: divergence.found };
    if (divergence.found.size > 0) {
      finished = { ...base, differences, tookMs: now - startedAt };
      current = undefined;
      return;
    }
    for (const path of agreed) index.adopt(path);
    for (const path of problems.paths("source")) if (!unmapped.has(path)) problems.clear("source", path);
    // What is held back may be gone on both sides, where no scan comes upon it.
    for (const path of problems.paths("target")) if (!work.isPending(path)) work.mark(path, undefined);
    clearTombstones();
    const extras = sourceless.filter((path) => !work.isPending(path) && tombstones?.isWaiting(path) !== true);
    if (options.deletes.mode === "mirror" && brake.engagement() === undefined) {
      const going = deletable(extras, index);
      const wiped = emptyRoots.find(({ root }) =>
        going.some((path) => sourcesOf(rules, path).some((source) => isBelow(source, root))),
      );
      if (wiped !== undefined) brake.engage(wiped.missing ? "sourceRootMissing" : "sourceRootEmpty", now);
      brake.announce(going.length, index.size, now);
      const engaged = brake.engagement();
      if (engaged !== undefined)
        context.note({ kind: "brake", engaged: true, reason: engaged.reason, held: going.length });
    }
    for (const path of extras) differs(path);
    // A delete that is held for a node which is gone by now must not keep the brake engaged.
    for (const path of brake.held) if (!work.isPending(path)) work.mark(path, undefined);
    finished = { ...base, differences: current.differences, tookMs: now - startedAt };
    current = undefined;
  };

  /** What came back without an event, or went in the target as well. */
  const clearTombstones = (): void => {
    for (const path of tombstones?.paths() ?? []) {
      const entry = index.get(path);
      if (entry === undefined || entry.seenInSource === number) tombstones?.clear(path);
    }
  };

  return {
    get number() {
      return number;
    },
    get stage() {
      return current?.stage;
    },
    get nodes() {
      return current?.scan.nodes ?? 0;
    },
    start(now, past) {
      number += 1;
      divergence.start(past);
      above = new Set(past === undefined ? [] : rules.targetRoots.flatMap(ancestorsOf));
      aboveSeen = 0;
      unmapped = new Set();
      emptyRoots = [];
      agreed.clear();
      ours.clear();
      current = {
        stage: "target",
        scan: scanOf("target", now),
        startedAt: now,
        targetNodes: 0,
        differences: 0,
        sourceZxid: undefined,
      };
    },
    awaits: (id) => reads.has(id),
    read({ id, results, zxid }, now) {
      const requests = reads.get(id);
      if (requests === undefined) return false;
      reads.delete(id);
      if (current === undefined) return true;
      if (current.stage === "source") current.sourceZxid ??= zxid;
      current.scan.feed(requests, results);
      if (!current.scan.done) return true;
      if (current.stage === "target") {
        index.sweep(number);
        acls?.sweep((path) => index.get(path) !== undefined);
        const targetNodes = current.scan.nodes - aboveSeen;
        current = { ...current, stage: "source", targetNodes, scan: scanOf("source", now) };
      } else finishSource(now);
      return true;
    },
    pump() {
      while (current !== undefined && reads.size < limits.scanReadsInFlight) {
        const requests = current.scan.take();
        if (requests.length === 0) return;
        const id = context.nextId();
        reads.set(id, requests);
        context.emit({ kind: "read", id, side: current.stage, requests });
      }
    },
    abandon() {
      reads.clear();
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

function unmappedProblem(
  path: string,
  outcome: PathOutcome & { kind: "unmapped" | "invalidTarget" },
): Omit<Problem, "since"> {
  const detail =
    outcome.kind === "unmapped"
      ? `${JSON.stringify(outcome.value)} in its path has no row in the cluster table`
      : outcome.message;
  return { kind: outcome.kind, side: "source", path, detail };
}
