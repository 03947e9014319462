import type { CandidateFacts, DecisionRecord } from "../core/model.ts";
import { encodeDecision } from "../core/records.ts";
import type { DecisionReport, DecisionSummary } from "./api.ts";
import { timeText } from "./report.ts";
import { reportEffects } from "./report-set.ts";

export function summarizeDecision(decision: DecisionRecord): DecisionSummary {
  const { id, input, verdict, decidedBy, at } = decision;
  return {
    id,
    kind: input.kind,
    at: timeText(at),
    decidedBy,
    from: input.master,
    to: verdict.winner,
    epoch: verdict.epoch,
    why: verdict.why,
    ...reportEffects(decision),
  };
}

/** With the record as it stands in the ledger: 64-bit numbers are decimal texts there, too. */
export function reportDecision(decision: DecisionRecord): DecisionReport {
  return { ...summarizeDecision(decision), record: JSON.parse(encodeDecision(decision)) };
}

/** Who saw what and when, from the record alone (I11). */
export function explainDecision({ id, input, verdict, decidedBy, at, effects }: DecisionRecord): string[] {
  const { question, answers, candidates, master } = input;
  const from = question?.at ?? at;
  const line = (when: number, text: string): string =>
    `${`+${((when - from) / 1_000).toFixed(3)} s`.padStart(10)}  ${text}`;
  const lines = [`${id}: broker ${master ?? "none"} -> broker ${verdict.winner}, ${input.kind}`];
  if (question !== null) {
    lines.push(
      line(question.at, `${question.askedBy} asks about broker ${question.master}, master of epoch ${question.epoch}`),
    );
    for (const answer of answers.toSorted((one, other) => one.at - other.at)) {
      lines.push(line(answer.at, `${answer.site} says ${answer.master.verdict}: ${answer.master.evidence}`));
    }
    for (const site of input.sites.filter((name) => !answers.some((answer) => answer.site === name))) {
      lines.push(`${"".padStart(10)}  ${site} has not answered`);
    }
  }
  for (const candidate of candidates) {
    const why = verdict.rejected.find((one) => one.id === candidate.id);
    const outcome =
      candidate.id === verdict.winner
        ? "elected"
        : `not elected, ${why?.reason ?? "not considered"}: ${why?.detail ?? ""}`;
    lines.push(line(at, `broker ${candidate.id} (${candidate.idc}, ${stateOf(candidate)}): ${outcome}`));
  }
  lines.push(line(at, `${decidedBy} decides: ${verdict.why}`));
  const lag = verdict.knownLag;
  if (lag !== null)
    lines.push(
      line(
        at,
        lag === 0n
          ? "nothing that the old master had told of is lost"
          : `${lag} bytes that the old master had told of are lost`,
      ),
    );
  for (const [name, effect] of Object.entries(effects).toSorted(([, one], [, other]) => one.at - other.at)) {
    lines.push(line(effect.at, `${name} (${effect.site}): ${effect.detail}`));
  }
  return lines;
}

function stateOf({ inSync, confirmed, reading }: CandidateFacts): string {
  const membership = inSync ? (confirmed ? "in sync" : "in sync, unconfirmed") : "not in sync";
  return `${membership}, ${reading === null ? "not read" : `epoch ${reading.epoch}, offset ${reading.maxOffset}`}`;
}
