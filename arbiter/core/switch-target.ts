import type { SetRecord } from "./model.ts";
import type { SwitchBroker } from "./switch-admission.ts";

/** Whom an operator means: a broker by its id, its address or its host, or the best of an IDC. */

export type TargetRefusal = "unknown-broker" | "ambiguous" | "already-master" | "no-candidate";

type Target =
  | { readonly kind: "broker"; readonly to: SwitchBroker }
  | { readonly kind: "refuse"; readonly reason: TargetRefusal; readonly why: string };

export function resolveTarget(to: string, brokers: readonly SwitchBroker[], record: SetRecord): Target {
  const ofIdc = brokers.filter(({ idc }) => idc === to && idc !== "");
  if (ofIdc.length > 0) return bestOf(to, ofIdc, record);
  const named = brokers.filter(({ id, address }) => String(id) === to || address === to);
  const found = named.length > 0 ? named : brokers.filter(({ address }) => hostOf(address) === to);
  const [only, ...others] = found;
  if (only === undefined) {
    return refuse(
      "unknown-broker",
      `${JSON.stringify(to)} is no broker and no IDC of the set: there are ${listOf(brokers)}`,
    );
  }
  if (others.length > 0) return refuse("ambiguous", `${to} may be ${listOf(found)}: give the id`);
  if (only.id === record.master)
    return refuse("already-master", `broker ${only.id} at ${only.address} is master already`);
  return { kind: "broker", to: only };
}

/** The one with the smallest priority, then the smallest id, of those that may be elected: all in-sync replicas can become level. */
function bestOf(idc: string, brokers: readonly SwitchBroker[], record: SetRecord): Target {
  const master = brokers.find(({ id }) => id === record.master);
  if (master !== undefined) return refuse("already-master", `broker ${master.id} of ${idc} is master already`);
  const [best] = brokers
    .filter(
      ({ id, heard, drained }) => heard && !drained && record.inSync.includes(id) && !record.unconfirmed.includes(id),
    )
    .toSorted((one, other) => one.priority - other.priority || one.id - other.id);
  if (best !== undefined) return { kind: "broker", to: best };
  const flaws = brokers.map((broker) => `broker ${broker.id} is ${flawOf(broker, record)}`);
  return refuse("no-candidate", `nobody in ${idc} may become master: ${flaws.join(", ")}`);
}

function flawOf({ id, heard, drained }: SwitchBroker, { inSync, unconfirmed }: SetRecord): string {
  if (!heard) return "not heard here";
  if (drained) return "drained, or its IDC";
  if (!inSync.includes(id)) return "not in sync";
  return unconfirmed.includes(id) ? "not confirmed" : "fine";
}

function listOf(brokers: readonly SwitchBroker[]): string {
  return (
    brokers.map(({ id, address, idc }) => `${id} (${address}${idc === "" ? "" : `, ${idc}`})`).join(", ") || "none"
  );
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

function refuse(reason: TargetRefusal, why: string): Target {
  return { kind: "refuse", reason, why };
}
