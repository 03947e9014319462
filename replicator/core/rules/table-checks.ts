import type { LinkConfig, RuleConfig } from "#config/replicator.ts";
import { hasBadCharacter, quote } from "./pattern.ts";
import type { Rule, RuleProblem } from "./ruleset.ts";

/** Where a path is mapped through the table, each name must be one segment and stand for one cluster only. */
export function checkNamesInPaths(rows: LinkConfig["clusters"], rules: readonly Rule[]): RuleProblem[] {
  const user = rules.find(
    (rule) =>
      rule.action === "copy" && rule.to.pieces.some((piece) => typeof piece !== "string" && piece.table !== undefined),
  );
  if (user === undefined) return [];
  const problems: RuleProblem[] = [];
  const firstByTarget = new Map<string, string>();
  for (const [name, { to }] of Object.entries(rows)) {
    const path = ["clusters", name, "to"];
    if (to === "" || to.includes("/") || hasBadCharacter(to)) {
      problems.push({
        path,
        message: `${quote(to)} can't be part of a path, but rule ${user.index} puts it into one`,
        remedy: "write a name without / and control characters",
      });
    }
    const first = firstByTarget.get(to);
    if (first === undefined) firstByTarget.set(to, name);
    else {
      problems.push({
        path,
        message: `${quote(first)} and ${quote(name)} both become ${quote(to)}, but rule ${user.index} maps paths by this table, so two source paths would map to one target path`,
        remedy: "give each cluster a target of its own, or map clusters in data only",
      });
    }
  }
  return problems;
}

/** Where data is mapped by addresses, one address must mean one thing, whichever row it stands in. */
export function checkAddresses(rows: LinkConfig["clusters"], rules: readonly RuleConfig[]): RuleProblem[] {
  const user = rules.findIndex((rule) => rule.data?.edits.some((edit) => edit.map === "addresses"));
  if (user < 0) return [];
  const problems: RuleProblem[] = [];
  const seen = new Map<string, { row: string; to: string }>();
  for (const [row, { addresses }] of Object.entries(rows)) {
    for (const [address, to] of Object.entries(addresses)) {
      const first = seen.get(address);
      if (first === undefined) seen.set(address, { row, to });
      else if (first.to !== to) {
        problems.push({
          path: ["clusters", row, "addresses", address],
          message: `${address} becomes ${to} here and ${first.to} in row ${quote(first.row)}; rule ${user} maps addresses whatever their row`,
          remedy: "give the address one target",
        });
      }
    }
  }
  return problems;
}
