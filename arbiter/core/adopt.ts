import { brokerOf, isHeardHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import { setKey } from "./keys.ts";
import { viewOfSet } from "./mirror-records.ts";
import type { BrokerId, Replica, SetRecord } from "./model.ts";
import { answerTo, changedMeanwhile } from "./operator-answers.ts";
import type { AdoptedBroker, OperatorAnswer, OperatorRequest } from "./operator-messages.ts";
import { encodeSet } from "./records.ts";
import { recover } from "./recover.ts";
import { isRestored, notFrozenYet } from "./restored.ts";
import { isScripted } from "./scripted.ts";
import type { SetView } from "./set-view.ts";
import { unrecordedOf } from "./unrecorded.ts";

/**
 * Brokers that run, and that the ledger does not know, or knows as they were before: an operator says which ones a set has. They go
 * on record as a set that is frozen, of which nobody knows who is in sync; then it is recovered (recover.ts), by what they say.
 */

type Request = Extract<OperatorRequest, { kind: "adopt" }>;
type Refusal = Extract<OperatorAnswer, { kind: "refused" }>;

export function adopt(
  request: Request,
  { who, answer }: { readonly who: string; readonly answer: (of: OperatorAnswer, context: Context) => void },
  context: Context,
): void {
  const foreign = foreignTo(request, context);
  if (foreign !== null) {
    answer(foreign, context);
    return;
  }
  const view = viewOfSet(context.mirror, request.set, context.moment.now);
  const replicas = replicasOf(view, request.brokers, context);
  const refusal = "code" in replicas ? replicas : objectionTo(view, request, context);
  if (refusal !== null) {
    answer(refusal, context);
    return;
  }
  const { record, name } = view;
  const { master, reason, force } = request;
  view.busy = true;
  context.commitAct(
    {
      what: "adopt",
      who,
      set: name,
      decision: null,
      reason,
      detail: `brokers ${request.brokers.map(({ id }) => id).join(", ")} are on record`,
    },
    {
      compares: [{ key: setKey(name), revision: record?.revision ?? 0n }],
      puts: [
        { key: setKey(name), text: encodeSet(adopted(view, replicas as Replicas, request, context)), onLease: false },
      ],
      deletes: [],
    },
    (ending, then) => {
      view.busy = false;
      if (ending !== "committed") answer(answerTo(ending, ""), then);
      else recover(view, { request: { kind: "recover", set: name, master, reason, force }, who, answer }, then);
    },
  );
}

type Replicas = SetRecord["replicas"];

/** Nobody is in sync by it, and nobody is master: what it had of that is older than the brokers. */
function adopted(view: SetView, replicas: Replicas, { reason }: Request, { moment }: Context): SetRecord {
  const { cluster, set, record } = view;
  const before = record?.value;
  return {
    cluster,
    set,
    epoch: before?.epoch ?? 0,
    inSyncEpoch: before?.inSyncEpoch ?? 0,
    master: before?.master ?? null,
    inSync: [],
    unconfirmed: [],
    replicas,
    decision: null,
    frozen: { code: "ledger-behind", reason: `adopted: ${reason}`, at: moment.wall, until: null },
    failoversAt: before?.failoversAt ?? [],
  };
}

function replicasOf(view: SetView, brokers: readonly AdoptedBroker[], context: Context): Replicas | Refusal {
  const known = view.record?.value.replicas ?? {};
  const found: Record<BrokerId, Replica> = {};
  for (const { id, address } of brokers) {
    const heardAt = isHeardHere(view, id, context) ? brokerOf(view, id, context).beatFrom : "";
    const at = heardAt || address || known[id]?.address || "";
    if (at === "") return notHeard(view, id, context);
    if (heardAt !== "" && address !== null && address !== heardAt) return elsewhere(view, id, { address, heardAt });
    found[id] = known[id]?.address === at ? known[id] : { address: at, checkCode: "" };
  }
  return found;
}

/** Before the set is looked for: a name that nobody has would be kept. */
function foreignTo({ set }: Request, context: Context): Refusal | null {
  const [cluster = ""] = set.split("/");
  if (!isScripted({ cluster }, context) && context.options.clusters.includes(cluster)) return null;
  return refusal(
    "ARB_NOT_ADOPTABLE",
    `${set} is in no cluster of kind rocketmq that this site decides over`,
    "Members of a cluster of kind exec come from the config",
  );
}

function objectionTo(view: SetView, { brokers }: Request, context: Context): OperatorAnswer | null {
  const { name, record, busy } = view;
  if (isRestored(context.mirror)) return notFrozenYet;
  if (busy || view.recovery !== null) return changedMeanwhile;
  if (record !== null && record.value.frozen?.code !== "ledger-behind")
    return refusal(
      "ARB_ADOPTED",
      `${name} is on record already, in epoch ${record.value.epoch}`,
      `Only a set that is not, or that is frozen as ledger-behind, can be adopted: idcctl set show ${name}`,
    );
  const named = brokers.map(({ id }) => id);
  const others = unrecordedOf(view, context).filter((id) => !named.includes(id));
  if (others.length > 0)
    return refusal(
      "ARB_MORE_BROKERS",
      `Broker ${others.join(", ")} of ${name} is heard too`,
      "Name all brokers of the set, or stop those that are none of it",
    );
  return null;
}

const refusal = (code: string, message: string, hint: string): Refusal => ({ kind: "refused", code, message, hint });

function notHeard({ name }: SetView, id: BrokerId, { options }: Context): Refusal {
  return refusal(
    "ARB_NOT_HEARD",
    `Broker ${id} of ${name} is not heard at ${options.site}`,
    `See that its controllerAddr has the arbiters; one that is down is named with its address: ${id}=HOST:PORT`,
  );
}

function elsewhere(
  { name }: SetView,
  id: BrokerId,
  { address, heardAt }: { address: string; heardAt: string },
): Refusal {
  return refusal(
    "ARB_ELSEWHERE",
    `Broker ${id} of ${name} is heard at ${heardAt}, not at ${address}`,
    "Leave its address out, or stop the one that is heard",
  );
}
