import type { Instant } from "#lib/clock.ts";
import type { ReadRequest, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { isBelow } from "./paths.ts";
import { sourcesOf } from "./rules/rules.ts";
import { type CarrierParts, settleUnruled } from "./settle.ts";

/** One multiRead of the source: which answers belong to which target path. */
export interface SourceRead {
  readonly side: "source";
  /** The source had reached this when it was asked. */
  readonly since: Zxid;
  readonly groups: readonly {
    readonly path: string;
    readonly sources: readonly string[];
    readonly first: number;
    /** Index of the first of its sources' ACLs; undefined: they were not asked for. */
    readonly firstAcl: number | undefined;
  }[];
  /** Source root -> index of its request. */
  readonly roots: ReadonlyMap<string, number>;
}

/** Which dirty target paths are asked about next, and what is asked. */
export interface SourceAsks {
  /** Begins as many paths as `most` requests can carry; what needs no answer is settled at once. */
  next(
    of: { most: number; since: Zxid },
    now: Instant,
  ): { readonly read: SourceRead; readonly requests: readonly ReadRequest[]; readonly aclPaths: readonly string[] };
}

export function createSourceAsks(parts: CarrierParts): SourceAsks {
  const { context, work, rechecks, aclCopy } = parts;
  const { limits, options } = context;
  const { rules } = options;
  const nextPath = (): string | undefined => rechecks.next ?? work.next();

  return {
    next({ most, since }, now) {
      const requests: ReadRequest[] = [];
      const aclPaths: string[] = [];
      const groups: SourceRead["groups"][number][] = [];
      for (let path = nextPath(); path !== undefined; path = nextPath()) {
        const sources = sourcesOf(rules, path);
        if (requests.length > 0 && requests.length + sources.length > most) break;
        if (!rechecks.begin(path)) work.begin(path);
        if (sources.length === 0) {
          work.finish(path);
          settleUnruled(parts, path);
          continue;
        }
        if (sources.length > limits.sourcesPerTarget) {
          const detail = `${sources.length} source paths could map to it, more than ${limits.sourcesPerTarget}`;
          work.hold(path, "ambiguous", detail, now);
          continue;
        }
        if (aclCopy?.needsTarget(path) === true) {
          rechecks.ask(path);
          if (rechecks.asked < limits.requestsPerRead) continue;
          break;
        }
        const withAcls = aclCopy?.needsSource(path) === true;
        groups.push({ path, sources, first: requests.length, firstAcl: withAcls ? aclPaths.length : undefined });
        for (const source of sources) requests.push({ kind: "data", path: source });
        if (withAcls) aclPaths.push(...sources);
      }
      const roots = new Map<string, number>();
      for (const root of context.guardedRoots) {
        if (!groups.some(({ sources }) => sources.some((source) => isBelow(source, root)))) continue;
        roots.set(root, requests.length);
        requests.push({ kind: "data", path: root });
      }
      return { read: { side: "source", since, groups, roots }, requests, aclPaths };
    },
  };
}
