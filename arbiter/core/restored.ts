import type { Context } from "./context.ts";
import { freeze } from "./freezes.ts";
import type { Inner } from "./inner.ts";
import { historyKey, parseKey } from "./keys.ts";
import type { Mirror } from "./mirror.ts";
import type { OperatorAnswer } from "./operator-messages.ts";
import { encodeHistory } from "./records.ts";
import type { SetView } from "./set-view.ts";

/**
 * A ledger that was restored from a snapshot says what was: brokers may have gone on since. etcd's cluster has another id then, and the
 * ledger names the one it was written in. Until every set is frozen, as `ledger-behind`, no answer names a master and nothing is decided.
 */

export function isRestored({ history, etcd }: Pick<Mirror, "history" | "etcd">): boolean {
  return history !== null && etcd !== null && history.value.etcd !== etcd;
}

/** To an operator who would end a freeze before all sets have theirs. */
export const notFrozenYet: OperatorAnswer = {
  kind: "refused",
  code: "ARB_RESTORED",
  message: "The ledger was restored from an older state, and not every set is frozen yet",
  hint: "Again in a moment",
};

export function freezeIfRestored(view: SetView, context: Context): void {
  const { mirror, moment } = context;
  if (!isRestored(mirror) || isHalted(view) || !context.isMyTurn(moment.now)) return;
  const reason = `The ledger was written in etcd ${mirror.history?.value.etcd}, and this is etcd ${mirror.etcd}: it was restored from an older state`;
  freeze(view, { code: "ledger-behind", reason, at: moment.wall, until: null }, context);
}

/** A set that nobody names a master of, by the ledger's own word. */
function isHalted({ record }: SetView): boolean {
  const frozen = record?.value.frozen ?? null;
  return record === null || (frozen !== null && frozen.code !== "operator");
}

/** It may name a master to a site of another version, and cannot be frozen here. */
function hasObscureSet({ unreadable }: Mirror): boolean {
  return [...unreadable.keys()].some((key) => parseKey(key)?.kind === "set");
}

/** Writes down in which etcd the ledger is: the first time, and after a restore when every set is frozen. */
export function noteHistory(state: Inner, context: Context): void {
  const { mirror, moment } = context;
  const { etcd, history, cluster } = mirror;
  if (etcd === null || cluster === null || history?.value.etcd === etcd || state.noting) return;
  if (mirror.unreadable.has(historyKey) || !context.isMyTurn(moment.now)) return;
  if (history !== null && (hasObscureSet(mirror) || ![...mirror.sets.values()].every(isHalted))) return;
  state.noting = true;
  const text = encodeHistory({ etcd, at: moment.wall });
  context.commit(
    {
      compares: [{ key: historyKey, revision: history?.revision ?? 0n }],
      puts: [{ key: historyKey, text, onLease: false }],
      deletes: [],
    },
    (ending, then) => {
      state.noting = false;
      if (ending !== "committed" || history === null) return;
      const fields = { before: history.value.etcd, now: etcd, sets: mirror.sets.size };
      const sentence = "ledger was restored: every set is frozen until an operator recovers it";
      then.emit({ kind: "note", level: "error", sentence, fields });
    },
  );
}
