import { resultCodes } from "#lib/remoting/codes.ts";
import { brokerOf, idsOf, isDrained, isHeardHere, probe, refOf } from "./brokers.ts";
import type { Context } from "./context.ts";
import { priorityOf } from "./evidence.ts";
import { figure } from "./figures.ts";
import { clusterKey, decisionId, pauseKey, questionKey, setKey, switchKey } from "./keys.ts";
import type { SetRecord, SwitchRecord } from "./model.ts";
import type { OperatorAnswer } from "./operator-messages.ts";
import { encodeSwitch } from "./records.ts";
import { noteReturn } from "./return-note.ts";
import { isScripted } from "./scripted.ts";
import type { SetView } from "./set-view.ts";
import { type Admission, admit, type SwitchFacts } from "./switch-admission.ts";
import type { SwitchAsk } from "./switch-work.ts";
import { switchAnswerMsMax, switchReadMsMax, switchUnansweredMsMax } from "./timing.ts";

/** A switch that somebody asks for at this site: from the asking, over its record, to the answer. */

export function askSwitch(
  view: SetView,
  of: Pick<SwitchAsk, "ask" | "by" | "who" | "to" | "reason" | "dryRun">,
  context: Context,
): void {
  const ask: SwitchAsk = { ...of, since: context.moment.now, id: null, writing: false, unansweredAt: null, seen: null };
  if (view.switchAsk !== null) {
    reply(view, ask, refused("switch-open", "another switch of this set was asked for at this site"), context);
    return;
  }
  if (isScripted(view, context)) {
    const why = "its cluster is of kind exec: a master behind scripts cannot be made to refuse what it would lose";
    reply(view, ask, refused("no-barrier", why), context);
    return;
  }
  view.switchAsk = ask;
  driveAsk(view, context);
}

export function driveAsk(view: SetView, context: Context): void {
  const { switchAsk: ask, record } = view;
  if (ask === null || ask.writing) return;
  if (record === null) finish(view, ask, refused("no-set", "the set is gone"), context);
  else if (ask.id === null) prepare(view, ask, record.value, context);
  else follow(view, ask, record.value, context);
}

function prepare(view: SetView, ask: SwitchAsk, record: SetRecord, context: Context): void {
  if (view.busy || view.barrier.writing) return;
  const admission = admit(factsOf(view, ask, record, context));
  switch (admission.kind) {
    case "refuse":
      finish(view, ask, refused(admission.reason, admission.why), context);
      return;
    case "reading": {
      const lateMs = context.moment.now - ask.since;
      if (lateMs > switchReadMsMax) {
        const who = `broker ${admission.of.join(", ")}`;
        finish(
          view,
          ask,
          refused("unread", `${who} did not tell how far it is, and its settings, in ${switchReadMsMax} ms`),
          context,
        );
      } else read(view, ask, admission.of, context);
      return;
    }
    case "go":
      if (ask.dryRun) finish(view, ask, { kind: "done", detail: planText(admission, record) }, context);
      else begin(view, ask, admission, record, context);
  }
}

function factsOf(view: SetView, ask: SwitchAsk, record: SetRecord, context: Context): SwitchFacts {
  const open = view.planned?.value;
  return {
    record,
    to: ask.to,
    policy: context.policyOf(view),
    paused: context.isPaused(),
    questioned: view.question !== null || view.restartedAt !== null,
    switchOpen: open === undefined ? null : openText(open),
    now: context.moment.wall,
    brokers: idsOf(view).map((id) => {
      const { evidence, reading, settings, settingsAt } = brokerOf(view, id, context);
      return {
        id,
        address: record.replicas[id]?.address ?? "",
        idc: context.idcOf(view, id),
        heard: isHeardHere(view, id, context),
        priority: priorityOf(evidence),
        drained: isDrained(view, id, context),
        reading: reading !== null && reading.sentAt >= ask.since ? { ...reading.value, acting: reading.acting } : null,
        settings: settingsAt !== null && settingsAt >= ask.since ? settings : null,
      };
    }),
  };
}

function openText({ id, from, to, stage, outcome }: SwitchRecord): string {
  if (stage === "holding") return `switch ${id} from broker ${from} to broker ${to} is under way`;
  return `broker ${from} has not got back its settings after switch ${id} (${outcome}): start it, or take it out of the set`;
}

/** Once for each asking. */
function read(view: SetView, ask: SwitchAsk, ids: readonly number[], context: Context): void {
  for (const id of ids) {
    const broker = brokerOf(view, id, context);
    const ref = refOf(view, id);
    if (broker.lastProbeAt < ask.since) probe(view, id, context, ask.since);
    if (ref === undefined || broker.settingsAskedAt >= ask.since) continue;
    broker.settingsAskedAt = context.moment.now;
    context.emit({ kind: "readSettings", broker: ref, sentAt: context.moment.now });
  }
}

/** The switch is on record before anything is changed: with what the old master is to be given back. */
function begin(
  view: SetView,
  ask: SwitchAsk,
  { from, to, settings }: Extract<Admission, { kind: "go" }>,
  record: SetRecord,
  context: Context,
): void {
  const { mirror, options, moment } = context;
  const { name, cluster, set } = view;
  if (view.record === null || mirror.cluster === null) return;
  view.questions += 1;
  const planned: SwitchRecord = {
    id: `${record.epoch}.${moment.wall}-${view.questions}`,
    cluster,
    set,
    epoch: record.epoch,
    from: from.id,
    to: to.id,
    reason: ask.reason,
    askedBy: options.site,
    at: moment.wall,
    minInSyncReplicas: settings.minInSyncReplicas,
    brokerPermission: settings.brokerPermission,
    stage: "holding",
    decided: null,
    outcome: "",
  };
  ask.writing = true;
  ask.id = planned.id;
  context.commitAct(
    {
      what: "switch",
      who: ask.who,
      set: name,
      decision: null,
      reason: ask.reason,
      detail: `switch ${planned.id}: broker ${from.id} -> ${to.id}`,
    },
    {
      compares: [
        { key: clusterKey, revision: mirror.cluster.revision },
        { key: setKey(name), revision: view.record.revision },
        { key: questionKey(name), revision: 0n },
        { key: switchKey(name), revision: 0n },
        { key: pauseKey, revision: mirror.pause?.revision ?? 0n },
      ],
      puts: [{ key: switchKey(name), text: encodeSwitch(planned), onLease: false }],
      deletes: [],
    },
    (ending, then) => {
      ask.writing = false;
      // It may be there all the same: then the watch tells.
      if (ending === "unanswered") ask.unansweredAt = then.moment.now;
      // What was outdated is judged again, by what the ledger says now.
      if (ending === "outdated") ask.id = null;
      if (ending !== "committed") return;
      ask.seen = planned;
      const fields = { set: name, switch: planned.id, from: from.id, to: to.id, reason: ask.reason };
      then.emit({ kind: "note", level: "warn", sentence: "switch begun", fields });
    },
  );
}

function follow(view: SetView, ask: SwitchAsk, record: SetRecord, context: Context): void {
  const { planned } = view;
  if (planned?.value.id === ask.id) ask.seen = planned.value;
  const { seen, unansweredAt } = ask;
  if (seen === null) {
    const isLate = unansweredAt !== null && context.moment.now - unansweredAt > switchUnansweredMsMax;
    if (isLate) finish(view, ask, unanswered, context);
    return;
  }
  const isOver = planned?.value.id !== ask.id;
  const isGivenUp = seen.stage === "restoring" && seen.decided === null;
  if (isGivenUp) finish(view, ask, refused("given-up", `the switch was given up: ${seen.outcome}`), context);
  else if (isOver) finish(view, ask, outcomeOf(view, seen, record), context);
  else if (context.moment.now - ask.since > switchAnswerMsMax) {
    finish(
      view,
      ask,
      refused("running", `switch ${seen.id} is not over after ${figure(switchAnswerMsMax)} ms`),
      context,
    );
  }
}

/** Also when a question within it has given the new master one more epoch. */
function outcomeOf(view: SetView, { from, to }: SwitchRecord, record: SetRecord): OperatorAnswer {
  if (record.master === to) {
    const decision = decisionId(view.name, record.epoch);
    return {
      kind: "done",
      detail: `broker ${to} is master of epoch ${record.epoch}, broker ${from} has its own settings again; decision ${decision}`,
    };
  }
  return refused(
    "taken-back",
    `broker ${record.master} is master of epoch ${record.epoch}: the switch was taken back, or another decision followed`,
  );
}

function planText({ from, to, settings }: Extract<Admission, { kind: "go" }>, record: SetRecord): string {
  const lag = (from.reading?.maxOffset ?? 0n) - (to.reading?.maxOffset ?? 0n);
  const waits =
    settings.minInSyncReplicas > 1
      ? `; with minInSyncReplicas ${settings.minInSyncReplicas} nobody can write after it until as many replicas are in sync, some 5 s`
      : "";
  return `broker ${to.id} (${to.address}, ${to.idc || "no IDC"}) would become master of epoch ${record.epoch + 1} instead of broker ${from.id} (${from.address}, ${from.idc || "no IDC"}); it is ${figure(lag > 0n ? lag : 0n)} bytes behind now${waits}`;
}

/** Codes of answers: ARB_SWITCH_ and the reason. */
function refused(reason: string, message: string): OperatorAnswer {
  return {
    kind: "refused",
    code: `ARB_SWITCH_${reason.toUpperCase().replaceAll("-", "_")}`,
    message,
    hint:
      reason === "running"
        ? "Look at it: idcctl set show"
        : "docs/operations.md, Switch a master, has every refusal; idcctl set show has the set",
  };
}

const unanswered: OperatorAnswer = {
  kind: "refused",
  code: "ARB_LEDGER_UNANSWERED",
  message: "The ledger did not answer in time: the switch may or may not have begun",
  hint: "Look whether it was, before you ask again: idcctl set show",
};

function finish(view: SetView, ask: SwitchAsk, answer: OperatorAnswer, context: Context): void {
  if (view.switchAsk === ask) view.switchAsk = null;
  reply(view, ask, answer, context);
}

/** A tool at the controller door whose switch was made is answered as anybody who asks who is master. Of a return nobody waits. */
function reply(view: SetView, { ask, by }: SwitchAsk, answer: OperatorAnswer, context: Context): void {
  switch (by) {
    case "operator":
      context.emit({ kind: "answerOperator", ask, answer });
      return;
    case "return":
      noteReturn(view, answer, context);
      return;
    case "tool": {
      if (answer.kind === "done" || !view.asks.some((waiting) => waiting.ask === ask)) return;
      view.asks = view.asks.filter((waiting) => waiting.ask !== ask);
      const remark = `${answer.code}: ${answer.message}`;
      context.emit({
        kind: "answer",
        ask,
        answer: { kind: "refused", code: resultCodes.CONTROLLER_ELECT_MASTER_FAILED, remark },
      });
    }
  }
}
