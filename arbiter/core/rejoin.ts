import { brokerOf, idsOf, isHeardHere, notify, refOf } from "./brokers.ts";
import type { Context } from "./context.ts";
import { isRouted, mayBeTold, onRouted } from "./effects.ts";
import type { SetEvent } from "./events.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import { isScripted } from "./scripted.ts";
import type { SetView } from "./set-view.ts";
import { registerEveryMs, rejoinMs, rejoinRouteMsMax } from "./timing.ts";

/**
 * How brokers that were away come back. One that was master is told at once that it is not. A replica asks its name server for the
 * master's replication address at the moment it is told, and connects to what it gets; a name server that was cut off with it shows
 * the old master, which goes on sending as a replica: a later registration corrects the address, and not the connection. So a replica
 * is told when every name server that answers has shown the master since it came back.
 */

const routeEveryMs = 200;

export function driveRejoin(view: SetView, record: SetRecord, context: Context): void {
  awaitRoute(view, record, context);
  tellReturned(view, record, context);
  if (context.isMyTurn(context.moment.now)) bringBack(view, record, context);
}

/** This replica was away, or this site learned of the epoch from others; and not all name servers that answer have shown the master since. */
function waitsForRoute(view: SetView, id: BrokerId, context: Context): boolean {
  const { record, routed, masters } = view;
  if (record === null || routed === null) return false;
  const broker = view.brokers.get(id);
  const isShown = routed.epoch === record.value.epoch && routed.at >= (broker?.backAt ?? 0);
  const mayAct = masters.has(id) || broker?.evidence.acting?.yes === true;
  return !isShown && !mayAct && !isScripted(view, context);
}

/** A poll: its answer is an order, also to one that polls before its first heartbeat. */
export function pollWaitsForRoute(view: SetView, id: BrokerId | null, context: Context): boolean {
  if (id === null) return view.unroutedSince !== null;
  const isAway = view.brokers.get(id)?.met === true && !isHeardHere(view, id, context);
  const isReplica = id !== view.record?.value.master && !view.masters.has(id) && !isScripted(view, context);
  return waitsForRoute(view, id, context) || (isReplica && isAway);
}

function awaitRoute(view: SetView, record: SetRecord, context: Context): void {
  const { now } = context.moment;
  // Of a decision under way whoever drives it looks for the route.
  const isOpen = record.decision !== null && !isRouted(view);
  const isWaiting =
    !isOpen &&
    idsOf(view).some((id) => waitsForRoute(view, id, context) && mayBeTold(view, id) && isHeardHere(view, id, context));
  if (!isWaiting) {
    view.unroutedSince = null;
    return;
  }
  view.unroutedSince ??= now;
  if (now - view.unroutedSince > rejoinRouteMsMax) {
    view.routed = { epoch: record.epoch, at: now };
    const fields = { set: view.name, epoch: record.epoch, waitedMs: rejoinRouteMsMax };
    context.emit({
      kind: "note",
      level: "warn",
      sentence: "replicas told before the name servers show the master",
      fields,
    });
    return;
  }
  if (now - view.unroutedAskAt < routeEveryMs) return;
  view.unroutedAskAt = now;
  context.emit({ kind: "readRoute", set: view.name, sentAt: now });
}

/** The answer to a readRoute. */
export function onRoute(
  view: SetView,
  { master: shown, sentAt }: Extract<SetEvent, { kind: "routeSeen" }>,
  context: Context,
): void {
  const record = view.record?.value;
  if (record === undefined || record.master === null) return;
  if (shown !== null && record.replicas[record.master]?.address === shown) {
    onRouted(view, shown);
    view.routed = { epoch: record.epoch, at: sentAt };
    return;
  }
  // A name server that was cut off hears of the master with its next registration, half a minute later.
  const { now } = context.moment;
  const ref = refOf(view, record.master);
  if (view.unroutedSince === null || ref === undefined || now - view.masterAskedAt < registerEveryMs) return;
  if (!context.isMyTurn(view.unroutedSince) || !isHeardHere(view, record.master, context)) return;
  // It reads the broker's settings, too.
  if (!context.mayReadSettings()) return;
  view.masterAskedAt = now;
  context.emit({ kind: "reregister", broker: ref });
  const fields = { set: view.name, broker: record.master, shown: shown ?? "" };
  context.emit({ kind: "note", level: "info", sentence: "master made to register again", fields });
}

/**
 * A broker that was lost and is heard again may have missed everything: it is told who is master, by every site. Not the master
 * itself: one that was paused is master still, and one that has restarted would take its old epoch, at a perhaps shorter end.
 */
function tellReturned(view: SetView, record: SetRecord, context: Context): void {
  if (record.frozen !== null && record.frozen.code !== "operator") return;
  for (const id of idsOf(view)) {
    const broker = brokerOf(view, id, context);
    if (!broker.tell || id === record.master || !mayBeTold(view, id) || view.confirmedAt !== null) continue;
    if (!waitsForRoute(view, id, context)) notify(view, id, context);
  }
}

/**
 * A replica that is heard but stays out of the in-sync set may follow an HA address that is no master's: a new registration
 * fetches the right one.
 */
function bringBack(view: SetView, record: SetRecord, context: Context): void {
  const { now } = context.moment;
  for (const id of idsOf(view)) {
    const broker = brokerOf(view, id, context);
    const isOut = id !== record.master && !record.inSync.includes(id) && isHeardHere(view, id, context);
    if (!isOut || record.decision !== null || view.confirmedAt !== null) {
      broker.outSince = null;
      continue;
    }
    broker.outSince ??= now;
    const ref = refOf(view, id);
    if (now - broker.outSince < rejoinMs || ref === undefined) continue;
    broker.outSince = now;
    context.emit({ kind: "reregister", broker: ref });
    context.emit({
      kind: "note",
      level: "warn",
      sentence: "replica made to register again",
      fields: { set: view.name, broker: id, outForMs: rejoinMs },
    });
  }
}
