import { idsOf, isHeardHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { Heartbeat } from "./events.ts";
import { setKey } from "./keys.ts";
import type { Freeze } from "./model.ts";
import { isExpired } from "./operator.ts";
import { encodeSet } from "./records.ts";
import type { SetView } from "./set-view.ts";

/** A set is frozen when nobody can know who is right: until an operator says so, nothing is decided in it. */

export function freeze(view: SetView, frozen: Freeze | null, context: Context, then?: (done: boolean, context: Context) => void): void {
  const { record, name } = view;
  if (record === null || view.busy) {
    then?.(false, context);
    return;
  }
  view.busy = true;
  context.commit(
    {
      compares: [{ key: setKey(name), revision: record.revision }],
      puts: [{ key: setKey(name), text: encodeSet({ ...record.value, frozen }), onLease: false }],
      deletes: [],
    },
    (ending, later) => {
      view.busy = false;
      then?.(ending === "committed", later);
      if (ending !== "committed") return;
      const fields = { set: name, code: frozen?.code ?? null, reason: frozen?.reason ?? "" };
      later.emit({
        kind: "note",
        level: frozen === null || frozen.code === "operator" ? "info" : "error",
        sentence: frozen === null ? "set thawed" : "set frozen",
        fields,
      });
    },
  );
}

export function thawIfOver(view: SetView, context: Context): void {
  const frozen = view.record?.value.frozen ?? null;
  if (frozen === null || frozen.until === null || !isExpired(frozen.until, context.moment.wall)) return;
  if (context.isMyTurn(context.moment.now)) freeze(view, null, context);
}

/** Two addresses that both are heard under one id. A broker that moved is heard at one of them only, and registers anew. */
export function freezeIfTwice(view: SetView, beat: Heartbeat, context: Context): boolean {
  const record = view.record?.value;
  const known = record?.replicas[beat.id]?.address;
  if (record === undefined || known === undefined || known === beat.address) return false;
  if (!idsOf(view).includes(beat.id) || !isHeardHere(view, beat.id, context)) return false;
  if (record.frozen === null) {
    const reason = `Broker ${beat.id} of ${view.name} is heard at ${known} and at ${beat.address}: two brokers have one id`;
    freeze(view, { code: "duplicate-id", reason, at: context.moment.wall, until: null }, context);
  }
  return true;
}

/** Brokers never run ahead of the ledger, unless it was restored from a snapshot or made anew. */
export function freezeIfBehind(view: SetView, epoch: number, context: Context): void {
  const record = view.record?.value;
  if (record === undefined || epoch <= record.epoch || record.frozen !== null) return;
  const reason = `A broker of ${view.name} has epoch ${epoch}, the ledger ${record.epoch}: it was restored from an older state`;
  freeze(view, { code: "ledger-behind", reason, at: context.moment.wall, until: null }, context);
}
