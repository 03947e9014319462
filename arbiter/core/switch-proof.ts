import { brokerOf, candidatesOf, isHeardHere, probe, readRole } from "./brokers.ts";
import { commitDecision, inputOf, viewFromHere } from "./commit-decision.ts";
import type { Context } from "./context.ts";
import { decide } from "./decide.ts";
import type { DecisionRecord } from "./decision.ts";
import { encodeDecision } from "./decision-records.ts";
import type { SetEvent } from "./events.ts";
import { figure } from "./figures.ts";
import { decisionKey } from "./keys.ts";
import type { BrokerId, OffsetReading, SetRecord, Stored, SwitchRecord } from "./model.ts";
import type { SetView } from "./set-view.ts";
import { compareMsMax, levelMsMax } from "./timing.ts";

/**
 * The proof of a switch: read after it has begun its demotion, when it appends nothing any more, the old master has no more than the new one. If
 * it has, or the new one is gone, the switch is taken back, and nobody was promoted.
 */

/**
 * May the ends be compared? The old master has answered its demotion; or it says that it takes no messages any more, which it does
 * long before: so the comparison, and its record, are done while it is still changing.
 */
export function mayCompare(
  view: SetView,
  { value, seenAt }: NonNullable<SetView["decision"]>,
  context: Context,
): boolean {
  const { effects } = view;
  const { planned } = value.input;
  if (effects.demoted !== null) return true;
  if (planned === null || effects.demoteSentAt === null) return false;
  const { role } = brokerOf(view, planned.from, context);
  if (role !== null && role.sentAt >= seenAt && !role.isMaster) return true;
  readRole(view, planned.from, context);
  return false;
}

export function onRole(
  view: SetView,
  { broker: { id }, sentAt, isMaster }: Extract<SetEvent, { kind: "roleSeen" }>,
  context: Context,
): void {
  const broker = brokerOf(view, id, context);
  broker.readingRole = false;
  if (isMaster !== null) broker.role = { isMaster, sentAt };
}

export function compareEnds(
  view: SetView,
  record: SetRecord,
  decision: Stored<DecisionRecord>,
  context: Context,
): void {
  const { effects } = view;
  const { now } = context.moment;
  const { planned } = decision.value.input;
  if (planned === null || view.busy) return;
  effects.comparingSince ??= now;
  const since = effects.comparingSince;
  const sinceMs = now - since;
  const { from, to } = planned;
  const [old, named] = [from, to].map((id) => readSince(view, id, since, context));
  if (old != null && named != null) {
    const lead = old.maxOffset - named.maxOffset;
    if (lead <= 0n) effects.compared = `both end at ${figure(named.maxOffset)}`;
    // What was on its way to the new one may still arrive.
    else if (sinceMs > levelMsMax) takeBack(view, record, decision, planned, context);
  } else if (named != null) {
    if (sinceMs > compareMsMax || !isHeardHere(view, from, context))
      effects.compared = `broker ${from} could not be read again; it refused messages when both ended at ${endText(decision.value, to)}`;
  } else if (sinceMs > compareMsMax) {
    if (old != null) takeBack(view, record, decision, planned, context);
    else
      effects.compared = `neither could be read again; broker ${from} refused messages when both ended at ${endText(decision.value, to)}`;
  }
}

function readSince(view: SetView, id: BrokerId, since: number, context: Context): OffsetReading | null {
  const { reading } = brokerOf(view, id, context);
  if (reading !== null && reading.sentAt >= since) return reading.value;
  probe(view, id, context, since);
  return null;
}

function endText({ input }: DecisionRecord, id: BrokerId): string {
  const reading = input.candidates.find((candidate) => candidate.id === id)?.reading;
  return reading == null ? "the same" : figure(reading.maxOffset);
}

function takeBack(
  view: SetView,
  record: SetRecord,
  decision: Stored<DecisionRecord>,
  planned: SwitchRecord,
  context: Context,
): void {
  const { value, revision } = decision;
  const { from, to, reason } = planned;
  const since = view.effects.comparingSince ?? context.moment.now;
  const input = inputOf(view, record, context, {
    kind: "switch-back",
    planned: { ...planned, stage: "restoring", decided: value.verdict.epoch },
    answers: [],
    candidates: candidatesOf(view, [viewFromHere(view, context)], since, context),
    gathered: true,
    designated: from,
    forced: false,
    reason,
  });
  const verdict = decide(input);
  if (verdict.kind === "refuse") return;
  const { site } = context.options;
  const compared = { site, at: context.moment.wall, detail: `broker ${to} was not promoted: ${verdict.why}` };
  const ended: DecisionRecord = { ...value, effects: { ...value.effects, compared } };
  const key = decisionKey(value.id);
  commitDecision(view, input, verdict, [], context, {
    also: {
      compares: [{ key, revision }],
      puts: [{ key, text: encodeDecision(ended), onLease: false }],
    },
  });
}
