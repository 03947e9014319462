import type { Instant } from "#lib/clock.ts";
import { barrierOf, belowBarrier } from "./barrier.ts";
import { brokerOf, isHeardHere, notify, probe, refOf } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { SetEvent } from "./events.ts";
import { decisionId, setKey, switchKey } from "./keys.ts";
import type { BrokerId, SetRecord, SwitchRecord } from "./model.ts";
import { encodeSwitch } from "./records.ts";
import type { SetView } from "./set-view.ts";
import { effectRetryMs, restoreUnheardMs, settingsStaleMs } from "./timing.ts";

/** A broker gets back the settings it had before a switch, whatever became of that; then the switch's record goes. */

type BarrierEvent = Extract<SetEvent, { kind: "barrierRaised" | "barrierLowered" }>;

export function restore(
  view: SetView,
  planned: NonNullable<SetView["planned"]>,
  record: SetRecord,
  context: Context,
): void {
  const { barrier } = view;
  const { now } = context.moment;
  const { from, minInSyncReplicas, brokerPermission } = planned.value;
  if (!context.isMyTurn(planned.seenAt)) return;
  const ref = refOf(view, from);
  if (ref === undefined) {
    end(view, planned.revision, `broker ${from} is none of the set any more`, context);
    return;
  }
  if (!isServing(view, planned.value, record) || barrier.asking || barrier.writing) return;
  if (!isHarmless(view, planned.value, record, context)) return;
  // One that is not there is tried now and then: it may be reached before it is heard.
  const everyMs = isHeardHere(view, from, context) ? effectRetryMs : restoreUnheardMs;
  if (now - barrier.askedAt < everyMs) return;
  barrier.asking = true;
  barrier.askedAt = now;
  context.emit({ kind: "lowerBarrier", broker: ref, minInSyncReplicas, brokerPermission });
}

/**
 * After a switch the route has to show the new master first: the old one registers when it gets its settings back, and learns by
 * that where to copy from.
 */
function isServing({ name, effects, decision }: SetView, { decided }: SwitchRecord, record: SetRecord): boolean {
  if (decided === null) return true;
  // The switch's own word can come before that of the set.
  if (record.epoch < decided) return false;
  if (record.epoch > decided || record.decision !== decisionId(name, decided)) return true;
  return effects.routed !== null || decision?.value.effects.routed !== undefined;
}

/**
 * Who was replaced, and was not told yet, would accept messages that are lost: only its own word, given since this site knows of
 * the epoch, says that it is no master any more.
 */
function isHarmless(view: SetView, { from, decided }: SwitchRecord, record: SetRecord, context: Context): boolean {
  if (record.master === from) return isMasterAgain(view, decided, record, context);
  const { notified, reading } = brokerOf(view, from, context);
  const isRead = reading !== null && !reading.acting && reading.sentAt >= view.epochSeenAt;
  if (isRead || notified >= record.epoch) return true;
  notify(view, from, context);
  probe(view, from, context, view.epochSeenAt);
  return false;
}

/**
 * Given up, it goes on as before; while it is asked about and stands still it would hear of its settings before it hears of a
 * successor. Taken back, it is to have its new epoch first.
 */
function isMasterAgain(view: SetView, decided: number | null, record: SetRecord, context: Context): boolean {
  const { question, effects, decision } = view;
  if (question !== null && !isHeardHere(view, record.master ?? 0, context)) return false;
  if (decided === null || record.decision === null) return true;
  return effects.promoted !== null || decision?.value.effects.promoted !== undefined;
}

export function onBarrier(view: SetView, event: BarrierEvent, context: Context): void {
  const { barrier, planned } = view;
  const { now } = context.moment;
  const { kind, broker, minInSyncReplicas, ok, detail } = event;
  barrier.asking = false;
  if (!ok) barrier.detail = detail;
  const isOurs = planned !== null && planned.value.from === broker.id;
  if (kind === "barrierRaised") {
    const isWanted = isOurs && planned.value.stage === "holding";
    // Too late, or perhaps so: nobody may know of this barrier.
    if (!isWanted) view.settingsReadAt = now;
    else if (ok && minInSyncReplicas === barrierOf(planned.value.minInSyncReplicas)) barrier.raisedAt = now;
    return;
  }
  if (!ok || !isOurs) return;
  if (planned.value.stage === "restoring") end(view, planned.revision, detail, context);
  else {
    barrier.loweredAlone = true;
    barrier.raisedAt = null;
    barrier.ends = [];
    const fields = { set: view.name, switch: planned.value.id, broker: broker.id };
    context.emit({ kind: "note", level: "warn", sentence: "barrier lowered without a quorum", fields });
  }
}

function end(view: SetView, revision: bigint, detail: string, context: Context): void {
  const { barrier, name, planned } = view;
  if (barrier.writing || planned === null) return;
  barrier.writing = true;
  const key = switchKey(name);
  const { id, from, to, decided, outcome } = planned.value;
  context.commit({ compares: [{ key, revision }], puts: [], deletes: [key] }, (ending, then) => {
    barrier.writing = false;
    if (ending !== "committed") return;
    const fields = { set: name, switch: id, from, to, decided, outcome, detail };
    then.emit({ kind: "note", level: "info", sentence: "switch over", fields });
  });
}

/**
 * A reading of a broker's settings: a barrier that no record knows of gets one, so that it is lowered like any other. It was
 * raised by a request that came late, or the ledger is another one.
 */
export function noteBarrier(view: SetView, id: BrokerId, context: Context): void {
  const { record, planned, barrier, name } = view;
  const { now, wall } = context.moment;
  const { settings } = brokerOf(view, id, context);
  const own = settings === null ? null : belowBarrier(settings.minInSyncReplicas);
  if (settings === null || own === null || record === null || planned !== null || barrier.writing) return;
  if (now - barrier.endedAt < settingsStaleMs) {
    // It may have been read before the barrier was lowered.
    view.settingsReadAt = (barrier.endedAt + settingsStaleMs) as Instant;
    return;
  }
  if (!context.isMyTurn(now)) return;
  barrier.writing = true;
  const next: SwitchRecord = {
    id: `${record.value.epoch}.${wall}-found`,
    cluster: view.cluster,
    set: view.set,
    epoch: record.value.epoch,
    from: id,
    to: id,
    reason: "",
    askedBy: context.options.site,
    at: wall,
    minInSyncReplicas: own,
    brokerPermission: settings.brokerPermission,
    stage: "restoring",
    decided: null,
    outcome: `broker ${id} was found behind a barrier, and no switch was on record`,
  };
  const key = switchKey(name);
  context.commit(
    {
      compares: [
        { key, revision: 0n },
        { key: setKey(name), revision: record.revision },
      ],
      puts: [{ key, text: encodeSwitch(next), onLease: false }],
      deletes: [],
    },
    (ending, then) => {
      barrier.writing = false;
      if (ending !== "committed") return;
      const fields = { set: name, broker: id, minInSyncReplicas: own };
      then.emit({ kind: "note", level: "error", sentence: "barrier without a switch", fields });
    },
  );
}
