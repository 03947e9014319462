import type { Instant } from "#lib/clock.ts";
import { errorCodes, errorName } from "#lib/zookeeper/errors.ts";
import type { ReadResult, Stat } from "#lib/zookeeper/zookeeper.ts";
import { type AclPolicy, type Identity, type Rights, takesAway, translateAcl } from "./acl.ts";
import { overwrittenAcl } from "./acl-drift.ts";
import { type AclIndex, type AclMark, aversionOf, markOf } from "./acl-index.ts";
import type { Desired } from "./evaluate.ts";
import type { LinkContext } from "./link-context.ts";
import type { AclResult, AclWrite, AclWriteOutcome, AclWriteResult } from "./link-events.ts";
import type { TargetIndex } from "./target-index.ts";
import type { Work } from "./work.ts";

/** The ACL that a target node is to have, and the state of the source's that says so. */
export interface WantedAcl {
  readonly rights: Rights;
  readonly source: AclMark;
}

interface PendingAcl extends AclWrite {
  readonly wanted: WantedAcl;
}

interface SourceReading {
  readonly sources: readonly string[];
  readonly nodes: readonly ReadResult[];
  readonly acls: readonly AclResult[] | undefined;
}

/**
 * `acl: copy`: which ACLs have to be read, what they ask for, and the lone setACL of those that differ. A path is busy through
 * all of it, like through a write of its data, and is looked at once more after each answer.
 */
export interface AclCopy {
  /** `sourceWins`: the source went back, so a state of one of its ACLs may stand for another ACL than it did. */
  begin(own: readonly Identity[], sourceWins: boolean): void;
  /** Whether the target's ACL must be read before the path can be evaluated. */
  needsTarget(path: string): boolean;
  /** Whether the ACLs of its sources must be read with their data. */
  needsSource(path: string): boolean;
  /**
   * Says what ACL goes with data that are to be there. `acls`: of the sources, like `nodes`; undefined: they were not needed.
   * "again": data and ACL do not belong together any more.
   */
  protect(path: string, said: Desired, read: SourceReading): Desired | "again";
  /** Takes the target's ACL, read with its node. Gives what is wrong, if it cannot be known. */
  found(path: string, node: ReadResult | undefined, asked: AclResult | undefined): string | undefined;
  /** fits: nothing to do. first: before the data. after: after the data. unknown: read the target's first. */
  order(path: string, wanted: WantedAcl | undefined): "fits" | "first" | "after" | "unknown";
  /** Queues the setACL; the path is repeated after its answer. */
  set(path: string, wanted: WantedAcl): void;
  /** The node was created with this ACL, by this transaction. */
  created(path: string, wanted: WantedAcl, czxid: Stat["czxid"]): void;
  readonly queued: number;
  readonly inFlight: number;
  /** The next ACLs to set, `most` of them, in flight until `wrote`. */
  take(id: number, most: number): readonly AclWrite[];
  awaits(id: number): boolean;
  wrote(id: number, outcome: Extract<AclWriteOutcome, { kind: "done" }>, now: Instant): void;
  abandon(): void;
}

export function createAclCopy(parts: {
  context: LinkContext;
  schemes: readonly string[];
  acls: AclIndex;
  index: TargetIndex;
  work: Work;
  /** Reads the target's node and its ACL again, then repeats the path. */
  recheck: (path: string) => void;
}): AclCopy {
  const { context, schemes, acls, index, work, recheck } = parts;
  const { counts, limits } = context;
  const queue = new Map<string, PendingAcl>();
  const inFlight = new Map<number, readonly PendingAcl[]>();
  const attempts = new Map<string, number>();
  let policy: AclPolicy = { schemes, own: [] };

  const hold = (path: string, detail: string, now: Instant): void => {
    attempts.delete(path);
    work.hold(path, "acl", detail, now);
  };
  const setOne = (path: string, wanted: WantedAcl, stat: Stat): void => {
    counts.aclsSet += 1;
    attempts.delete(path);
    acls.put(path, wanted.rights.entries, stat);
    acls.verify(path, wanted.source);
    work.repeat(path);
  };
  const refusedOne = (path: string, code: number, now: Instant): void => {
    counts.refused += 1;
    context.note({ kind: "refused", path, op: "acl", code });
    acls.forget(path);
    const attempt = (attempts.get(path) ?? 0) + 1;
    attempts.set(path, attempt);
    const mayHelp = code === errorCodes.badVersion || code === errorCodes.noNode;
    if (!mayHelp || attempt > limits.attempts) {
      hold(path, `The target refused to set the ACL of ${path}: ${errorName(code)}`, now);
      return;
    }
    if (code === errorCodes.badVersion) {
      counts.drift += 1;
      context.note({ kind: "drift", path, did: "aclChanged" });
      acls.suspect(path);
    }
    recheck(path);
  };
  const answerOne = (path: string, wanted: WantedAcl, result: AclWriteResult | undefined, now: Instant): void => {
    if (result?.kind === "set") setOne(path, wanted, result.stat);
    else refusedOne(path, result?.code ?? errorCodes.runtimeInconsistency, now);
  };

  return {
    begin(own, sourceWins) {
      // What was equal under other identities need not be equal now.
      if (sourceWins || JSON.stringify(own) !== JSON.stringify(policy.own)) acls.clear();
      policy = { schemes, own };
    },
    needsTarget: (path) => index.get(path) !== undefined && acls.get(path) === undefined,
    needsSource: (path) => index.get(path) === undefined || acls.get(path)?.source === undefined,
    protect(path, said, read) {
      if (said.kind !== "present") return said;
      const { source } = said;
      const at = read.sources.indexOf(source);
      const node = read.nodes[at];
      const asked = read.acls?.[at];
      if (node?.kind !== "data") return "again";
      const { stat } = node;
      if (asked === undefined) {
        if (index.get(path) !== undefined && acls.isVerified(path, markOf(stat))) return said;
        acls.doubt(path);
        return "again";
      }
      if (asked.kind === "error") {
        if (asked.code === errorCodes.noNode) return "again";
        const detail = `The ACL of ${source} cannot be read: ${errorName(asked.code)}`;
        return { kind: "held", problem: "acl", detail };
      }
      if (markOf(asked.stat) !== markOf(stat)) return "again";
      const translation = translateAcl(asked.acl, policy);
      return translation.kind === "held"
        ? { kind: "held", problem: "acl", detail: `${source}: ${translation.detail}` }
        : { ...said, acl: { rights: translation.rights, source: markOf(stat) } };
    },
    found(path, node, asked) {
      acls.forget(path);
      if (node?.kind !== "data" || asked === undefined) return undefined;
      if (asked.kind === "acl") acls.put(path, asked.acl, asked.stat);
      else if (asked.code !== errorCodes.noNode)
        return `The target does not show the ACL of ${path}: ${errorName(asked.code)}`;
      return undefined;
    },
    order(path, wanted) {
      if (wanted === undefined) return "fits";
      const known = acls.get(path);
      if (known === undefined) return "unknown";
      if (known.rights.text === wanted.rights.text) {
        acls.verify(path, wanted.source);
        return "fits";
      }
      return takesAway(known.rights, wanted.rights) ? "first" : "after";
    },
    set(path, wanted) {
      const known = acls.get(path);
      if (known === undefined) return;
      const aversion = aversionOf(known.mark);
      const overwritten = acls.isForeign(path) ? overwrittenAcl(path, known) : undefined;
      queue.set(path, { path, acl: wanted.rights.entries, aversion, overwritten, wanted });
    },
    created(path, wanted, czxid) {
      acls.put(path, wanted.rights.entries, { czxid, aversion: 0 });
      acls.verify(path, wanted.source);
    },
    get queued() {
      return queue.size;
    },
    get inFlight() {
      return inFlight.size;
    },
    take(id, most) {
      const batch = [...queue.values().take(Math.min(limits.aclsPerWrite, most))];
      for (const { path } of batch) queue.delete(path);
      inFlight.set(id, batch);
      return batch.map(({ path, acl, aversion, overwritten }) => ({ path, acl, aversion, overwritten }));
    },
    awaits: (id) => inFlight.has(id),
    wrote(id, { results }, now) {
      const batch = inFlight.get(id) ?? [];
      inFlight.delete(id);
      for (const [at, { path, wanted }] of batch.entries()) answerOne(path, wanted, results[at], now);
      const set = results.filter(({ kind }) => kind === "set").length;
      if (set > 0) context.note({ kind: "aclsSet", acls: set });
    },
    abandon() {
      // Whether those in flight were set is not known.
      for (const { path } of [...inFlight.values()].flat()) acls.forget(path);
      inFlight.clear();
      queue.clear();
    },
  };
}
