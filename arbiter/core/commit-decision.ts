import { arbiterName } from "./audit.ts";
import { brokerOf, idsOf, viewHere } from "./brokers.ts";
import type { Context, Ending } from "./context.ts";
import type { DecisionInput, DecisionKind, DecisionRecord, DecisionVerdict } from "./decision.ts";
import { encodeDecision } from "./decision-records.ts";
import type { Transaction } from "./events.ts";
import {
  answerKey,
  clusterKey,
  decisionKey,
  pauseKey,
  policyKey,
  protectionKey,
  questionKey,
  refusalKey,
  setKey,
} from "./keys.ts";
import type { AnswerRecord, BrokerId, SetRecord, Stored, SwitchRecord } from "./model.ts";
import { encodeSet } from "./records.ts";
import { isRestored } from "./restored.ts";
import { isFenceAwaited } from "./scripted.ts";
import type { SetView } from "./set-view.ts";

/** What a decision rests on, and the one transaction that makes it. */

const failoversKept = 20;

export function inputOf(
  view: SetView,
  record: SetRecord,
  context: Context,
  of: Pick<DecisionInput, "answers" | "candidates" | "gathered" | "designated" | "forced" | "reason"> & {
    readonly kind: DecisionKind;
    readonly planned?: SwitchRecord;
    readonly acting?: readonly BrokerId[];
  },
): DecisionInput {
  return {
    ...of,
    cluster: view.cluster,
    set: view.set,
    epoch: record.epoch,
    usedEpoch: of.kind === "first-master" ? (context.mirror.usedEpochs.get(view.name) ?? 0) : 0,
    inSyncEpoch: record.inSyncEpoch,
    master: record.master,
    inSync: record.inSync,
    sites: context.mirror.cluster?.value.sites ?? [],
    question: view.question?.value ?? null,
    planned: of.planned ?? null,
    acting: of.acting ?? [],
    policy: context.policyOf(view),
    protection: view.protection?.value ?? null,
    failoversAt: record.failoversAt,
    now: context.moment.wall,
  };
}

/** What this site alone says of the replicas, where no question is asked. */
export function viewFromHere(view: SetView, context: Context): AnswerRecord {
  return {
    site: context.options.site,
    question: "",
    master: { verdict: "unknown", evidence: "" },
    replicas: Object.fromEntries(idsOf(view).map((id) => [id, viewHere(view, id, false, context)])),
    told: null,
    at: context.moment.wall,
  };
}

interface CommitOptions {
  readonly done?: (ending: Ending, context: Context) => void;
  /** What the same transaction compares and writes beside it. */
  readonly also?: Pick<Transaction, "compares" | "puts">;
  /** The operator whose decision it is; left out: this arbiter's. */
  readonly who?: string;
}

/**
 * The decision: one transaction that compares everything it rests on. Refused, nothing has happened, and the next look
 * starts from what the ledger says now.
 */
export function commitDecision(
  view: SetView,
  input: DecisionInput,
  verdict: Extract<DecisionVerdict, { kind: "elect" }>,
  answers: readonly Stored<AnswerRecord>[],
  context: Context,
  { done, also, who = arbiterName(context) }: CommitOptions = {},
): void {
  const { name, record, question } = view;
  const { mirror, options, moment } = context;
  // Whoever wrote what cannot be read here may have meant that nothing is to be decided.
  const isObscure = [policyKey, pauseKey, protectionKey(name)].some((key) => mirror.unreadable.has(key));
  // Nor may a decision follow one whose old master nobody has fenced: it would fence its own old master, and not that one.
  const isUnfenced = isFenceAwaited(view, context) && !input.forced;
  if (record === null || mirror.cluster === null || view.busy || isObscure || isUnfenced || isRestored(mirror)) {
    done?.("outdated", context);
    return;
  }
  const id = `${name}/${verdict.epoch}`;
  const decision: DecisionRecord = { id, input, verdict, decidedBy: options.site, at: moment.wall, effects: {} };
  const next: SetRecord = {
    ...record.value,
    frozen: input.kind === "recover" ? null : record.value.frozen,
    epoch: verdict.epoch,
    inSyncEpoch: verdict.inSyncEpoch,
    master: verdict.winner,
    inSync: [verdict.winner],
    unconfirmed: [],
    decision: id,
    failoversAt:
      input.kind === "failover"
        ? [...record.value.failoversAt, moment.wall].slice(-failoversKept)
        : record.value.failoversAt,
  };
  view.busy = true;
  view.decided = {
    epoch: verdict.epoch,
    readAt: brokerOf(view, verdict.winner, context).reading?.sentAt ?? moment.now,
  };
  const startedAt = moment.now;
  /** They wait for this decision, or for one before it. */
  const waiting = view.asks.filter(({ epoch }) => epoch === null);
  // The watch may tell of it before its own answer comes: until then who waits for it is not taken for one that asks after it.
  const held = waiting.filter(({ request, inFlight }) => request.kind === "electMaster" && !inFlight);
  for (const ask of held) ask.inFlight = true;
  context.commitAct(
    {
      what: input.kind === "recover" ? "recover" : "decision",
      who,
      set: name,
      decision: id,
      reason: input.reason,
      detail: `${input.kind}: broker ${input.master ?? "none"} -> ${verdict.winner}, epoch ${verdict.epoch}`,
    },
    {
      compares: [
        { key: clusterKey, revision: mirror.cluster.revision },
        { key: setKey(name), revision: record.revision },
        { key: decisionKey(id), revision: 0n },
        { key: questionKey(name), revision: question?.revision ?? 0n },
        { key: policyKey, revision: mirror.policies?.revision ?? 0n },
        { key: pauseKey, revision: mirror.pause?.revision ?? 0n },
        { key: protectionKey(name), revision: view.protection?.revision ?? 0n },
        ...answers.map(({ value: { site }, revision }) => ({ key: answerKey(name, site), revision })),
        ...(also?.compares ?? []),
      ],
      puts: [
        { key: decisionKey(id), text: encodeDecision(decision), onLease: false },
        { key: setKey(name), text: encodeSet(next), onLease: false },
        ...(also?.puts ?? []),
      ],
      // The answers name their question and are replaced by the next one's: of hundreds of decisions in one moment more fit together.
      deletes: question === null ? [] : [questionKey(name), ...(view.refused === null ? [] : [refusalKey(name)])],
    },
    (ending, then) => {
      view.busy = false;
      for (const ask of held) ask.inFlight = false;
      view.refusal = null;
      view.decideAt = then.moment.now;
      done?.(ending, then);
      if (ending !== "committed") return;
      for (const ask of waiting) ask.epoch ??= input.epoch;
      const { winner, epoch, why, knownLag } = verdict;
      const fields = {
        set: name,
        from: input.master,
        to: winner,
        epoch,
        kind: input.kind,
        why,
        knownLag: knownLag?.toString() ?? null,
      };
      then.emit({
        kind: "note",
        level: "info",
        sentence: "master decided",
        fields: { ...fields, decisionId: id, committedInMs: Math.round(then.moment.now - startedAt) },
      });
    },
  );
}
