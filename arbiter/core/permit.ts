import type { Confirmation } from "./confirm.ts";
import { bytesText, figure, millisText } from "./figures.ts";
import type { DecisionInput, ProtectionLevel, RefusalReason, SetPolicy } from "./model.ts";

/** What a set's policy lets pass. null: it does; else why not. */
export type Objection = { readonly reason: RefusalReason; readonly why: string } | null;

/** So many failovers of one set are let pass within cooldownMs: the second may be the same accident going on, a third is flapping. */
const failoversPerCooldownMax = 2;

export function whileFrozen({ policy }: DecisionInput): Objection {
  return policy.frozen ? { reason: "frozen", why: "the policy says frozen: true for this set" } : null;
}

/** Stamps are other processes' wall times: one of the future counts as now. */
export function whileCoolingDown({
  policy,
  failoversAt,
  now,
}: Pick<DecisionInput, "policy" | "failoversAt" | "now">): Objection {
  const recent = failoversAt.filter((at) => Math.max(0, now - at) < policy.cooldownMs).length;
  if (recent < failoversPerCooldownMax) return null;
  const why = `${figure(recent)} failovers in the last ${millisText(policy.cooldownMs)}; at most ${failoversPerCooldownMax} are let pass`;
  return { reason: "cooling-down", why };
}

/** rpo: zero lets a failover pass only if nothing acknowledged can be lost (I6), or the old master is positively gone. */
export function unprotected(
  { policy, protection }: DecisionInput,
  death: Extract<Confirmation, { kind: "confirmed" }>,
): Objection {
  if (policy.rpo !== "zero" || death.positive || satisfies(protection?.level ?? "none", policy)) return null;
  const last = protection === null ? "not known" : `${protection.level}${protection.why && `: ${protection.why}`}`;
  const why = `rpo: zero, survive: ${policy.survive}: the set's protection was last ${last}, and the master is silent, not positively dead`;
  return { reason: "not-protected", why };
}

/** rpo: bounded lets pass what is known to be lost, up to maxLostBytes. */
export function tooLossy({ policy, master }: DecisionInput, knownLag: bigint | null): Objection {
  if (policy.rpo !== "bounded" || (knownLag !== null && knownLag <= policy.maxLostBytes)) return null;
  const bound = `rpo: bounded lets ${bytesText(policy.maxLostBytes)} be lost`;
  const why =
    knownLag === null
      ? `${bound}, and how far broker ${master} was in the winner's epoch is not known`
      : `${bound}, and broker ${master} has told of ${bytesText(knownLag)} more than the winner has`;
  return { reason: "loss-too-large", why };
}

function satisfies(level: ProtectionLevel, { survive }: SetPolicy): boolean {
  return level === "idc" || (level === "broker" && survive === "broker");
}
