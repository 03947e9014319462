import type { Acl, NodeData } from "#lib/zookeeper/zookeeper.ts";
import type { RulesConfig } from "../../replicator/core/rules/compile.ts";
import { wantedAcl } from "./acls.ts";
import type { VirtualNode } from "./virtual-zookeeper.ts";

/**
 * The rules of the simulated link, and what they mean said once more by hand: independent of the replicator, good only for
 * the few paths and values that occur here, and plain enough to be right.
 */
export interface Policies extends Pick<RulesConfig, "unmapped" | "onBadData"> {
  readonly copiesAcls: boolean;
}

export function rulesConfig({ unmapped, onBadData }: Policies): RulesConfig {
  return {
    unmapped,
    onBadData,
    clusters: { c1: { to: "d1", addresses: {} }, c2: { to: "d2", addresses: {} } },
    rules: [
      { match: "/s/data/hole", action: "ignore" },
      { match: "/s/data/b/hole/**", action: "ignore" },
      { match: "/s/data/**", action: "copy", to: "/t/data/**" },
      {
        match: "/s/cluster/{name}",
        action: "copy",
        to: "/t/cluster/{name:clusters}",
        data: { format: "json", edits: [{ at: "/name", map: "clusters" }] },
      },
      { match: "/s/pair/{a}/{b}", action: "copy", to: "/t/pair/{a}%{b}" },
      { match: "/s/deep/{x}/{y}/{z}", action: "copy", to: "/t/deep/{x}/{y}/{z}" },
      { match: "/z/top/{x}", action: "copy", to: "/t/deep/{x}" },
      { match: "/s/one", action: "copy", to: "/t/one" },
    ],
  };
}

/** Where something is always to be expected: empty or missing, such a root makes every delete below it suspicious. */
export const guardedRoots = ["/s/data", "/s/cluster", "/s/pair", "/s/deep", "/z/top"] as const;

/** Every path that the simulation ever uses at the source, parents before children. */
export const sourcePaths: readonly string[] = [
  "/s",
  "/s/outside",
  "/s/one",
  "/s/one/child",
  ...tree("/s/data", ["a", "b", "hole"], 3),
  ...tree("/s/cluster", ["c1", "c2", "c9"], 1),
  ...["/s/pair", ..."x,y,x%y".split(",").flatMap((a) => tree(`/s/pair/${a}`, ["z", "x", "y%z"], 1))],
  "/s/deep",
  ...["p", "q"].flatMap((x) => ["", "/r", "/r/t", "/r/u"].map((rest) => `/s/deep/${x}${rest}`)),
  "/z",
  ...tree("/z/top", ["p", "q"], 1),
];

function tree(root: string, names: readonly string[], depth: number): string[] {
  return depth === 0 ? [root] : [root, ...names.flatMap((name) => tree(`${root}/${name}`, names, depth - 1))];
}

/** Where a source path goes. `unmapped`: its cluster has no row, and that is an error. */
export function targetOf(source: string, policies: Policies): string | "unmapped" | undefined {
  const [root, area, ...rest] = source.slice(1).split("/");
  if (root === "z") return area === "top" && rest.length === 1 ? `/t/deep/${rest[0]}` : undefined;
  switch (area) {
    case "one":
      return rest.length === 0 ? "/t/one" : undefined;
    case "data":
      if (rest.length === 0 || rest.join("/") === "hole") return undefined;
      if (rest.length > 2 && rest[0] === "b" && rest[1] === "hole") return undefined;
      return `/t/data/${rest.join("/")}`;
    case "cluster": {
      const [name] = rest;
      if (rest.length !== 1 || name === undefined) return undefined;
      if (name !== "c9") return `/t/cluster/${name.replace("c", "d")}`;
      return { error: "unmapped", copy: "/t/cluster/c9", skip: undefined }[policies.unmapped];
    }
    case "pair":
      return rest.length === 2 ? `/t/pair/${rest.join("%")}` : undefined;
    case "deep":
      return rest.length === 3 ? `/t/deep/${rest.join("/")}` : undefined;
    default:
      return undefined;
  }
}

export type Wanted =
  /** `acl`: only where ACLs are copied. */
  | { readonly kind: "present"; readonly data: NodeData; readonly acl: readonly Acl[] | undefined }
  | { readonly kind: "absent" }
  | { readonly kind: "held"; readonly problem: string }
  /** Left out: the target may be anything. */
  | { readonly kind: "skipped" };

export interface Model {
  readonly policies: Policies;
  /** Target path -> all source paths that go there. */
  readonly sourcesByTarget: ReadonlyMap<string, readonly string[]>;
  wanted(target: string, source: ReadonlyMap<string, VirtualNode>): Wanted;
}

export function createModel(policies: Policies): Model {
  const sourcesByTarget = new Map<string, string[]>();
  for (const path of sourcePaths) {
    const target = targetOf(path, policies);
    if (target === undefined || target === "unmapped") continue;
    sourcesByTarget.set(target, [...(sourcesByTarget.get(target) ?? []), path]);
  }
  return {
    policies,
    sourcesByTarget,
    wanted(target, source) {
      const there = (sourcesByTarget.get(target) ?? []).flatMap((path) => {
        const node = source.get(path);
        return node === undefined ? [] : [{ path, node }];
      });
      if (there.some(({ node }) => !node.readable)) return { kind: "held", problem: "unreadable" };
      const [first, second] = there.filter(({ node }) => node.ephemeralOwner === 0n);
      if (first === undefined) return { kind: "absent" };
      if (second !== undefined) return { kind: "held", problem: "conflict" };
      const wanted = first.path.startsWith("/s/cluster/")
        ? wantedCluster(first.node.data, policies)
        : present(first.node.data);
      if (wanted.kind !== "present" || !policies.copiesAcls) return wanted;
      const acl = wantedAcl(first.node.acl);
      return acl === undefined ? { kind: "held", problem: "acl" } : { ...wanted, acl };
    },
  };
}

function present(data: NodeData): Wanted {
  return { kind: "present", data, acl: undefined };
}

function wantedCluster(data: NodeData, policies: Policies): Wanted {
  if (data === null || data.length === 0) return present(data);
  const text = new TextDecoder().decode(data);
  if (!text.startsWith("{") || !text.endsWith("}")) {
    return policies.onBadData === "copy" ? present(data) : { kind: "held", problem: "badData" };
  }
  if (text.includes('"name":"c9"') && policies.unmapped !== "copy") {
    return policies.unmapped === "skip" ? { kind: "skipped" } : { kind: "held", problem: "unmapped" };
  }
  const edited = text.replace('"name":"c1"', '"name":"d1"').replace('"name":"c2"', '"name":"d2"');
  return present(new TextEncoder().encode(edited));
}

export function shown(data: NodeData): string {
  return data === null ? "null" : JSON.stringify(new TextDecoder().decode(data));
}
