import { type ProtectionLevel, protectionLevels, type SetPolicy } from "./model.ts";

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
