import type { Instant } from "#lib/clock.ts";
import { asked } from "./asked.ts";
import { considerWishes, expireAsks } from "./asks.ts";
import { sendAudited } from "./audited.ts";
import { beat } from "./beat.ts";
import { stallAll } from "./brokers.ts";
import type { ArbiterOptions, Context, Moment } from "./context.ts";
import { afterChange, afterKey, driveSet } from "./drive-set.ts";
import { onCanary } from "./effects.ts";
import { ended } from "./ended.ts";
import type { Command, Event, SetEvent } from "./events.ts";
import { closed, heard, notified, probed } from "./heard.ts";
import { type ArbiterState, contextOf, type Inner, isDraining, newInner, noteTold } from "./inner.ts";
import { change, load } from "./mirror.ts";
import { onOperator } from "./operator.ts";
import { prove } from "./prove.ts";
import { onRoute } from "./rejoin.ts";
import { isAtRest, noteWorld, restOf } from "./rest.ts";
import { noteHistory } from "./restored.ts";
import { bringHome } from "./returns.ts";
import { onRole } from "./switch-proof.ts";
import { onBarrier } from "./switch-restore.ts";
import { probeSiteEveryMs, stallMs } from "./timing.ts";
import { onInSync, onSettings } from "./upkeep.ts";

/** What one site's arbiter thinks. Given the same events at the same moments it gives the same commands, to the byte. */
export interface ArbiterCore {
  /** Takes one event in; what it gives is to be carried out in order, and heard of again as events. */
  step(event: Event, moment: Moment): readonly Command[];
  readonly state: ArbiterState;
  /** For reports: the same questions that the core asks itself. */
  context(moment: Moment): Context;
}

export function createArbiterCore(options: ArbiterOptions): ArbiterCore {
  const state = newInner();
  let commands: Command[] = [];
  const context = contextOf(options, state, (command) => void commands.push(command));
  return {
    state,
    context(moment) {
      context.moment = moment;
      return context;
    },
    step(event, moment) {
      commands = [];
      context.moment = moment;
      // Sockets may tell before the shell has noticed that it stood still.
      if (state.steppedAt !== null && moment.now - state.steppedAt > stallMs) onStall(state, state.steppedAt, context);
      state.steppedAt = moment.now;
      take(event, state, context);
      sendAudited(state, context);
      return commands;
    },
  };
}

function take(event: Event, state: Inner, context: Context): void {
  const { mirror, moment } = context;
  const { now } = moment;
  switch (event.kind) {
    case "tick":
      tick(state, context);
      return;
    case "heartbeat":
      heard(event.connection, event.beat, state, context);
      return;
    case "closed":
      closed(event.connection, state, context);
      return;
    case "asked":
      asked(event, state, context);
      return;
    case "operator":
      onOperator(event, context);
      return;
    case "ledger":
      mirror.etcd = event.etcd ?? null;
      load(mirror, event.entries, event.revision, now);
      noteTold(state);
      for (const view of mirror.sets.values()) afterChange(view, context);
      return;
    case "changed":
      // A beat that waited through a stall says only that its site was there at some time since.
      change(mirror, event.key, event.text, event.revision, now, isDraining(state, now) ? state.stall?.since : now);
      noteTold(state);
      afterKey(event.key, context);
      return;
    case "committed":
    case "outdated":
    case "unanswered":
      ended(event, state, context);
      return;
    case "probed":
      probed(event, state, context);
      return;
    case "siteProbed":
      if (event.reached && !isDraining(state, now)) state.outsideAt = now;
      return;
    case "notified":
      notified(event, context);
      return;
    case "stalled":
      onStall(state, (now - event.ms) as Instant, context);
      return;
    default:
      answered(event, context);
  }
}

/** What was said meanwhile is not known yet, and what was known may be out of date. */
function onStall(state: Inner, since: Instant, context: Context): void {
  state.stall = { since, until: context.moment.now };
  state.currentAt = null;
  state.untold = [];
  for (const view of context.mirror.sets.values()) stallAll(view, since, context);
}

function answered(event: SetEvent, context: Context): void {
  const view = context.mirror.sets.get("broker" in event ? event.broker.set : event.set);
  if (view === undefined) return;
  switch (event.kind) {
    case "routeSeen":
      onRoute(view, event, context);
      break;
    case "canaried":
      onCanary(view, event.epoch, event.ok, event.detail);
      break;
    case "inSyncSeen":
      onInSync(view, event.inSyncEpoch, event.count, context);
      return;
    case "settingsSeen":
      onSettings(view, event, context);
      break;
    case "roleSeen":
      onRole(view, event, context);
      break;
    case "barrierRaised":
    case "barrierLowered":
      onBarrier(view, event, context);
      break;
  }
  driveSet(view, context);
}

function tick(state: Inner, context: Context): void {
  const { mirror, options, moment } = context;
  beat(state, context);
  noteHistory(state, context);
  noteWorld(state, context);
  for (const view of mirror.sets.values()) {
    if (isAtRest(view, state, context)) continue;
    considerWishes(view, context);
    expireAsks(view, context);
    driveSet(view, context);
    view.rest = restOf(view, context);
  }
  prove(state, context);
  bringHome(state, context);
  const isDue = state.sitesProbedAt === null || moment.now - state.sitesProbedAt >= probeSiteEveryMs;
  if (!isDue) return;
  state.sitesProbedAt = moment.now;
  for (const { value } of mirror.sites.values()) {
    if (value.site !== options.site)
      context.emit({ kind: "probeSite", site: value.site, controller: value.controller });
  }
}
