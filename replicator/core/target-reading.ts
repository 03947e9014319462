import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { ReadResult } from "#lib/zookeeper/zookeeper.ts";
import type { AclIndex } from "./acl-index.ts";
import type { Divergence } from "./divergence.ts";
import { hashData } from "./hash.ts";
import type { LinkContext } from "./link-context.ts";
import type { Past } from "./past.ts";
import { ancestorsOf } from "./paths.ts";
import { hasSources, mayHoldTargets } from "./rules/rules.ts";
import { createScan, type Scan } from "./scan.ts";
import type { TargetIndex } from "./target-index.ts";

/** One half of a compare: reads the target's nodes under the rules into the index. */
export interface TargetReading {
  /** @param past of the claim, for the first compare after it. Nodes that the index has are told to `found`. */
  start(pass: number, past: Past | undefined, found: (path: string) => void): Scan;
  /** Forgets what is no longer there. Gives how many nodes there are. */
  finish(scan: Scan, pass: number): number;
}

export function createTargetReading(parts: {
  context: LinkContext;
  index: TargetIndex;
  acls: AclIndex | undefined;
  divergence: Divergence;
}): TargetReading {
  const { context, index, acls, divergence } = parts;
  const { limits, options } = context;
  const { rules } = options;
  /** Nodes above the rules' targets, read only if a delete there could be somebody else's. */
  let above: ReadonlySet<string> = new Set();
  let aboveSeen = 0;

  /** Read for what is below them: the rules know nothing of them. Asked for before each is read, and not again after it. */
  const passages = new Set<string>();

  const isOurs = (path: string): boolean => index.get(path) !== undefined || hasSources(rules, path);
  const wanted = (path: string): boolean => {
    if (isOurs(path)) return true;
    if (!mayHoldTargets(rules, path)) return false;
    passages.add(path);
    return true;
  };
  /** Whether the index has the node now. */
  const visit = (path: string, result: ReadResult, pass: number): boolean => {
    const isOneOfOurs = !passages.has(path);
    if (result.kind === "error" && result.code !== errorCodes.noNode) divergence.undecided(path);
    if (result.kind !== "data") return false;
    if (above.has(path)) aboveSeen += 1;
    const ephemeral = result.stat.ephemeralOwner !== 0n;
    divergence.saw(path, result.stat, isOneOfOurs && !ephemeral);
    if (!isOneOfOurs) {
      if (!ephemeral) index.addPassage(path);
      return false;
    }
    index.setEphemeral(path, ephemeral ? pass : undefined);
    if (ephemeral) {
      index.remove(path);
      return false;
    }
    if (acls?.seen(path, result.stat) === true) {
      context.counts.drift += 1;
      context.note({ kind: "drift", path, did: "aclChanged" });
    }
    const { version, mzxid, numChildren: children } = result.stat;
    const hash = hashData(result.data);
    // The answers of one connection come in order: whatever the link has written itself is in the index by now.
    const foreign = divergence.since(result.stat) ?? index.changeOf(path, { version, mzxid, hash });
    index.put(path, { hash, version, mzxid, pass, children, foreign });
    return true;
  };

  return {
    start(pass, past, found) {
      above = new Set(past === undefined ? [] : rules.targetRoots.flatMap(ancestorsOf));
      aboveSeen = 0;
      const roots = [...above, ...rules.targetRoots];
      passages.clear();
      for (const root of roots) if (!isOurs(root)) passages.add(root);
      return createScan({
        ...limits,
        roots,
        wanted,
        descend: (path) => !above.has(path) && mayHoldTargets(rules, path),
        visit: (path, result) => {
          if (visit(path, result, pass)) found(path);
        },
      });
    },
    finish(scan, pass) {
      index.sweep(pass);
      acls?.sweep((path) => index.get(path) !== undefined);
      return scan.nodes - aboveSeen;
    },
  };
}
