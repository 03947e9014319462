import type { Instant } from "#lib/clock.ts";
import { brokerOf, idsOf, isDownHere, isHeardHere, notify, refOf, servesHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { DecisionRecord, EffectName, EffectRecord } from "./decision.ts";
import { effectsOf } from "./decision.ts";
import { encodeDecision } from "./decision-records.ts";
import { awaitFence } from "./fence.ts";
import { decisionKey, refusalKey, setKey } from "./keys.ts";
import { isThere } from "./leader.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import { encodeSet } from "./records.ts";
import { isFenceAwaited, needsFence } from "./scripted.ts";
import type { EffectsState, SetView } from "./set-view.ts";
import { compareEnds, mayCompare } from "./switch-proof.ts";
import { canaryWaitMsMax, newsMsMax, routeWaitMsMax, switchDemoteMsMax } from "./timing.ts";

/**
 * What follows a committed decision: demote the old master, promote the new one, wait until the route shows it, tell the other
 * replicas, prove that it serves. Each step can be done twice without harm, since brokers obey rising epochs only; each is
 * written into the decision when it is done, so that any site goes on where another stopped.
 */

const routeEveryMs = 100;
const canaryEveryMs = 400;
/** How long the other replicas' answers are waited for. */
const tellMsMax = 2_000;
/** A promotion that is not answered for so long is another site's turn too. */
const turnAgainMs = 3_000;

export function driveEffects(view: SetView, context: Context): void {
  const { decision } = view;
  const record = view.record?.value;
  if (record === undefined || decision === null || record.decision !== decision.value.id || record.frozen !== null)
    return;
  const { effects } = view;
  // What another site has done counts as done.
  const { kind } = decision.value.input;
  for (const name of effectsOf(kind)) effects[name] ??= decision.value.effects[name]?.detail ?? null;
  fenceOld(view, decision.value, context);
  if (!mayDrive(view, decision, context)) return;

  if (effects.demoted === null) demote(view, record, effects, context);
  if (kind === "switch" && effects.compared === null && mayCompare(view, decision, context)) {
    compareEnds(view, record, decision, context);
  }
  const isFenced = effects.demoted !== null && !isFenceAwaited(view, context);
  if (isFenced && mayBePromoted(decision.value) && effects.promoted === null) {
    promote(view, record, effects, context);
  }
  if (effects.promoted !== null && effects.routed === null) awaitRoute(view, effects, context);
  if (effects.routed !== null && effects.told === null) tellOthers(view, record, effects, context);
  if (effects.promoted !== null && effects.proven === null) prove(view, record, effects, context);
  write(view, context);
}

type SeenDecision = NonNullable<SetView["decision"]>;

/**
 * Whoever decided goes on at once: it knows best that the new master is there. As long as it is there the others leave it the first
 * turn: a new master that two tell of its promotion, and that restarts in between, would be promoted twice in one epoch.
 */
function mayDrive(view: SetView, decision: SeenDecision, context: Context): boolean {
  const { site, timing } = context.options;
  const { decidedBy } = decision.value;
  if (isDecidedHere(view, decision.value, context)) return true;
  const sinceMs = context.moment.now - decision.seenAt;
  if (decidedBy !== site && sinceMs < timing.leaderSilentMs && isThere(decidedBy, context)) return false;
  return context.isMyTurn(turnSince(decision, view.effects, context), view);
}

/** By this process: it knows what it rested on. */
function isDecidedHere({ decided }: SetView, { decidedBy, verdict }: DecisionRecord, { options }: Context): boolean {
  return decidedBy === options.site && decided?.epoch === verdict.epoch;
}

/** From when on the sites take their turns: anew whenever a step was done. */
function turnSince(decision: SeenDecision, effects: EffectsState, { moment }: Context): Instant {
  const since = effects.promotedAt ?? decision.seenAt;
  return moment.now - since > turnAgainMs ? since : decision.seenAt;
}

/** Every site tells the old master that it reaches, whoever drives: its own IDC may be the only one that does. */
function fenceOld(view: SetView, { input, verdict }: DecisionRecord, context: Context): void {
  const { master: old } = input;
  if (old === null || old === verdict.winner) return;
  const broker = brokerOf(view, old, context);
  if (broker.notified >= verdict.epoch || refOf(view, old) === undefined) return;
  if (view.effects.demoteSentAt !== null && !broker.tell) return;
  if (notify(view, old, context)) view.effects.demoteSentAt ??= context.moment.now;
}

function demote(view: SetView, record: SetRecord, effects: EffectsState, context: Context): void {
  if (view.decision === null) return;
  const { value, seenAt: decidedAt } = view.decision;
  const { input, verdict } = value;
  const { master: old } = input;
  if (old === null || old === verdict.winner) {
    effects.demoted = "there was no other master";
    return;
  }
  if (needsFence(view, value, context)) {
    awaitFence(view, old, record, context);
    return;
  }
  const { notified, notifying } = brokerOf(view, old, context);
  // Of a switch the old master is there, and refuses messages anyway: its answer is worth waiting for.
  const isPatient = input.kind === "switch" && isHeardHere(view, old, context);
  const patienceMs = isPatient ? switchDemoteMsMax : context.options.timing.demoteFirstMs;
  if (isPatient && !notifying && notified < record.epoch) notify(view, old, context);
  const sinceMs = context.moment.now - (effects.demoteSentAt ?? decidedAt);
  if (notified >= record.epoch) effects.demoted = `broker ${old} answered: it refuses messages`;
  else if (effects.demoteSentAt !== null && isDownHere(view, old, context))
    effects.demoted = `broker ${old} answers nothing here: it was told, and is not waited for`;
  else if (!isPatient && !notifying && effects.demoteSentAt !== null)
    effects.demoted = `broker ${old} cannot be reached`;
  else if (sinceMs >= patienceMs) effects.demoted = `broker ${old} did not answer in ${patienceMs} ms`;
}

function promote(view: SetView, record: SetRecord, effects: EffectsState, context: Context): void {
  const { master } = record;
  if (master === null) return;
  if (mayHaveServed(view, context)) return;
  const { notified } = brokerOf(view, master, context);
  // Who is not heard may have served, and have restarted, without this site's hearing of it.
  if (notified < record.epoch && !isHeardHere(view, master, context)) return;
  if (notified >= record.epoch) {
    const { raisedAt } = view.barrier;
    const isSwitch = raisedAt !== null && view.planned?.value.decided === record.epoch;
    const since = isSwitch
      ? `, ${Math.round(context.moment.now - raisedAt)} ms after the old master began to refuse`
      : "";
    effects.promoted = `broker ${master} answered${since}`;
    effects.promotedAt = context.moment.now;
    return;
  }
  notify(view, master, context);
}

/**
 * The new master may have answered its 1008, been master, and have restarted since: told again it would be master a second time in
 * one epoch, at a perhaps shorter end. This site can tell only what has happened since it was there, and it learns late.
 */
function mayHaveServed(view: SetView, context: Context): boolean {
  const { decision, decided, restartedAt } = view;
  const record = view.record?.value;
  if (record === undefined || record.master === null || decision === null) return false;
  const { sameSince } = brokerOf(view, record.master, context);
  const isOwn = decided !== null && isDecidedHere(view, decision.value, context);
  const since = isOwn ? decided.readAt : decision.seenAt - newsMsMax;
  const lastAt = Math.max(restartedAt ?? 0, sameSince);
  return lastAt > since && !servesHere(view, record.master, lastAt as Instant, context);
}

/** It was lost, or nobody may promote it: a further epoch settles it. Another site may know better, so that waits for a while. */
export function isPromotionLost(view: SetView, context: Context): boolean {
  const { record, decision, effects, restartedAt } = view;
  if (record === null || decision === null || record.value.decision !== decision.value.id) return false;
  if (effects.promoted !== null || decision.value.effects.promoted !== undefined || record.value.master === null)
    return false;
  const isSeen = restartedAt !== null || brokerOf(view, record.value.master, context).sameSince > decision.seenAt;
  return (isSeen || context.moment.now - decision.seenAt > turnAgainMs) && mayHaveServed(view, context);
}

function awaitRoute(view: SetView, effects: EffectsState, context: Context): void {
  const { now } = context.moment;
  effects.promotedAt ??= now;
  if (now - effects.promotedAt > routeWaitMsMax) {
    effects.routed = `no name server shows it after ${routeWaitMsMax} ms`;
    return;
  }
  if (effects.routeReadAt !== null && now - effects.routeReadAt < routeEveryMs) return;
  effects.routeReadAt = now;
  context.emit({ kind: "readRoute", set: view.name, sentAt: now });
}

/** The name servers show the recorded master. */
export function onRouted({ effects }: SetView, address: string): void {
  if (effects.promoted !== null) effects.routed ??= `the name servers show ${address}`;
}

/** Only now: a slave fetches the master's HA address at the moment of its 1008, and asks again half a minute later. */
function tellOthers(view: SetView, record: SetRecord, effects: EffectsState, context: Context): void {
  const { now } = context.moment;
  effects.toldSince ??= now;
  const others = idsOf(view).filter((id) => id !== record.master && isHeardHere(view, id, context));
  const open = others.filter((id) => brokerOf(view, id, context).notified < record.epoch);
  for (const id of open) notify(view, id, context);
  if (open.length === 0)
    effects.told = others.length === 0 ? "no other replica is heard" : `brokers ${others.join(", ")} answered`;
  else if (now - effects.toldSince > tellMsMax)
    effects.told = `brokers ${open.join(", ")} did not answer in ${tellMsMax} ms`;
}

function prove(view: SetView, record: SetRecord, effects: EffectsState, context: Context): void {
  const { now } = context.moment;
  if (!context.options.canary) {
    effects.proven = "the canary is switched off";
    return;
  }
  effects.canarySince ??= now;
  if (now - effects.canarySince > canaryWaitMsMax) {
    effects.proven = `no message was accepted and read back in ${canaryWaitMsMax} ms`;
    return;
  }
  const address = record.master === null ? undefined : record.replicas[record.master]?.address;
  if (
    address === undefined ||
    effects.canarying ||
    (effects.canaryAt !== null && now - effects.canaryAt < canaryEveryMs)
  )
    return;
  effects.canarying = true;
  effects.canaryAt = now;
  context.emit({ kind: "canary", set: view.name, epoch: record.epoch, address });
}

/** The answer to a canary. */
export function onCanary(view: SetView, epoch: number, ok: boolean, detail: string): void {
  if (view.effects.epoch !== epoch) return;
  view.effects.canarying = false;
  if (ok) view.effects.proven ??= detail;
}

/** Makes durable what is done; the last step also takes the decision off the record. */
function write(view: SetView, context: Context): void {
  const { decision, record, effects, name } = view;
  if (decision === null || record === null || view.busy) return;
  const names = effectsOf(decision.value.input.kind);
  const done = names.filter((effect) => effects[effect] !== null);
  const isOver = done.length === names.length;
  const isOwed = (effect: EffectName): boolean =>
    effects[effect] !== null && decision.value.effects[effect] === undefined;
  // Three writes a decision: promoted, told, all; and before them what a promotion waits for. A demotion alone is not worth one, a fence is.
  const isFence = isOwed("demoted") && needsFence(view, decision.value, context);
  const isDue = isFence || isOwed("compared") || isOwed("promoted") || isOwed("told") || isOver;
  if (done.length === effects.written || !isDue) return;
  const { site } = context.options;
  const record_ = (effect: EffectName): EffectRecord =>
    decision.value.effects[effect] ?? { site, at: context.moment.wall, detail: effects[effect] ?? "" };
  const next: DecisionRecord = {
    ...decision.value,
    effects: Object.fromEntries(done.map((effect) => [effect, record_(effect)])),
  };
  view.busy = true;
  const { epoch } = effects;
  context.commit(
    {
      compares: [
        { key: decisionKey(decision.value.id), revision: decision.revision },
        ...(isOver ? [{ key: setKey(name), revision: record.revision }] : []),
      ],
      puts: [
        { key: decisionKey(decision.value.id), text: encodeDecision(next), onLease: false },
        ...(isOver
          ? [{ key: setKey(name), text: encodeSet({ ...record.value, decision: null }), onLease: false }]
          : []),
      ],
      deletes: isFence ? [refusalKey(name)] : [],
    },
    (ending, then) => {
      view.busy = false;
      if (ending !== "committed" || view.effects.epoch !== epoch) return;
      view.effects.written = done.length;
      if (!isOver) return;
      then.emit({
        kind: "note",
        level: "info",
        sentence: "decision carried out",
        fields: {
          set: name,
          decisionId: decision.value.id,
          ...Object.fromEntries(done.map((effect) => [effect, effects[effect]])),
        },
      });
    },
  );
}

/** Of a switch nobody is, before it is on record that nothing is lost: else it could be taken back meanwhile. */
function mayBePromoted({ input, effects }: DecisionRecord): boolean {
  return input.kind !== "switch" || effects.compared !== undefined;
}

/** May this broker be told who is master? The winner at once (of a switch: when nothing is lost), the old master too, the others when the route shows the new one. */
export function mayBeTold(view: SetView, id: BrokerId | null): boolean {
  const record = view.record?.value;
  if (record === undefined || record.decision === null) return true;
  if (id !== null && id === record.master) return view.decision !== null && mayBePromoted(view.decision.value);
  if (id !== null && id === view.decision?.value.input.master) return true;
  return isRouted(view);
}

/** The name servers show the master of the record's decision, as this site or the decision says. */
export function isRouted({ effects, decision }: SetView): boolean {
  return effects.routed !== null || decision?.value.effects.routed !== undefined;
}
