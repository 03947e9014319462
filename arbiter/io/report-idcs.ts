import { idsOf } from "../core/brokers.ts";
import type { Context } from "../core/context.ts";
import type { IdcsReport } from "./api-idcs.ts";
import { timeText } from "./report.ts";

/** Every IDC that has a broker or a record, with what operators want of it. */
export function reportIdcs(context: Context): IdcsReport {
  const { mirror } = context;
  const brokers = new Map<string, number>();
  const masters = new Map<string, number>();
  const drained: IdcsReport["drained"] = [];
  const add = (to: Map<string, number>, idc: string): void => void to.set(idc, (to.get(idc) ?? 0) + 1);
  for (const view of mirror.sets.values()) {
    for (const id of idsOf(view)) add(brokers, context.idcOf(view, id));
    const master = view.record?.value.master;
    if (master != null) add(masters, context.idcOf(view, master));
    for (const [id, { reason, at }] of Object.entries(view.drains?.value.brokers ?? {}))
      drained.push({ set: view.name, broker: Number(id), reason, at: timeText(at) });
  }
  const names = [...new Set([...brokers.keys(), ...mirror.idcs.keys()])].filter((idc) => idc !== "").toSorted();
  return {
    idcs: names.map((idc) => {
      const { state = "active", weight = 100, epoch = 0, reason = "", at } = mirror.idcs.get(idc)?.value ?? {};
      return {
        idc,
        state,
        weight,
        epoch,
        reason,
        at: at === undefined ? null : timeText(at),
        brokers: brokers.get(idc) ?? 0,
        masters: masters.get(idc) ?? 0,
      };
    }),
    drained,
  };
}
