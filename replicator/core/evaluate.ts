import { errorCodes, errorName } from "#lib/zookeeper/errors.ts";
import type { NodeData, ReadResult } from "#lib/zookeeper/zookeeper.ts";
import type { WantedAcl } from "./acl-copy.ts";
import type { ProblemKind } from "./problems.ts";
import { type RuleSet, type Translation, translate } from "./rules/rules.ts";

/** What the source says that a target path should be. */
export type Desired =
  /** `acl` undefined: the target's is as it should be, or not copied. */
  | { readonly kind: "present"; readonly source: string; readonly data: NodeData; readonly acl?: WantedAcl }
  | { readonly kind: "absent" }
  /** Nothing is known or decided: the target keeps what it has. */
  | { readonly kind: "held"; readonly problem: ProblemKind; readonly detail: string }
  /** Left out on purpose (`skip`): the target keeps what it has, nobody is told. */
  | { readonly kind: "skipped" }
  | { readonly kind: "stop"; readonly detail: string };

/**
 * Decides from one reading of all source paths that could map to one target path. Absent only if each of them is known to be
 * absent; two that are there are a conflict, whichever was first (I8).
 */
export function evaluate(
  rules: RuleSet,
  sources: readonly string[],
  results: readonly (ReadResult | undefined)[],
): Desired {
  const present: { source: string; data: NodeData }[] = [];
  for (const [index, source] of sources.entries()) {
    const result = results[index];
    switch (result?.kind) {
      case "data":
        // An ephemeral is a session's presence in its own IDC: for the other IDC there is no such node.
        if (result.stat.ephemeralOwner === 0n) present.push({ source, data: result.data });
        break;
      case "error":
        if (result.code === errorCodes.noNode) break;
        return { kind: "held", problem: "unreadable", detail: `${source} cannot be read: ${errorName(result.code)}` };
      case "children":
      case undefined:
        return { kind: "held", problem: "unreadable", detail: `${source} was not read` };
    }
  }
  const [first, second] = present;
  if (first === undefined) return { kind: "absent" };
  if (second !== undefined) {
    return {
      kind: "held",
      problem: "conflict",
      detail: `${present.map(({ source }) => source).join(" and ")} map to this path`,
    };
  }
  return desiredOf(first.source, translate(rules, first.source, first.data));
}

/** The same for the only source that is there, read and translated already. */
export function desiredOf(source: string, translation: Translation): Desired {
  switch (translation.kind) {
    case "copy":
      return { kind: "present", source, data: translation.data };
    case "unmapped":
      return {
        kind: "held",
        problem: "unmapped",
        detail: `${source}: ${JSON.stringify(translation.value)} has no row in the ${translation.table} of the cluster table`,
      };
    case "badData":
      if (translation.policy === "stop") return { kind: "stop", detail: `${source}: ${translation.message}` };
      return { kind: "held", problem: "badData", detail: `${source}: ${translation.message}` };
    case "skipped":
      return { kind: "skipped" };
    case "invalidTarget":
    case "ignored":
    case "unruled":
      return { kind: "held", problem: "invalidTarget", detail: `${source} maps nowhere` };
  }
}
