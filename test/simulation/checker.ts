import type { Instant } from "#lib/clock.ts";
import type { Acl, NodeData, WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { Overwritten } from "../../replicator/core/drift.ts";
import { createAclChecker } from "./acl-checker.ts";
import { guardedRoots, type Model, shown, type Wanted } from "./model.ts";
import { createOthers, type Others } from "./others.ts";
import { Violation } from "./violation.ts";
import type { VirtualNode, VirtualZooKeeper } from "./virtual-zookeeper.ts";

/**
 * Watches what the source was at each time and what reaches the target. Knows nothing of how a link comes to its decisions;
 * throws a Violation as soon as one is broken.
 */
export interface Checker {
  /** These source paths have changed, or whether they can be read. */
  sourceChanged(path: string): void;
  /** Somebody else has created this target node anew. */
  createdByOthers(path: string): void;
  /** A replicator owns the target: see createOthers. */
  readonly claimed: Others["claimed"];
  readonly compared: Others["compared"];
  readonly sourceWins: Others["sourceWins"];
  /** Call just before the target carries out a replicator's batch; call what it gives once it was applied, or was not. */
  applying(replicator: number, ops: readonly WriteOp[], journal: readonly Overwritten[]): (isApplied: boolean) => void;
  /** A replicator has set the ACL of this target node. */
  aclSet(path: string, before: readonly Acl[], acl: readonly Acl[]): void;
  aclSetByOthers(path: string): void;
  /** The operator has accepted these deletes, each once. */
  accepted(replicator: number, paths: readonly string[]): void;
}

export interface DeletePolicy {
  readonly mode: "mirror" | "keep" | "tombstone";
  readonly maxDeletes: number;
  readonly maxDeleteRatio: number;
  readonly windowMs: number;
}

/** What a target path should have been, one state after the other; `written`: the one that the target was last given. */
interface History {
  readonly states: string[];
  /** When each began, in changes of the source. */
  readonly since: number[];
  written: number;
}

/** Longest time from the brake's decision to the write's arrival in the target. */
const decisionAgeMaxMs = 5_000;

export function createChecker(options: {
  model: Model;
  source: VirtualZooKeeper;
  target: VirtualZooKeeper;
  deletes: DeletePolicy;
  now: () => Instant;
}): Checker {
  const { model, source, target, deletes, now } = options;
  const histories = new Map<string, History>();
  const targetBySource = new Map<string, string>();
  const createdByOthers = new Set<string>();
  const acls = createAclChecker();
  const acceptedOf = new Map<number, Set<string>>();
  /** When each delete that nobody accepted reached the target, whoever sent it. */
  const deletedAt: Instant[] = [];
  /** How many nodes under the rules the target had, and when. */
  const sizes: { at: Instant; nodes: number }[] = [];

  for (const [path, sources] of model.sourcesByTarget) {
    const wanted = model.wanted(path, source.nodes);
    histories.set(path, { states: [stateOf(wanted)], since: [0], written: 0 });
    acls.wanted(path, wanted);
    for (const one of sources) targetBySource.set(one, path);
  }
  const others = createOthers({ model, source, target, keepsDeletes: deletes.mode === "keep" });
  let changes = 0;
  /** When each root last had something below it. */
  const filledAt = new Map<string, number>();
  const isEmpty = (root: string): boolean => {
    const node = source.nodes.get(root);
    return node === undefined || (node.readable && node.children.size === 0);
  };
  for (const root of guardedRoots) if (!isEmpty(root)) filledAt.set(root, changes);
  const isCovered = (path: string): boolean => histories.has(path);
  const measure = (): void => {
    const nodes = [...target.nodes.keys()].filter(isCovered).length;
    sizes.push({ at: now(), nodes });
    while (sizes[0] !== undefined && now() - sizes[0].at > 2 * deletes.windowMs) sizes.shift();
  };

  const checkValue = (op: WriteOp): void => {
    if (op.kind === "check") throw new Violation(`check ${op.path}, which is the shell's business`);
    const history = histories.get(op.path);
    const state = op.kind === "delete" ? "absent" : shown(op.data);
    const at = history === undefined ? -1 : history.states.indexOf(state, history.written);
    if (history !== undefined && at >= 0) {
      history.written = at;
    } else if (op.kind !== "create" || op.data !== null || !isAboveCovered(op.path)) {
      if (history === undefined) throw new Violation(`I7: ${op.kind} ${op.path}, where no rule leads to`);
      const since = history.states.slice(history.written).join(", ");
      throw new Violation(`I7: ${op.kind} ${op.path} (${state}), but since the last write the source said: ${since}`);
    }
  };
  const isAboveCovered = (path: string): boolean => {
    for (const one of histories.keys()) if (one.startsWith(`${path}/`)) return true;
    return false;
  };
  const checkDelete = (replicator: number, path: string): void => {
    if (deletes.mode === "keep") throw new Violation(`delete ${path}, but deletes are kept`);
    if (acceptedOf.get(replicator)?.delete(path)) return;
    const root = guardedRoots.find((one) => model.sourcesByTarget.get(path)?.[0]?.startsWith(`${one}/`));
    if (root !== undefined && (filledAt.get(root) ?? -1) < absentSince(path))
      throw new Violation(`I7: delete ${path}, gone only with all of ${root}`);
    const before = deletedAt.filter((at) => now() - at < deletes.windowMs - decisionAgeMaxMs).length;
    const count = before + 1;
    // The tree that these were taken from: at its largest, or all that came and went.
    const nodes = Math.max(...sizes.map((size) => size.nodes), (sizes.at(-1)?.nodes ?? 0) + before);
    const allowed = Math.max(1, Math.min(deletes.maxDeletes, Math.floor(deletes.maxDeleteRatio * nodes)));
    if (count > allowed)
      throw new Violation(`I7: delete ${path} is number ${count} of its window, of ${nodes} nodes ${allowed} may go`);
    deletedAt.push(now());
  };
  const absentSince = (path: string): number => {
    const history = histories.get(path);
    return history?.since[history.written] ?? 0;
  };

  return {
    claimed: others.claimed,
    compared: others.compared,
    sourceWins: others.sourceWins,
    sourceChanged(path) {
      changes += 1;
      others.adopt();
      for (const root of guardedRoots) if (!isEmpty(root)) filledAt.set(root, changes);
      const there = targetBySource.get(path);
      const history = there === undefined ? undefined : histories.get(there);
      if (there === undefined || history === undefined) return;
      const wanted = model.wanted(there, source.nodes);
      acls.wanted(there, wanted);
      const state = stateOf(wanted);
      if (history.states.at(-1) === state) return;
      history.states.push(state);
      history.since.push(changes);
    },
    createdByOthers(path) {
      createdByOthers.add(path);
      acls.setByOthers(path);
    },
    aclSet: acls.set,
    aclSetByOthers: acls.setByOthers,
    applying(replicator, ops, journal) {
      measure();
      others.linkWrites(true);
      const kept = others.overwriting(ops, journal);
      const before = new Map(ops.map(({ path }) => [path, seen(target.nodes.get(path))]));
      const aclsBefore = new Map(ops.map(({ path }) => [path, target.nodes.get(path)?.acl ?? []]));
      return (isApplied) => {
        others.linkWrites(false);
        if (!isApplied) return;
        kept();
        for (const op of ops) {
          checkValue(op);
          if (model.policies.copiesAcls && isCovered(op.path)) acls.check(op, aclsBefore.get(op.path) ?? []);
          if (op.kind === "delete") checkDelete(replicator, op.path);
          const { data, isEphemeral } = before.get(op.path) ?? seen(undefined);
          if (isEphemeral) throw new Violation(`${op.kind} ${op.path}, which belongs to a session`);
          // A node that somebody else made anew may by chance have the version that the link knows.
          const known = !createdByOthers.delete(op.path);
          if (known && op.kind === "set" && data !== undefined && shown(data) === shown(op.data))
            throw new Violation(`set ${op.path} (${shown(op.data)}), which it was already`);
        }
      };
    },
    accepted(replicator, paths) {
      acceptedOf.set(replicator, new Set([...(acceptedOf.get(replicator) ?? []), ...paths]));
    },
  };
}

function seen(node: VirtualNode | undefined): { data: NodeData | undefined; isEphemeral: boolean } {
  return { data: node?.data, isEphemeral: node !== undefined && node.ephemeralOwner !== 0n };
}

function stateOf(wanted: Wanted): string {
  return wanted.kind === "present" ? shown(wanted.data) : wanted.kind;
}
