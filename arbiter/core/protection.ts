import type { BrokerSettings } from "./events.ts";
import { listText } from "./figures.ts";
import type { BrokerId, ProtectionLevel, SetRecord } from "./model.ts";

/**
 * What of the set may be lost without an acknowledged message being lost with it: none, one broker, one IDC (I6). A message is
 * acknowledged when all that the master counts as in sync have it (allAckInSyncStateSet), and the in-sync set cannot shrink
 * behind the arbiter's back; so the set itself says how far copies are spread. minInSyncReplicas adds nothing to that, and
 * neither does synchronous flush while only one of broker or IDC is lost: the others have the bytes in memory.
 * @param settings last told by each replica; null: not known. Only the master's must be known
 */
export function protectionOf(
  record: SetRecord,
  settings: ReadonlyMap<BrokerId, BrokerSettings | null>,
  idcOf: (id: BrokerId) => string,
): { readonly level: ProtectionLevel; readonly why: string } {
  const { master, inSync, unconfirmed } = record;
  if (master === null) return { level: "none", why: "the set has no master" };
  if ((settings.get(master) ?? null) === null)
    return { level: "none", why: `the settings of broker ${master} are not known` };

  // Whoever of them is master next acknowledges by its own settings.
  const lax = inSync.filter((id) => settings.get(id)?.allAckInSyncStateSet === false);
  if (lax.length > 0) {
    return {
      level: "none",
      why: `allAckInSyncStateSet is false at broker ${listText(lax.toSorted((one, other) => one - other))}`,
    };
  }
  const counted = inSync.filter((id) => !unconfirmed.includes(id));
  if (counted.length < 2) {
    const waiting = unconfirmed.length === 0 ? "" : `; broker ${listText(unconfirmed)} is not confirmed yet`;
    return { level: "none", why: `the in-sync set is broker ${listText(counted)} alone${waiting}` };
  }
  const idcs = new Set(counted.map(idcOf).filter((idc) => idc !== ""));
  if (idcs.size < 2) {
    return { level: "broker", why: `the in-sync set is within ${[...idcs][0] ?? "IDCs that are not known"}` };
  }
  return { level: "idc", why: "" };
}
