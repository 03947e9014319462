import type { Instant } from "#lib/clock.ts";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { ReadResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { type AclIndex, type AclMark, markOf } from "./acl-index.ts";
import type { Divergence } from "./divergence.ts";
import { hashData } from "./hash.ts";
import type { LinkContext } from "./link-context.ts";
import type { Problem, Problems } from "./problems.ts";
import {
  mayHoldSources,
  type PathOutcome,
  type RuleSet,
  type Translation,
  translateData,
  translatePath,
} from "./rules/rules.ts";
import { createScan, type Scan } from "./scan.ts";
import type { TargetIndex } from "./target-index.ts";
import type { Witnesses } from "./witnesses.ts";
import type { Work } from "./work.ts";

/**
 * The other half of a compare: reads the source, and judges each node as soon as its target path has been read. Those that were
 * read before it wait: a hash of what they say is kept.
 */
export interface SourceReading {
  start(pass: number): Scan;
  /** The time of what happens next. */
  now(now: Instant): void;
  /** The target's node of this path is in the index. */
  targetFound(path: string): void;
  /** The whole target is in the index: nobody has to wait any more. */
  targetRead(): void;
  /** How many wait. */
  readonly ahead: number;
  /** The path is not as it should be: marked, and counted, unless somebody else has marked it. */
  differs(path: string): void;
  /** What this compare has marked. */
  readonly differences: number;
  /** Somebody else's target nodes that are as the source says. */
  readonly agreed: ReadonlySet<string>;
  /** Source paths that map nowhere. */
  readonly unmapped: ReadonlySet<string>;
  /** Guarded roots without anything below them. */
  readonly emptyRoots: readonly { readonly root: string; readonly missing: boolean }[];
}

/** What a source node says of its target path. */
interface Said {
  readonly source: string;
  readonly target: string;
  /** Its data could be written as they are: only then it can agree, or be missing. */
  readonly isPlain: boolean;
  readonly czxid: Zxid;
  readonly acl: AclMark | undefined;
}

/** Kept until the target path has been read. `twice`: another source node says something of it too. */
interface Waiting extends Said {
  readonly hash: number;
  twice: boolean;
}

export function createSourceReading(parts: {
  context: LinkContext;
  index: TargetIndex;
  acls: AclIndex | undefined;
  problems: Problems;
  witnesses: Witnesses;
  work: Work;
  divergence: Divergence;
  /** Carries over what was just read of a path that differs. False: the path is to be marked. */
  carry: (said: { source: string; target: string; translation: Translation }, now: Instant) => boolean;
}): SourceReading {
  const { context, index, acls, problems, witnesses, work, divergence, carry } = parts;
  const { limits, options } = context;
  const { rules } = options;
  const waiting = new Map<string, Waiting>();
  let isTargetRead = false;
  let differences = 0;
  let pass = 0;
  let now = 0 as Instant;
  const agreed = new Set<string>();
  let unmapped = new Set<string>();
  let emptyRoots: { root: string; missing: boolean }[] = [];

  const hold = (problem: Omit<Problem, "since">): void => {
    if (problems.set(problem, now)) context.note({ kind: "problem", problem });
  };
  const differs = (path: string): void => {
    if (work.isPending(path)) return;
    differences += 1;
    work.mark(path, undefined);
  };

  const visit = (source: string, result: ReadResult): void => {
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
        hold(unmappedProblem(source, outcome));
        return;
      case "copy":
        heard(source, outcome, result);
    }
  };

  const heard = (source: string, outcome: PathOutcome & { kind: "copy" }, result: ReadResult): void => {
    const { target } = outcome;
    const earlier = waiting.get(target);
    if (earlier !== undefined) {
      earlier.twice = true;
      return;
    }
    const node = result.kind === "data" ? result : undefined;
    const translation = node && translateData(rules, outcome, node.data);
    const data = translation?.kind === "copy" ? translation.data : undefined;
    const said: Said = {
      source,
      target,
      isPlain: data !== undefined && (data === null || data.length <= limits.nodeBytes),
      czxid: node?.stat.czxid ?? noZxid,
      acl: node === undefined || acls === undefined ? undefined : markOf(node.stat),
    };
    const entry = index.get(target);
    if (!isTargetRead && entry?.seenInTarget !== pass) {
      const { isPlain, czxid, acl } = said;
      const hash = isPlain ? hashData(data ?? null) : 0;
      waiting.set(target, { source, target, isPlain, czxid, acl, hash, twice: false });
      return;
    }
    // Two sources seen for one target path, or one that is not plainly equal: the carrier reads all of them and decides.
    const again = entry?.seenInSource === pass;
    const isEqual = said.isPlain && entry !== undefined && hashData(data ?? null) === entry.hash;
    judge(said, isEqual && !again, again ? undefined : translation);
  };

  const judgeWaiting = (one: Waiting): void => {
    const entry = index.get(one.target);
    if (one.twice) divergence.undecided(one.target);
    judge(one, !one.twice && one.isPlain && one.hash === entry?.hash, undefined);
  };

  /** @param fresh what the source said, if it did so just now */
  const judge = (said: Said, isEqual: boolean, fresh: Translation | undefined): void => {
    const { source, target } = said;
    const entry = index.get(target);
    if (entry !== undefined) entry.seenInSource = pass;
    if (isEqual) {
      if (entry?.foreign !== undefined) agreed.add(target);
      // Its ACL may differ or not: found out in passing, and counted only if it has to be set.
      if (said.acl !== undefined && acls?.isVerified(target, said.acl) === false) work.mark(target, undefined);
      else if (!work.isPending(target)) problems.clear("target", target);
      return;
    }
    const isMissing = entry === undefined && said.isPlain && !index.isEphemeral(target);
    if (isMissing && divergence.missing(target, said)) index.lose(target);
    agreed.delete(target);
    divergence.differs(target);
    if (fresh !== undefined && carry({ source, target, translation: fresh }, now)) differences += 1;
    else differs(target);
  };

  return {
    start(number) {
      pass = number;
      isTargetRead = false;
      differences = 0;
      waiting.clear();
      agreed.clear();
      unmapped = new Set();
      emptyRoots = [];
      return createScan({
        ...limits,
        roots: rules.sourceRoots,
        wanted: (path) => mayHoldSources(rules, path) || isCovered(rules, path),
        descend: (path) => mayHoldSources(rules, path),
        visit,
      });
    },
    now(instant) {
      now = instant;
    },
    targetFound(path) {
      const one = waiting.get(path);
      if (one === undefined) return;
      waiting.delete(path);
      judgeWaiting(one);
    },
    targetRead() {
      isTargetRead = true;
      for (const one of waiting.values()) judgeWaiting(one);
      waiting.clear();
    },
    get ahead() {
      return waiting.size;
    },
    differs,
    get differences() {
      return differences;
    },
    agreed,
    get unmapped() {
      return unmapped;
    },
    get emptyRoots() {
      return emptyRoots;
    },
  };
}

const noZxid = 0n as Zxid;

function isCovered(rules: RuleSet, path: string): boolean {
  const { kind } = translatePath(rules, path);
  return kind !== "ignored" && kind !== "unruled";
}

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
