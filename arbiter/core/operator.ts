import { sha256 } from "#lib/digest.ts";
import { adopt } from "./adopt.ts";
import type { Act } from "./audit.ts";
import type { Context, Ending } from "./context.ts";
import type { AskId, Transaction } from "./events.ts";
import { freeze } from "./freezes.ts";
import { setDrain, setIdc } from "./intents.ts";
import { clusterKey, pauseKey, policyKey } from "./keys.ts";
import { answerTo } from "./operator-answers.ts";
import type { OperatorAnswer, OperatorRequest } from "./operator-messages.ts";
import { parsePolicies } from "./policy.ts";
import { encodeCluster, encodePause } from "./records.ts";
import { recover } from "./recover.ts";
import { isRestored, notFrozenYet } from "./restored.ts";
import { askSwitch } from "./switch-ask.ts";

/** What operators ask for. Each is one compare-and-swap; the answer tells how it ended. */

export function onOperator(
  { ask, request, who }: { readonly ask: AskId; readonly request: OperatorRequest; readonly who: string },
  context: Context,
): void {
  const answer = (of: OperatorAnswer, later: Context = context): void =>
    later.emit({ kind: "answerOperator", ask, answer: of });
  const refuse = (code: string, message: string, hint: string): void =>
    answer({ kind: "refused", code, message, hint });
  if (!context.hasQuorum()) {
    refuse(
      "ARB_NO_QUORUM",
      `Site ${context.options.site} has no quorum in etcd`,
      "Ask another site, or look at etcd: idcctl doctor",
    );
    return;
  }
  const write = (transaction: Transaction, what: Act["what"], detail: string): void => {
    const reason = "reason" in request ? request.reason : "";
    context.commitAct({ what, who, set: null, decision: null, reason, detail }, transaction, (ending, later) =>
      answer(answerTo(ending, detail), later),
    );
  };
  switch (request.kind) {
    case "init":
      init(request, context, write, refuse);
      return;
    case "pause": {
      const { reason, untilWall } = request;
      const text = encodePause({ reason, at: context.moment.wall, until: untilWall });
      const puts = [{ key: pauseKey, text, onLease: false }];
      write({ compares: [], puts, deletes: [] }, "pause", "failover is paused");
      return;
    }
    case "resume":
      write({ compares: [], puts: [], deletes: [pauseKey] }, "resume", "failover is on");
      return;
    case "applyPolicies": {
      const parsed = parsePolicies(request.text);
      if (parsed.kind === "bad")
        refuse(
          "ARB_POLICY",
          `The policies cannot be used: ${parsed.problems.join("; ")}`,
          "Mend them and apply again: idcctl policy apply",
        );
      else
        write(
          { compares: [], puts: [{ key: policyKey, text: request.text, onLease: false }], deletes: [] },
          "policies",
          `policies applied: ${parsed.policies.length}, SHA-256 ${sha256(request.text)}`,
        );
      return;
    }
    case "idc":
      setIdc(request, context, write, refuse);
      return;
    case "adopt":
      adopt(request, { who, answer }, context);
      return;
    case "drainBroker":
    case "freeze":
    case "unfreeze":
    case "recover":
    case "switch": {
      const view = context.mirror.sets.get(request.set);
      if (view === undefined || view.record === null)
        refuse("ARB_NO_SET", `There is no set ${request.set}`, "idcctl set list shows them");
      else if (request.kind === "drainBroker") setDrain(view, request, context, write, refuse);
      else if (request.kind === "recover") recover(view, { request, who, answer }, context);
      else if (request.kind === "switch") askSwitch(view, { ask, by: "operator", who, ...request }, context);
      else if (isRestored(context.mirror)) answer(notFrozenYet);
      else if (request.kind === "unfreeze" && view.record.value.frozen?.code === "ledger-behind")
        refuse(
          "ARB_LEDGER_BEHIND",
          `The record of ${request.set} is older than its brokers: ${view.record.value.frozen.reason}`,
          `Thawed, it would go on from there. idcctl set recover ${request.set}`,
        );
      else {
        const { reason } = request;
        const until = request.kind === "freeze" ? request.untilWall : null;
        const frozen =
          request.kind === "freeze" ? ({ code: "operator", reason, at: context.moment.wall, until } as const) : null;
        const then = (ending: Ending, later: Context): void =>
          answer(answerTo(ending, `${view.name} is ${frozen === null ? "thawed" : "frozen"}`), later);
        freeze(view, frozen, context, { then, who, reason });
      }
    }
  }
}

function init(
  { sites, incarnation }: Extract<OperatorRequest, { kind: "init" }>,
  context: Context,
  write: (transaction: Transaction, what: Act["what"], detail: string) => void,
  refuse: (code: string, message: string, hint: string) => void,
): void {
  if (context.mirror.cluster !== null) {
    const { sites: known } = context.mirror.cluster.value;
    refuse(
      "ARB_INITIALIZED",
      `The voting sites are set already: ${known.join(", ")}`,
      "They are set once: whatever machine a site is on, keep its name (docs/operations.md, Two of three sites are lost for good)",
    );
    return;
  }
  if (![1, 3, 5].includes(sites.length) || new Set(sites).size !== sites.length) {
    refuse(
      "ARB_SITES",
      `${sites.length} voting sites (${sites.join(", ")}): there must be 3 or 5 different ones; 1 works, and is not safe`,
      "idcctl init --sites idc1,idc2,witness",
    );
    return;
  }
  const text = encodeCluster({ sites, incarnation, at: context.moment.wall });
  write(
    { compares: [{ key: clusterKey, revision: 0n }], puts: [{ key: clusterKey, text, onLease: false }], deletes: [] },
    "init",
    `voting sites: ${sites.join(", ")}`,
  );
}
