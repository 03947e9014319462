import type { LinkConfig } from "#config/replicator.ts";
import type { Acl } from "#lib/zookeeper/zookeeper.ts";
import { permsOf } from "./core/acl.ts";
import { limitsOf } from "./core/limits.ts";
import type { LinkOptions } from "./core/link-context.ts";
import type { RuleSet } from "./core/rules/rules.ts";

/** What the configuration of a link means for its core, and for the nodes that are ours. */

export function linkOptions(config: LinkConfig, rules: RuleSet): LinkOptions {
  const { deletes, compareEveryMs, pollEveryMs } = config;
  const limits = limitsOf(config.limits);
  const acl = config.targetAcl.map(toAcl);
  const aclSchemes = config.acl === "copy" ? config.aclSchemes : undefined;
  const yieldAfterMs = config.source.sessionTimeoutMs;
  return { rules, deletes, compareEveryMs, pollEveryMs, yieldAfterMs, acl, aclSchemes, limits };
}

function toAcl({ perms, scheme, id }: LinkConfig["targetAcl"][number]): Acl {
  return { perms: permsOf(perms), scheme, id };
}

/** Ours alone to change where we have a name there; everybody may read, so that idcctl and a standby can look. */
export function ownAclOf(side: LinkConfig["target"]): readonly Acl[] {
  if (side.auth.length === 0) return [{ perms: 31, scheme: "world", id: "anyone" }];
  return [
    { perms: 31, scheme: "auth", id: "" },
    { perms: 1, scheme: "world", id: "anyone" },
  ];
}

/** What others wrote may be meant for few: where we have a name, only we may read it. */
export function journalAclOf(config: LinkConfig): readonly Acl[] {
  return config.target.auth.length === 0 ? ownAclOf(config.target) : [{ perms: 31, scheme: "auth", id: "" }];
}
