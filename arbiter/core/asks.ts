import { resultCodes } from "#lib/remoting/codes.ts";
import type { Act } from "./audit.ts";
import { isHeardHere, notify } from "./brokers.ts";
import { commitDecision, inputOf } from "./commit-decision.ts";
import type { Context, Then } from "./context.ts";
import type { ControllerAnswer } from "./controller-messages.ts";
import { decide } from "./decide.ts";
import { degradingMs } from "./degrading.ts";
import { mayBeTold } from "./effects.ts";
import { freezeIfBehind } from "./freezes.ts";
import { keysOfSet, setKey } from "./keys.ts";
import type { BrokerId, SetName } from "./model.ts";
import { encodeSet } from "./records.ts";
import { pollWaitsForRoute } from "./rejoin.ts";
import { infoOf, type Judgement, judge } from "./requests.ts";
import { isRestored } from "./restored.ts";
import { isScripted } from "./scripted.ts";
import { blockedBy, type SetView, type WaitingAsk } from "./set-view.ts";
import { askSwitch } from "./switch-ask.ts";
import { askMsMax, setsPerProofMax, siteFreshMs } from "./timing.ts";
import { unrecordedOf } from "./unrecorded.ts";
import { expectMembers } from "./upkeep.ts";

/** Requests of brokers, from their arrival to their answer. */

const triesMax = 4;

/** Who speaks on a connection, by what it has said of itself. */
export interface Binding {
  readonly set: SetName;
  readonly id: BrokerId;
}

/** A request about one set: it waits in the set's list until it can be answered. */
export function onAsk(
  view: SetView,
  ask: Pick<WaitingAsk, "ask" | "connection" | "request" | "caller" | "tool">,
  context: Context,
): void {
  const waiting: WaitingAsk = {
    ...ask,
    since: context.moment.now,
    epoch: null,
    tries: 0,
    inFlight: false,
  };
  view.asks.push(waiting);
  if (waiting.request.kind === "alterInSync") freezeIfBehind(view, waiting.request.epoch, context);
  noteRestart(view, waiting, context);
  consider(view, waiting, context);
}

/** A master that registers, or asks for an election, does not act as one. */
function noteRestart(view: SetView, { request }: WaitingAsk, context: Context): void {
  const record = view.record?.value;
  if (record === undefined || record.epoch === 0 || record.frozen !== null) return;
  const id =
    request.kind === "electMaster" && !request.designate
      ? request.id
      : request.kind === "registerBroker" && record.replicas[request.id]?.address === request.address
        ? request.id
        : null;
  if (id !== null && record.master === id) view.restartedAt ??= context.moment.now;
}

/** Looks at every waiting request of a set again: its record, its question or its decision has changed. */
export function reconsider(view: SetView, context: Context): void {
  for (const waiting of [...view.asks]) consider(view, waiting, context);
}

/** Wishes that wait until they are due: nothing else changes then. */
export function considerWishes(view: SetView, context: Context): void {
  if (view.asks.length === 0) return;
  for (const waiting of view.asks.filter(({ request }) => request.kind === "alterInSync"))
    consider(view, waiting, context);
}

/** Requests that nobody could answer in time are refused: the broker asks again. */
export function expireAsks(view: SetView, context: Context): void {
  for (const waiting of view.asks.filter(({ since }) => context.moment.now - since > askMsMax)) {
    const isElection = waiting.request.kind === "electMaster";
    const code = isElection ? resultCodes.CONTROLLER_ELECT_MASTER_FAILED : resultCodes.SYSTEM_ERROR;
    const why = blockedBy(view)?.why ?? "there is no decision yet";
    finish(
      view,
      waiting,
      { kind: "refused", code, remark: isElection ? `No master: ${why}` : "No answer from the ledger in time" },
      context,
    );
  }
}

function consider(view: SetView, waiting: WaitingAsk, context: Context): void {
  if (waiting.inFlight) return;
  if (!context.hasQuorum()) return;
  const judgement = judgeAsk(view, waiting, context);
  switch (judgement.kind) {
    case "answer":
      finish(view, waiting, judgement.answer, context);
      return;
    case "wait":
      considerElection(view, waiting, context);
      return;
    case "prove":
    case "check":
      return;
    case "commit":
      commitAsk(view, waiting, judgement, context);
  }
}

function judgeAsk(view: SetView, { request, caller, epoch }: WaitingAsk, context: Context): Judgement {
  const record = view.record?.value ?? null;
  return judge(request, {
    cluster: view.cluster,
    set: view.set,
    record,
    caller,
    mayBeTold: (id) => mayBeTold(view, id) && !(id !== null && id === record?.master && view.restartedAt !== null),
    waitsForRoute: (id) => pollWaitsForRoute(view, id, context),
    undecided: view.question !== null,
    askedEpoch: epoch,
    isAlive: (id) => isHeardHere(view, id, context) || isHeardElsewhere(view, id, context),
    idcOf: (id) => context.idcOf(view, id),
    // A scripted master does not wait for the record: it acknowledges without those it counts no longer.
    degradingMs: isScripted(view, context) ? Number.POSITIVE_INFINITY : degradingMs(view, request, context),
    policy: context.policyOf(view),
    restored: isRestored(context.mirror),
    unrecorded: () => unrecordedOf(view, context),
  });
}

/** The other sites tell in their beats whom they do not hear. */
function isHeardElsewhere(view: SetView, id: BrokerId, { mirror, moment, options }: Context): boolean {
  return [...mirror.sites.values()].some(
    ({ value, seenAt }) =>
      value.site !== options.site &&
      moment.now - seenAt <= siteFreshMs &&
      !value.unheard.includes(`${view.name}/${id}`),
  );
}

/** One at a time for each set; a refused one is judged again by what the ledger says now. */
function commitAsk(
  view: SetView,
  waiting: WaitingAsk,
  { next, answer, why }: Extract<Judgement, { kind: "commit" }>,
  context: Context,
): void {
  if (view.busy) return;
  if (waiting.tries >= triesMax) {
    finish(
      view,
      waiting,
      { kind: "refused", code: resultCodes.SYSTEM_BUSY, remark: `The record changed ${triesMax} times meanwhile` },
      context,
    );
    return;
  }
  waiting.tries += 1;
  waiting.inFlight = true;
  view.busy = true;
  const key = setKey(view.name);
  const transaction = {
    compares: [{ key, revision: view.record?.revision ?? 0n }],
    puts: next === null ? [] : [{ key, text: encodeSet(next), onLease: false }],
    deletes: next === null ? keysOfSet(view.name, context.mirror.cluster?.value.sites ?? []) : [],
  };
  const ended: Then = (ending, then) => {
    view.busy = false;
    waiting.inFlight = false;
    if (ending !== "committed") return;
    if (answer.kind === "alterInSync") expectMembers(view, then);
    const fields = { set: view.name, why, inSync: next?.inSync ?? [], inSyncEpoch: next?.inSyncEpoch ?? 0 };
    then.emit({ kind: "note", level: "info", sentence: "set record changed", fields });
    finish(view, waiting, answer, then);
  };
  const act = actOf(view, waiting, why);
  if (act === null) context.commit(transaction, ended);
  else context.commitAct(act, transaction, ended);
}

/** null: what brokers ask for is theirs to ask. A tool's request is an operator's. */
function actOf({ name }: SetView, waiting: WaitingAsk, why: string): Act | null {
  const { request } = waiting;
  switch (request.kind) {
    case "cleanBroker": {
      const detail = request.ids === null ? why : `${why}: ${request.ids.join(", ")}`;
      const reason = "asked for over the controller protocol";
      return { what: "clean", who: toolName(waiting), set: name, decision: null, reason, detail };
    }
    case "alterInSync":
    case "electMaster":
    case "registerBroker":
    case "replicaInfo":
    case "nextBrokerId":
    case "applyBrokerId":
      return null;
  }
}

function toolName({ tool }: WaitingAsk): string {
  return `a tool at ${tool === "" ? "the controller door" : tool}`;
}

function finish(view: SetView, waiting: WaitingAsk, answer: ControllerAnswer, context: Context): void {
  view.asks = view.asks.filter((one) => one !== waiting);
  context.emit({ kind: "answer", ask: waiting.ask, answer });
  if (answer.kind === "refused") onRefused(view, waiting, answer.code, context);
}

/** Who writes under an old epoch does not know that it was replaced: it is told. */
function onRefused(view: SetView, { request }: WaitingAsk, code: number, context: Context): void {
  if (request.kind !== "alterInSync") return;
  const isStale = code === resultCodes.CONTROLLER_INVALID_MASTER || code === resultCodes.CONTROLLER_FENCED_MASTER_EPOCH;
  const record = view.record?.value;
  if (!isStale || record === undefined || request.epoch >= record.epoch || !mayBeTold(view, request.master)) return;
  if (record.replicas[request.master] !== undefined) notify(view, request.master, context);
}

/** The first election of a set, and those that a tool asks for by name. */
function considerElection(view: SetView, waiting: WaitingAsk, context: Context): void {
  const { request } = waiting;
  const record = view.record?.value;
  if (request.kind !== "electMaster" || record === undefined || view.busy || request.id === null) return;
  if (record.epoch === 0) electFirst(view, request.id, context);
  // Of a switch that is under way the tool is told when there is another master, or when it waits no more.
  else if (request.designate && view.switchAsk === null) {
    const { ask } = waiting;
    const reason = "asked for by name over the controller protocol";
    const who = toolName(waiting);
    askSwitch(view, { ask, by: "tool", who, to: String(request.id), reason, dryRun: false }, context);
  }
}

function electFirst(view: SetView, id: BrokerId, context: Context): void {
  const record = view.record?.value;
  if (record === undefined) return;
  const input = inputOf(view, record, context, {
    kind: "first-master",
    answers: [],
    candidates: [],
    gathered: true,
    designated: id,
    forced: false,
    reason: "the first broker that asked",
  });
  const verdict = decide(input);
  if (verdict.kind === "elect") commitDecision(view, input, verdict, [], context);
}

interface DueAsk {
  readonly waiting: WaitingAsk;
  /** null: the transaction only tells which epoch the record has. */
  readonly answer: ControllerAnswer | null;
}

/**
 * One transaction that compares the records of all sets for which an answer that names a master waits, and answers them when
 * it is committed (I4). One is under way at a time; what comes meanwhile goes with the next.
 */
export function proofsDue(views: Iterable<SetView>, context: Context): { view: SetView; asks: DueAsk[] }[] {
  const due = [];
  for (const view of views) {
    if (view.record === null || view.asks.length === 0) continue;
    const asks = view.asks.flatMap((waiting): DueAsk[] => {
      if (waiting.inFlight) return [];
      const judgement = judgeAsk(view, waiting, context);
      if (judgement.kind === "check") return [{ waiting, answer: null }];
      return judgement.kind === "prove" ? [{ waiting, answer: judgement.answer }] : [];
    });
    if (asks.length > 0) due.push({ view, asks });
    if (due.length === setsPerProofMax) break;
  }
  return due;
}

export function sendProofs(
  due: ReturnType<typeof proofsDue>,
  context: Context,
  done: (context: Context) => void,
): void {
  const compares = due.map(({ view }) => ({ key: setKey(view.name), revision: view.record?.revision ?? 0n }));
  for (const { asks } of due) for (const { waiting } of asks) waiting.inFlight = true;
  context.commit({ compares, puts: [], deletes: [] }, (ending, then) => {
    for (const { view, asks } of due) {
      for (const { waiting, answer } of asks) {
        waiting.inFlight = false;
        if (!view.asks.includes(waiting)) continue;
        if (answer === null) {
          if (ending === "unanswered" || view.record === null) continue;
          waiting.epoch = view.record.value.epoch;
          noteRestart(view, waiting, then);
        } else if (ending === "committed") finish(view, waiting, answer, then);
      }
    }
    done(then);
  });
}

/**
 * Answers that no tool may make a master of: from what this site knows, while it has a quorum. The request names no cluster: of
 * two sets of one name neither may pass for the other.
 */
export function inSyncData(views: readonly SetView[], context: Context): ControllerAnswer {
  const known = views.filter(({ record }) => record !== null);
  const same = [...Map.groupBy(known, ({ set }) => set).values()].find(({ length }) => length > 1);
  if (same !== undefined) {
    const names = same.map(({ name }) => name).toSorted();
    const remark = `The request does not say which set is meant: ${names.join(" or ")}. idcctl set show tells them apart`;
    return { kind: "refused", code: resultCodes.CONTROLLER_BROKER_METADATA_NOT_EXIST, remark };
  }
  const sets = known.flatMap((view) => {
    const record = view.record?.value;
    if (record === undefined) return [];
    const replica = (id: BrokerId) => ({
      set: view.set,
      id,
      address: record.replicas[id]?.address ?? "",
      alive: isHeardHere(view, id, context),
    });
    const ids = Object.keys(record.replicas).map(Number);
    const of = {
      info: infoOf(record),
      inSync: ids.filter((id) => record.inSync.includes(id)).map(replica),
      notInSync: ids.filter((id) => !record.inSync.includes(id)).map(replica),
    };
    return [[view.set, of] as const];
  });
  return { kind: "inSyncData", sets: Object.fromEntries(sets) };
}
