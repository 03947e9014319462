import { majorityOf } from "./confirm.ts";
import { decide } from "./decide.ts";
import type { CandidateFacts, DecisionInput, DecisionKind, DecisionRecord, DecisionVerdict } from "./decision.ts";
import { effectsOf } from "./decision.ts";
import { bytesText, figure, listText, millisText, progressText, timeText } from "./figures.ts";
import type { AnswerRecord, SetPolicy } from "./model.ts";

/** A decision for people: who saw what when, who could be elected and why not, who was, and what came of it (I11). */
export function explainDecision(record: DecisionRecord): string[] {
  const { input, verdict } = record;
  return [
    `Decision ${record.id}: broker ${verdict.winner} is master of epoch ${verdict.epoch}`,
    `  ${kindText[input.kind]}; decided by ${record.decidedBy} at ${timeText(record.at)}`,
    ...(input.reason === "" ? [] : [`  reason: ${input.reason}`]),
    `Before: ${beforeText(input)}`,
    ...questionLines(input, record.at),
    ...switchLines(input),
    "Brokers:",
    ...input.candidates.flatMap((candidate) => candidateLines(candidate, input, verdict)),
    `Policy: ${policyText(input)}`,
    `Why: ${verdict.why}`,
    "Effects:",
    ...effectLines(record),
  ];
}

/**
 * Decides again from the record alone. `same`: the verdict is the recorded one, to the byte. With another policy: what would
 * have been.
 */
export function replayDecision(
  record: DecisionRecord,
  policy?: SetPolicy,
): { readonly same: boolean; readonly verdict: DecisionVerdict } {
  const verdict = decide(policy === undefined ? record.input : { ...record.input, policy });
  return { same: isSame(verdict, record.verdict), verdict };
}

const kindText: Readonly<Record<DecisionKind, string>> = {
  "first-master": "the first master of the set",
  failover: "a failover",
  restart: "the master had restarted",
  switch: "a planned switch",
  "switch-back": "a planned switch, taken back",
  recover: "a recovery of the record, by an operator",
};

function beforeText({ master, epoch, inSync }: DecisionInput): string {
  const who = master === null ? "nobody was master" : `broker ${master} was master`;
  return `${who} of epoch ${epoch}; in sync: ${inSync.join(", ") || "nobody"}`;
}

function questionLines({ question, answers, sites }: DecisionInput, decidedAt: number): string[] {
  if (question === null) return [];
  const asked = `Question ${question.id}: is broker ${question.master} down?`;
  const took = `asked by ${question.askedBy} at ${timeText(question.at)}, decided ${sinceText(question.at, decidedAt)}`;
  const width = Math.max(...sites.map((site) => site.length));
  return [
    asked,
    `  ${took}; ${majorityOf(sites)} of ${new Set(sites).size} sites must say so`,
    ...[...new Set(sites)].map((site) => {
      const answer = answers.find((one) => one.site === site && one.question === question.id);
      return `  ${site.padEnd(width)}  ${answer === undefined ? "no answer" : answerText(answer, question.at)}`;
    }),
  ];
}

function switchLines({ planned }: DecisionInput): string[] {
  if (planned === null) return [];
  const { id, from, to, askedBy, at, minInSyncReplicas } = planned;
  return [
    `Switch ${id}: from broker ${from} to broker ${to}, asked for at ${askedBy} at ${timeText(at)}`,
    `  broker ${from} refused messages from before it was read; it gets back minInSyncReplicas ${minInSyncReplicas}`,
  ];
}

function answerText({ master, at }: AnswerRecord, askedAt: number): string {
  return `${master.verdict}, ${sinceText(askedAt, at)}: ${master.evidence}`;
}

/** Wall times of two sites: the difference is only as good as their clocks. */
function sinceText(from: number, to: number): string {
  return to < from ? `${millisText(from - to)} before by its clock` : `after ${millisText(to - from)}`;
}

function candidateLines(
  candidate: CandidateFacts,
  { answers, question }: DecisionInput,
  verdict: DecisionVerdict,
): string[] {
  const { id, idc, inSync, confirmed, reading, reported, priority } = candidate;
  const rejected = verdict.rejected.find((one) => one.id === id);
  const fate = rejected === undefined ? "elected" : `${rejected.reason}: ${rejected.detail}`;
  const sync = inSync ? (confirmed ? "in sync" : "in sync, unconfirmed") : "not in sync";
  const facts = [
    sync,
    reading === null ? "not read" : `read: ${progressText(reading)}`,
    reported === null ? "told nothing" : `told: ${progressText(reported)}`,
    `priority ${figure(priority)}`,
  ];
  const seen = answers
    .filter((answer) => answer.question === question?.id)
    .flatMap(({ site, replicas }) => {
      const view = replicas[id];
      return view === undefined ? [] : [`    ${site}: ${view.verdict}, ${view.evidence}`];
    });
  return [`  broker ${id} of ${idc || "no IDC"}: ${fate}`, `    ${facts.join("; ")}`, ...seen];
}

function policyText({ policy, protection, forced }: DecisionInput): string {
  const { rpo, survive, maxLostBytes, unclean, preferIdcs, cooldownMs } = policy;
  const parts = [
    rpo === "bounded" ? `rpo bounded to ${bytesText(maxLostBytes)}` : `rpo ${rpo}`,
    `survive ${survive}`,
    `unclean ${unclean}`,
    ...(preferIdcs.length === 0 ? [] : [`prefers ${listText(preferIdcs)}`]),
    `cool-down ${millisText(cooldownMs)}`,
    protection === null
      ? "protection not known"
      : `protection ${protection.level}${protection.why && ` (${protection.why})`}`,
    ...(forced ? ["forced"] : []),
  ];
  return parts.join("; ");
}

function effectLines({ input, effects, at }: DecisionRecord): string[] {
  const names = effectsOf(input.kind);
  const width = Math.max(...names.map((name) => name.length));
  return names.map((name) => {
    const effect = effects[name];
    const text = effect === undefined ? "not yet" : `${sinceText(at, effect.at)}, by ${effect.site}: ${effect.detail}`;
    return `  ${name.padEnd(width)}  ${text}`;
  });
}

function isSame(one: DecisionVerdict, other: DecisionVerdict): boolean {
  return canonical(one) === canonical(other);
}

/** One text for one value: keys in order, 64-bit numbers apart from others. */
function canonical(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}
