import fc from "fast-check";
import { expect, test } from "vitest";
import type { Acl } from "#lib/zookeeper/zookeeper.ts";
import { type AclPolicy, aclText, type Identity, permsOf, rightsOf, takesAway, translateAcl } from "./acl.ts";

const us: Identity = { scheme: "digest", id: "replicator:Kx0sYxSgh5SXBjSvC7pK5A1b2c0=" };
const policy: AclPolicy = { schemes: ["world", "digest"], own: [us] };

/** `world:anyone:r`, the perms behind the last colon. */
function entry(text: string): Acl {
  const [, scheme = "", id = "", perms = ""] = /^(\w+):(.*):(\w*)$/.exec(text) ?? [];
  return { scheme, id, perms: permsOf(perms) };
}

function acl(...texts: string[]): Acl[] {
  return texts.map(entry);
}

function translated(...texts: string[]): string {
  const outcome = translateAcl(acl(...texts), policy);
  return outcome.kind === "held" ? outcome.detail : outcome.rights.entries.map(aclText).join(" ");
}

test("entries of one identity are one, and the order of entries does not matter", () => {
  const merged = rightsOf(acl("world:anyone:r", "digest:app:h:cd", "world:anyone:w"));
  expect(merged.entries).toEqual(acl("world:anyone:rw", "digest:app:h:cd"));
  expect(merged.text).toBe(rightsOf(acl("digest:app:h:cd", "world:anyone:rw")).text);
  expect(merged.text).not.toBe(rightsOf(acl("digest:app:h:cd", "world:anyone:r")).text);
});

test("an ACL open to everybody stays as it is", () => {
  expect(translated("world:anyone:cdrwa")).toBe("world:anyone:cdrwa");
});

test("an ACL that grants us everything already stays as it is, also if it does so in parts", () => {
  const parts = acl("world:anyone:r", `digest:${us.id}:cdwa`);
  expect(translateAcl(parts, policy)).toEqual({ kind: "give", rights: rightsOf(parts) });
});

test("any other ACL gets all rights for us on top", () => {
  const outcome = translateAcl(acl("digest:app:h:cdrwa", "world:anyone:r"), policy);
  const wanted = acl("digest:app:h:cdrwa", "world:anyone:r", `digest:${us.id}:cdrwa`);
  expect(outcome).toEqual({ kind: "give", rights: rightsOf(wanted) });
});

test("what we had of our own is completed, not repeated", () => {
  const outcome = translateAcl(acl(`digest:${us.id}:r`), policy);
  expect(outcome).toEqual({ kind: "give", rights: rightsOf(acl(`digest:${us.id}:cdrwa`)) });
});

test("a scheme that is not among aclSchemes holds the path back and is named", () => {
  expect(translated("world:anyone:cdrwa", "ip:10.1.0.7:r")).toBe(
    "its ACL grants ip:10.1.0.7:r, and ip is not among aclSchemes (world, digest)",
  );
});

test("a digest that the source does not show holds the path back: its mask would be nobody", () => {
  expect(translated("digest:app:x:cdrwa", "world:anyone:r")).toContain("shown without digests (digest:app:x:cdrwa)");
});

test("without an identity of our own an ACL that is not open to everybody holds the path back", () => {
  const nobody: AclPolicy = { ...policy, own: [] };
  expect(translateAcl(acl("world:anyone:cdrwa"), nobody).kind).toBe("give");
  expect(translateAcl(acl("world:anyone:cdrw"), nobody)).toEqual({
    kind: "held",
    detail: expect.stringContaining("give it target.auth"),
  });
});

test("texts for people show no digest", () => {
  expect(aclText(entry("digest:app:Kx0sYxSgh5SXBjSvC7pK5A1b2c0=:rw"))).toBe("digest:app:x:rw");
});

test("less for anybody takes something away, more or the same does not", () => {
  const before = rightsOf(acl("world:anyone:r", "digest:app:h:rw"));
  expect(takesAway(before, rightsOf(acl("world:anyone:rw", "digest:app:h:rw", "digest:b:h:r")))).toBe(false);
  expect(takesAway(before, rightsOf(acl("digest:app:h:cdrwa")))).toBe(true);
  expect(takesAway(before, rightsOf(acl("world:anyone:cdrwa", "digest:app:h:r")))).toBe(true);
});

const identities = fc.oneof(
  fc.constantFrom(us, { scheme: "world", id: "anyone" }, { scheme: "digest", id: "app:x" }),
  fc.record({
    scheme: fc.constantFrom("digest", "ip", "sasl"),
    id: fc.constantFrom("a:h1", "a:h2", "10.1.0.7", us.id),
  }),
);
const acls = fc.array(
  fc.record({ who: identities, perms: fc.integer({ min: 0, max: 31 }) }).map(({ who, perms }) => ({ ...who, perms })),
  { maxLength: 6 },
);
const policies = fc.record({
  schemes: fc.subarray(["world", "digest", "ip", "sasl"]),
  own: fc.constantFrom<readonly Identity[]>([], [us], [us, { scheme: "digest", id: "a:h1" }]),
});

function permsFor({ scheme, id }: Identity, all: readonly Acl[]): number {
  return all.filter((one) => one.scheme === scheme && one.id === id).reduce((sum, { perms }) => sum | perms, 0);
}

test("for any ACL of the source: what is given lets us do everything, or the path is held back", () => {
  let given = 0;
  fc.assert(
    fc.property(acls, policies, (source, { schemes, own }) => {
      const outcome = translateAcl(source, { schemes, own });
      if (outcome.kind === "held") return;
      given += 1;
      const ours = [{ scheme: "world", id: "anyone" }, ...own];
      expect(ours.reduce((perms, one) => perms | permsFor(one, outcome.rights.entries), 0)).toBe(31);
    }),
  );
  expect(given).toBeGreaterThan(0);
});

test("for any ACL of the source: nobody but us gets more or less than there", () => {
  let given = 0;
  fc.assert(
    fc.property(acls, policies, (source, { schemes, own }) => {
      const outcome = translateAcl(source, { schemes, own });
      if (outcome.kind === "held") return;
      given += 1;
      for (const one of [...source, ...outcome.rights.entries]) {
        if (own.some(({ scheme, id }) => scheme === one.scheme && id === one.id)) continue;
        expect(permsFor(one, outcome.rights.entries)).toBe(permsFor(one, source));
      }
    }),
  );
  expect(given).toBeGreaterThan(0);
});

test("for any ACL of the source: translated once more it stays the same, so a compare comes to rest", () => {
  fc.assert(
    fc.property(acls, policies, (source, some) => {
      const once = translateAcl(source, some);
      if (once.kind === "held") return;
      expect(translateAcl(once.rights.entries, { ...some, schemes: ["world", "digest", "ip", "sasl"] })).toEqual(once);
    }),
  );
});
