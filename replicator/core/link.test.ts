import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { LinkLimits } from "./limits.ts";
import { createLink } from "./link.ts";
import { compileRules } from "./rules/compile.ts";
import type { RuleSet } from "./rules/rules.ts";
import { createTeller } from "./story.fixture.ts";

/** The stories in testdata; story.fixture.ts says how they are written. UPDATE=1 writes the answers anew, for review. */
const folder = new URL("testdata/", import.meta.url);

const mirror = ["/a/**", "/b/**"] as const;

interface Setting {
  readonly rules: readonly (readonly [match: string, to: string])[];
  readonly maxDeletes?: number;
  readonly maxDeleteRatio?: number;
  readonly limits?: Partial<LinkLimits>;
  readonly tombstoneMs?: number;
}

const stories: Readonly<Record<string, Setting>> = {
  "first-sync.txt": { rules: [mirror] },
  "first-sync-changes.txt": { rules: [mirror] },
  "read-ahead.txt": { rules: [mirror] },
  "update.txt": { rules: [mirror] },
  "wiped-source.txt": { rules: [mirror] },
  "deletes-one-by-one.txt": { rules: [mirror], maxDeleteRatio: 0.5 },
  "conflict.txt": { rules: [["/s/{a}/{b}", "/t/{a}%{b}"]] },
  "unreadable.txt": { rules: [mirror] },
  "foreign-write.txt": { rules: [mirror] },
  "drift.txt": { rules: [mirror] },
  "diverged.txt": { rules: [mirror] },
  "diverged-below.txt": { rules: [mirror] },
  "session-lost.txt": { rules: [mirror] },
  "parent-in-the-way.txt": { rules: [mirror] },
  "parent-of-a-session.txt": {
    rules: [
      ["/a/{x}", "/b/{x}"],
      ["/c/{x}/{y}", "/b/{x}/{y}"],
    ],
  },
  "paced.txt": { rules: [mirror], limits: { writesPerSecond: 4 } },
  "tombstones.txt": { rules: [mirror], tombstoneMs: 60_000, maxDeletes: 1 },
  "taken-over.txt": { rules: [mirror] },
  "goes-on.txt": { rules: [mirror], tombstoneMs: 60_000 },
  "stopped.txt": { rules: [mirror] },
  "standby.txt": { rules: [mirror] },
  "source-lost.txt": { rules: [mirror] },
  "paused.txt": { rules: [mirror] },
  "few-reads.txt": { rules: [mirror], limits: { scanReadsInFlight: 2, readAhead: 2, requestsPerRead: 1 } },
  "slow-target.txt": {
    rules: [mirror],
    limits: { scanReadsInFlight: 2, requestsPerRead: 1, writesInFlight: 1, outboxOps: 1 },
  },
  "extras-at-first.txt": { rules: [mirror] },
  "tombstones-compared.txt": { rules: [mirror], tombstoneMs: 60_000 },
  "held-and-gone.txt": { rules: [mirror] },
  "read-failed.txt": { rules: [mirror] },
  "too-many-changes.txt": { rules: [mirror], limits: { dirtyPaths: 2, readsInFlight: 1 } },
};

test.each(Object.entries(stories))("%s", (file, setting) => {
  const link = createLink({
    rules: compile(setting.rules),
    deletes: {
      ...(setting.tombstoneMs === undefined
        ? { mode: "mirror" }
        : { mode: "tombstone", tombstoneMs: setting.tombstoneMs }),
      maxDeletes: setting.maxDeletes ?? 500,
      maxDeleteRatio: setting.maxDeleteRatio ?? 0.5,
      windowMs: 60_000,
    },
    acl: [{ perms: 31, scheme: "world", id: "anyone" }],
    compareEveryMs: 300_000,
    pollEveryMs: 5_000,
    yieldAfterMs: 10_000,
    limits: setting.limits ?? {},
  });
  const teller = createTeller(link);
  const told = readFileSync(new URL(file, folder), "utf8");
  const answered = told
    .trimEnd()
    .split("\n====\n")
    .map((step) => {
      const [happened = ""] = step.split("\n----");
      return `${happened}\n----\n${teller.tell(happened.split("\n")).join("\n")}`;
    })
    .join("\n====\n");
  if (process.env["UPDATE"] === "1") writeFileSync(new URL(file, folder), `${answered}\n`);
  else expect(`${answered}\n`).toBe(told);
});

test("every story in testdata is told", () => {
  expect(existsSync(folder) && readdirSync(folder).sort()).toEqual(Object.keys(stories).sort());
});

function compile(rules: Setting["rules"]): RuleSet {
  const compiled = compileRules({
    clusters: {},
    unmapped: "error",
    onBadData: "skip",
    rules: rules.map(([match, to]) => ({ match, to, action: "copy" })),
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.rules;
}
