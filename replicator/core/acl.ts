import type { Acl } from "#lib/zookeeper/zookeeper.ts";

/**
 * ACLs as values: what they grant, and what the target's is to be for one of the source's. Two ACLs are equal when they grant
 * the same, whatever the order of their entries.
 */

/** Somebody as an ACL names him. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

export interface AclPolicy {
  /** Schemes that mean the same on both sides. */
  readonly schemes: readonly string[];
  /** Our own identities in the target. */
  readonly own: readonly Identity[];
}

/** What an ACL grants. `text` is equal exactly when the grants are. */
export interface Rights {
  /** One for each identity, in the order of their first appearance. */
  readonly entries: readonly Acl[];
  readonly text: string;
}

export type AclTranslation =
  | { readonly kind: "give"; readonly rights: Rights }
  | { readonly kind: "held"; readonly detail: string };

const letters = [
  ["c", 4],
  ["d", 8],
  ["r", 1],
  ["w", 2],
  ["a", 16],
] as const;
const allPerms = 31;

/** @param text some of cdrwa */
export function permsOf(text: string): number {
  return letters.reduce((perms, [letter, bit]) => (text.includes(letter) ? perms | bit : perms), 0);
}

/** For people: `world:anyone:cdrwa`. Of a digest only the user, as servers do it: the hash helps to guess the password. */
export function aclText({ scheme, id, perms }: Acl): string {
  const name = scheme === "digest" ? id.replace(/:[^:]*$/, ":x") : id;
  return `${scheme}:${name}:${permsText(perms)}`;
}

/** Some of cdrwa. */
export function permsText(perms: number): string {
  return letters.map(([letter, bit]) => ((perms & bit) === 0 ? "" : letter)).join("");
}

/** Merges entries of the same identity: servers grant what any of them grants. Entries that grant nothing are left out. */
export function rightsOf(acl: readonly Acl[]): Rights {
  const merged = new Map<string, Acl>();
  for (const { scheme, id, perms } of acl) {
    const key = JSON.stringify([scheme, id]);
    const all = (merged.get(key)?.perms ?? 0) | (perms & allPerms);
    if (all !== 0) merged.set(key, { perms: all, scheme, id });
  }
  const text = [...merged].map(([key, { perms }]) => `${key}${perms}`).toSorted();
  return { entries: [...merged.values()], text: text.join(" ") };
}

/**
 * The target's ACL for one of the source's: the same, and all rights for ourselves. Held where it would mean something else
 * over there, where it is not known in full, or where it would shut us out.
 */
export function translateAcl(acl: readonly Acl[], { schemes, own }: AclPolicy): AclTranslation {
  const { entries } = rightsOf(acl);
  const foreign = entries.find(({ scheme }) => !schemes.includes(scheme));
  if (foreign !== undefined) {
    return held(
      `its ACL grants ${aclText(foreign)}, and ${foreign.scheme} is not among aclSchemes (${schemes.join(", ")})`,
    );
  }
  const masked = entries.find(isMasked);
  if (masked !== undefined) {
    return held(
      `its ACL is shown without digests (${aclText(masked)}): the link's source credentials need the right a (admin) there`,
    );
  }
  if (grantsAll(entries, own)) return { kind: "give", rights: rightsOf(entries) };
  if (own.length === 0) {
    const given = entries.map(aclText).join(", ");
    return held(
      `its ACL (${given}) would shut the link out of the target, where it has no identity: give it target.auth`,
    );
  }
  return { kind: "give", rights: rightsOf([...entries, ...own.map((identity) => ({ ...identity, perms: allPerms }))]) };
}

/** Whether somebody may do less after than before, as far as each identity's own entry says. */
export function takesAway(before: Rights, after: Rights): boolean {
  return before.entries.some(({ scheme, id, perms }) => {
    const kept = after.entries.find((entry) => entry.scheme === scheme && entry.id === id);
    return (perms & ~(kept?.perms ?? 0)) !== 0;
  });
}

function grantsAll(entries: readonly Acl[], own: readonly Identity[]): boolean {
  const isOurs = ({ scheme, id }: Acl): boolean =>
    (scheme === "world" && id === "anyone") || own.some((identity) => identity.scheme === scheme && identity.id === id);
  return entries.filter(isOurs).reduce((perms, entry) => perms | entry.perms, 0) === allPerms;
}

/**
 * Servers put `x` for each digest when who asks is not admin of the node.
 * @source ZooKeeper 3.9 FinalRequestProcessor, GetACLRequest
 */
function isMasked({ scheme, id }: Acl): boolean {
  return scheme === "digest" && id.endsWith(":x");
}

function held(detail: string): AclTranslation {
  return { kind: "held", detail };
}
