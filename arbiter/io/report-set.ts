import { brokerOf, idsOf, isHeardHere, viewHere } from "../core/brokers.ts";
import type { Context } from "../core/context.ts";
import { type DecisionRecord, effectsOf } from "../core/decision.ts";
import { mostReported } from "../core/evidence.ts";
import type { AnswerRecord, BrokerId, QuestionId, SetPolicy, SetRecord, SwitchRecord } from "../core/model.ts";
import { blockedBy, phaseOf, type SetView } from "../core/set-view.ts";
import type { DecisionSummary } from "./api-decisions.ts";
import type { BrokerReport, PolicyReport, SetReport } from "./api-sets.ts";
import { isPresent, summarize, timeText } from "./report.ts";

/** All that this site knows of one set: what the ledger says, what it hears, and what is under way. */
export function reportSet(view: SetView, context: Context): SetReport {
  const { record, question, decision } = view;
  const blocked = phaseOf(view) === "blocked" ? blockedBy(view) : null;
  return {
    ...summarize(view, context),
    revision: String(record?.revision ?? 0n),
    inSyncEpoch: record?.value.inSyncEpoch ?? 0,
    policy: reportPolicy(context.policyOf(view)),
    question:
      question === null
        ? null
        : {
            id: question.value.id,
            askedBy: question.value.askedBy,
            at: timeText(question.value.at),
            epoch: question.value.epoch,
            master: question.value.master,
            answers: answersTo(view, question.value.id).map(({ site, master, at }) => ({
              site,
              ...master,
              at: timeText(at),
              present: isPresent(context, site),
            })),
          },
    blocked:
      blocked === null
        ? null
        : {
            reason: blocked.reason,
            why: blocked.why,
            site: blocked.site,
            at: timeText(blocked.at),
            rejected: blocked.rejected.map((one) => ({ ...one })),
          },
    brokers: record === null ? [] : idsOf(view).map((id) => reportBroker(id, view, record.value, context)),
    decision:
      decision === null || record?.value.decision !== decision.value.id
        ? null
        : { id: decision.value.id, ...reportEffects(decision.value) },
    switch: view.planned === null ? null : reportSwitch(view.planned.value),
    failoversAt: (record?.value.failoversAt ?? []).map(timeText),
  };
}

/** Those to earlier questions stand until they are replaced. */
function answersTo({ answers }: SetView, question: QuestionId): AnswerRecord[] {
  return [...answers.values()].map(({ value }) => value).filter((answer) => answer.question === question);
}

function reportBroker(id: BrokerId, view: SetView, record: SetRecord, context: Context): BrokerReport {
  const { evidence, settings } = brokerOf(view, id, context);
  const reported = mostReported(evidence);
  const isMaster = id === record.master;
  const seen = viewHere(view, id, isMaster && view.question !== null, context);
  const own = context.options.site;
  const others = [...context.mirror.sites.values()]
    .filter(({ value: { site, unheard } }) => site !== own && unheard.includes(`${view.name}/${id}`))
    .map(({ value: { site } }) => site)
    .filter((site) => isPresent(context, site));
  const unheardBy = isHeardHere(view, id, context) ? others : [own, ...others];
  return {
    id,
    address: record.replicas[id]?.address ?? "",
    idc: context.idcOf(view, id),
    role: roleOf(id, record),
    verdict: seen.verdict,
    evidence: seen.evidence,
    unheardBy: unheardBy.toSorted(),
    reported: reported === null ? null : { epoch: reported.epoch, maxOffset: String(reported.maxOffset) },
    settings: settings === null ? null : { ...settings },
  };
}

function roleOf(id: BrokerId, { master, inSync, unconfirmed }: SetRecord): BrokerReport["role"] {
  if (id === master) return "master";
  if (!inSync.includes(id)) return "out";
  return unconfirmed.includes(id) ? "unconfirmed" : "in-sync";
}

function reportSwitch({ id, from, to, reason, askedBy, at, stage, outcome }: SwitchRecord): SetReport["switch"] {
  return { id, from, to, reason, askedBy, at: timeText(at), stage, outcome };
}

export function reportPolicy({ maxLostBytes, preferIdcs, ...rest }: SetPolicy): PolicyReport {
  return { ...rest, maxLostBytes: String(maxLostBytes), preferIdcs: [...preferIdcs] };
}

/** What is done, in the order it was done in, and what is not. */
export function reportEffects({ input, effects }: DecisionRecord): Pick<DecisionSummary, "effects" | "open"> {
  const names = effectsOf(input.kind);
  const done = names.flatMap((effect) => {
    const found = effects[effect];
    return found === undefined ? [] : [{ effect, ...found }];
  });
  return {
    effects: done.toSorted((one, other) => one.at - other.at).map((one) => ({ ...one, at: timeText(one.at) })),
    open: names.filter((effect) => effects[effect] === undefined),
  };
}
