import type { Confirmation } from "./confirm.ts";
import type { DecisionInput, RefusalReason } from "./decision.ts";
import type { Readable } from "./elect.ts";
import { bytesText, figure, millisText } from "./figures.ts";
import type { BrokerId, OffsetReading, ProtectionLevel, ProtectionRecord, SetPolicy } from "./model.ts";
import { compareProgress } from "./progress.ts";

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

/**
 * rpo: zero lets a failover pass only if nothing acknowledged can be lost (I6). A master that is silent may be one of an IDC that is
 * gone: the set must have been proven to survive what the policy says. One that is positively dead is one broker. A master that is
 * back tells itself what it has: of it `lacking` is asked.
 */
export function unprotected(
  { kind, policy, protection, master }: DecisionInput,
  death: Extract<Confirmation, { kind: "confirmed" }>,
): Objection {
  const level = protection?.level ?? "none";
  if (policy.rpo !== "zero" || satisfies(level, policy)) return null;
  if (death.positive && (kind === "restart" || level !== "none")) return null;
  const risk = death.positive ? maybeAlone(master) : ", and the master is silent, not positively dead";
  return { reason: "not-protected", why: `${lastProtection(policy, protection)}${risk}` };
}

/** Of a set that is not protected nobody takes over who does not have all that the old master has, and has ever told of. */
export function lacking({ policy, protection, master, candidates }: DecisionInput, winner: Readable): Objection {
  if (policy.rpo !== "zero" || (protection?.level ?? "none") !== "none" || winner.id === master) return null;
  const old = candidates.find(({ id }) => id === master);
  const hasAll = (of: OffsetReading | null): boolean => of === null || compareProgress(winner.reading, of) >= 0;
  if (old !== undefined && old.reading !== null && hasAll(old.reading) && hasAll(old.reported)) return null;
  return { reason: "not-protected", why: `${lastProtection(policy, protection)}${maybeAlone(master)}` };
}

function lastProtection({ survive }: SetPolicy, protection: ProtectionRecord | null): string {
  const last = protection === null ? "not known" : `${protection.level}${protection.why && `: ${protection.why}`}`;
  return `rpo: zero, survive: ${survive}: the set's protection was last ${last}`;
}

function maybeAlone(master: BrokerId | null): string {
  return `, so broker ${master} may have acknowledged what nobody else has`;
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
