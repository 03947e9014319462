import type { Acl } from "#lib/zookeeper/zookeeper.ts";

/**
 * The ACLs that occur in a simulated life, and what the target's is to be for each, said by hand. The link's policy there:
 * world and digest mean the same on both sides, and it is `us` in the target.
 */
export const us = { scheme: "digest", id: "us:h" };
export const aclSchemes = ["world", "digest"] as const;

const everybody = (perms: number): Acl => ({ perms, scheme: "world", id: "anyone" });
const digest = (id: string, perms: number): Acl => ({ perms, scheme: "digest", id });
const ours: Acl = { ...us, perms: 31 };

export const anyone: readonly Acl[] = [everybody(31)];

interface Pair {
  readonly source: readonly Acl[];
  /** undefined: it cannot be carried over. */
  readonly target: readonly Acl[] | undefined;
}

const pairs: readonly Pair[] = [
  { source: anyone, target: anyone },
  { source: [everybody(1), digest("app:h", 31)], target: [everybody(1), digest("app:h", 31), ours] },
  { source: [digest("app:h", 31)], target: [digest("app:h", 31), ours] },
  { source: [digest("b:h", 3), digest("us:h", 1), digest("b:h", 4)], target: [digest("b:h", 7), ours] },
  { source: [everybody(31), { perms: 1, scheme: "ip", id: "10.1.0.7" }], target: undefined },
  { source: [digest("app:x", 31), everybody(1)], target: undefined },
];

type Some = readonly [readonly Acl[], ...(readonly Acl[])[]];

/** Mostly such that can be carried over. */
export const sourceAcls: Some = [anyone, ...[...pairs, ...pairs.slice(1, 4)].map(({ source }) => source)];
export const foreignAcls: Some = [anyone, [everybody(31), digest("c:h", 31)], [ours]];

/** Equal for equal grants; no ACL of a life's target names somebody twice. */
export function keyOf(acl: readonly Acl[]): string {
  return acl
    .map(({ scheme, id, perms }) => `${scheme}:${id}:${perms}`)
    .toSorted()
    .join(" ");
}

export function wantedAcl(source: readonly Acl[]): readonly Acl[] | undefined {
  return pairs.find((pair) => keyOf(pair.source) === keyOf(source))?.target;
}

/** Whether nobody may do more by `acl` than by `most`. */
export function isWithin(acl: readonly Acl[], most: readonly Acl[]): boolean {
  return acl.every(({ scheme, id, perms }) => {
    const granted = most.find((entry) => entry.scheme === scheme && entry.id === id);
    return (perms & ~(granted?.perms ?? 0)) === 0;
  });
}
