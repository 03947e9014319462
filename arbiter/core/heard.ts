import type { Instant } from "#lib/clock.ts";
import { brokerOf, isHeardHere, notify, servesHere, welcome } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { Heartbeat } from "./controller-messages.ts";
import { driveSet } from "./drive-set.ts";
import { mayBeTold } from "./effects.ts";
import type { ConnectionId, Event } from "./events.ts";
import { onClosed, onHeartbeat, onLateHeartbeat, onProbed } from "./evidence.ts";
import { freezeIfBehind, freezeIfTwice } from "./freezes.ts";
import { type Inner, setsMax } from "./inner.ts";
import { viewOfSet } from "./mirror-records.ts";
import { setName } from "./model.ts";

/** What arrives from brokers, but for their requests: heartbeats, ends of connections, answers to probes and to 1008. */

export function heard(connection: ConnectionId, heartbeat: Heartbeat, state: Inner, context: Context): void {
  const { mirror, moment, options } = context;
  if (!options.clusters.includes(heartbeat.cluster)) return;
  const name = setName(heartbeat.cluster, heartbeat.set);
  const known = mirror.sets.get(name);
  if (known === undefined && mirror.sets.size >= setsMax) return;
  const view = known ?? viewOfSet(mirror, name, moment.now);
  const { id } = heartbeat;
  state.bindings.set(connection, { set: name, id });
  if (freezeIfTwice(view, heartbeat, context)) return;
  const broker = brokerOf(view, id, context);
  if (state.stall !== null && context.isDraining()) {
    broker.evidence = onLateHeartbeat(broker.evidence, { ...heartbeat, connection }, state.stall.since);
    return;
  }
  const wasHeard = isHeardHere(view, id, context);
  broker.beatFrom = heartbeat.address;
  if (!wasHeard || broker.evidence.connection !== connection) broker.sameSince = moment.now;
  broker.evidence = onHeartbeat(broker.evidence, { ...heartbeat, connection }, moment.now);
  if (options.idcOf(heartbeat.address, heartbeat.set) !== options.site) state.outsideAt = moment.now;
  freezeIfBehind(view, heartbeat.epoch, context);
  if (wasHeard || view.record === null) {
    broker.met = true;
    return;
  }
  welcome(view, broker, context);
  broker.notified = 0;
  broker.notifyAt = moment.now;
  driveSet(view, context);
}

export function closed(connection: ConnectionId, state: Inner, context: Context): void {
  const { mirror, moment } = context;
  const bound = state.bindings.get(connection);
  state.bindings.delete(connection);
  const view = bound === undefined ? undefined : mirror.sets.get(bound.set);
  if (bound === undefined || view === undefined) return;
  const broker = brokerOf(view, bound.id, context);
  if (broker.evidence.connection === connection) broker.sameSince = moment.now;
  broker.evidence = onClosed(broker.evidence, connection, moment.now);
  driveSet(view, context);
}

export function probed(
  { broker: ref, outcome, sentAt }: Extract<Event, { kind: "probed" }>,
  state: Inner,
  context: Context,
): void {
  const { mirror, moment, options } = context;
  const view = mirror.sets.get(ref.set);
  if (view === undefined) return;
  const broker = brokerOf(view, ref.id, context);
  broker.probing = broker.probing.filter((at) => at !== sentAt);
  const isOld = state.stall !== null && sentAt < state.stall.until;
  if (outcome.kind === "untried" || isOld) return;
  if (outcome.kind === "refused") broker.sameSince = moment.now;
  const wasHeard = isHeardHere(view, ref.id, context);
  broker.evidence = onProbed(broker.evidence, outcome, sentAt, moment.now);
  if (outcome.kind === "answered") {
    if (broker.reading === null || broker.reading.sentAt < sentAt)
      broker.reading = { value: outcome.reading, acting: outcome.acting, sentAt };
    const isMaster = view.record?.value.master === ref.id;
    if (isMaster && view.restartedAt !== null && servesHere(view, ref.id, view.restartedAt, context))
      view.restartedAt = null;
    if (!outcome.acting && !isMaster && sentAt >= view.epochSeenAt) view.masters.delete(ref.id);
    if (!wasHeard) {
      welcome(view, broker, context);
      // Whoever answers now has told all that is read here.
      broker.sameSince = Math.max(broker.sameSince, sentAt) as Instant;
    }
  }
  const isOutside = options.idcOf(ref.address, view.set) !== options.site;
  if (isOutside && (outcome.kind === "answered" || outcome.kind === "failed")) state.outsideAt = moment.now;
  driveSet(view, context);
}

export function notified(event: Extract<Event, { kind: "notified" }>, context: Context): void {
  const view = context.mirror.sets.get(event.broker.set);
  if (view === undefined) return;
  const broker = brokerOf(view, event.broker.id, context);
  broker.notifying = false;
  broker.notifyEnded = { epoch: event.epoch, detail: event.detail };
  if (event.answered) broker.notified = Math.max(broker.notified, event.epoch);
  const fields = {
    set: view.name,
    broker: event.broker.id,
    epoch: event.epoch,
    answered: event.answered,
    detail: event.detail,
  };
  context.emit({ kind: "note", level: "debug", sentence: "broker told who is master", fields });
  const { id } = event.broker;
  const record = view.record?.value;
  // It was told of an epoch that is over. A new master is promoted as an effect, and others wait for the route.
  const isBehind = event.answered && record !== undefined && event.epoch < record.epoch && id !== record.master;
  if (isBehind && mayBeTold(view, id)) notify(view, id, context);
  driveSet(view, context);
}
