import type { Acl, Stat, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createAclCopy } from "./acl-copy.ts";
import { createAclIndex } from "./acl-index.ts";
import { createBrake } from "./brake.ts";
import { createRechecks } from "./drift.ts";
import { createFamily } from "./family.ts";
import { hashData } from "./hash.ts";
import { defaultLimits, type LinkLimits } from "./limits.ts";
import type { LinkContext } from "./link-context.ts";
import type { LinkCounts, LinkNote } from "./link-events.ts";
import { createOutbox } from "./outbox.ts";
import { createProblems } from "./problems.ts";
import { compileRules } from "./rules/compile.ts";
import type { CarrierParts } from "./settle.ts";
import { createTargetIndex } from "./target-index.ts";
import { createWork } from "./work.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const us = { scheme: "digest", id: "us:h" };
export const open: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
export const stat = { czxid: 9n, aversion: 2 } as Partial<Stat> as Stat;

/**
 * /a/** goes to /b/**, and /c/{x}/{y} to /t/{x}/in/{y}: no rule leads to /t/{x}, nor to /t/{x}/in. The target has /b/x with "old",
 * of version 3, and its path is being worked on. ACLs are copied.
 */
export function createParts(limits: Partial<LinkLimits>, notes: LinkNote[]): CarrierParts {
  const compiled = compileRules({
    clusters: {},
    unmapped: "error",
    onBadData: "skip",
    rules: [
      { match: "/a/**", to: "/b/**", action: "copy" },
      { match: "/c/{x}/{y}", to: "/t/{x}/in/{y}", action: "copy" },
    ],
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const context = {
    options: { rules: compiled.rules, deletes: { mode: "mirror" } },
    limits: { ...defaultLimits, ...limits },
    counts: { created: 0, updated: 0, deleted: 0, drift: 0, refused: 0 } as Partial<LinkCounts> as LinkCounts,
    note: (note: LinkNote) => void notes.push(note),
  } as unknown as LinkContext;
  const index = createTargetIndex();
  const problems = createProblems(10);
  const work = createWork(context, problems);
  const outbox = createOutbox(context.limits);
  const rechecks = createRechecks(10);
  const acls = createAclIndex();
  const aclCopy = createAclCopy({ context, schemes: ["world", "digest"], acls, index, work, recheck: rechecks.ask });
  aclCopy.begin([us], false);
  acls.put("/b/x", open, stat);
  index.addPassage("/b");
  index.put("/b/x", { hash: hashData(bytes("old")), version: 3, mzxid: 5n as Zxid, pass: 1, children: 0 });
  work.mark("/b/x", undefined);
  work.begin("/b/x");
  return {
    context,
    index,
    problems,
    brake: createBrake({ maxDeletes: 10, maxDeleteRatio: 1, windowMs: 1_000 }),
    work,
    outbox,
    family: createFamily({ index, outbox, work }),
    aclCopy,
    rechecks,
    tombstones: undefined,
  };
}
