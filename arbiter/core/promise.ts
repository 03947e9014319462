import { type BrokerId, type ProtectionLevel, protectionLevels, type SetPolicy } from "./model.ts";

/** The protection that a policy rests on: with `rpo: zero` what the set must survive, else none. */
export function promisedLevel({ rpo, survive }: SetPolicy): ProtectionLevel {
  return rpo === "zero" ? survive : "none";
}

/** Does what was last seen of the set's protection keep the promise? Nothing seen yet counts as none. */
export function isPromiseKept(policy: SetPolicy, level: ProtectionLevel | undefined): boolean {
  return !isLess(level, promisedLevel(policy));
}

/** Nothing seen yet counts as none. */
export function isLess(level: ProtectionLevel | undefined, than: ProtectionLevel | undefined): boolean {
  return protectionLevels.indexOf(level ?? "none") < protectionLevels.indexOf(than ?? "none");
}

/**
 * What such an in-sync set bears of what the policy wants it to be kept for: an IDC's loss with `survive: idc`, whatever the rpo, and a
 * broker's with `rpo: zero`. A master acknowledges what waits for a replica as soon as it need not count it any more.
 */
export function keptLevel(
  { rpo, survive }: SetPolicy,
  inSync: readonly BrokerId[],
  idcOf: (id: BrokerId) => string,
): ProtectionLevel {
  if (survive === "idc" && new Set(inSync.map(idcOf)).size > 1) return "idc";
  return rpo === "zero" && inSync.length > 1 ? "broker" : "none";
}
