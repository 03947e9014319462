import type { DecisionRecord } from "../core/decision.ts";
import { encodeDecision } from "../core/decision-records.ts";
import type { DecisionReport, DecisionSummary } from "./api-decisions.ts";
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
