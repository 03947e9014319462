import { resultCodes } from "#lib/remoting/codes.ts";
import { type Binding, inSyncData, onAsk } from "./asks.ts";
import { brokerOf } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { ControllerAnswer, ControllerRequest, SetRequest } from "./controller-messages.ts";
import { driveSet } from "./drive-set.ts";
import type { ConnectionId, Event } from "./events.ts";
import { onAsked } from "./evidence.ts";
import { noteRival } from "./freezes.ts";
import { type Inner, setsMax } from "./inner.ts";
import { viewOfSet } from "./mirror-records.ts";
import { setName } from "./model.ts";
import { prove } from "./prove.ts";
import { unknownSet } from "./requests.ts";
import { forgetSettings, type SetView } from "./set-view.ts";

/** A request of a broker or a tool at the controller door: which set it is about, and who may be answered here. */

export function asked(
  { ask, connection, request, tool = "" }: Extract<Event, { kind: "asked" }>,
  state: Inner,
  context: Context,
): void {
  const { mirror, options, moment } = context;
  const answer = (of: ControllerAnswer): void => context.emit({ kind: "answer", ask, answer: of });
  if (request.kind === "metadata") {
    const peers = [...mirror.sites.values()].map(({ value }) => `${value.site}:${value.controller}`);
    answer({
      kind: "metadata",
      leader: context.hasQuorum() ? options.controller : null,
      leaderSite: options.site,
      peers,
    });
    return;
  }
  if (!context.hasQuorum() || !mirror.loaded) {
    answer({
      kind: "refused",
      code: resultCodes.SYSTEM_ERROR,
      remark: `Site ${options.site} has no quorum in etcd: ask another controller`,
    });
    return;
  }
  if (request.kind === "inSyncData") {
    answer(
      inSyncData(
        [...mirror.sets.values()].filter(({ set }) => request.sets.includes(set)),
        context,
      ),
    );
    return;
  }
  if ("cluster" in request && request.cluster !== null && !options.clusters.includes(request.cluster)) {
    const remark = `Site ${options.site} does not decide over cluster ${request.cluster}: add it to \`clusters\` in its config`;
    answer({ kind: "refused", code: resultCodes.CONTROLLER_INVALID_REQUEST, remark });
    return;
  }
  const found = setOf(connection, request, state, context);
  if (found === undefined) {
    answer(unknownSet(request));
    return;
  }
  const { view, caller } = found;
  if (request.kind === "registerBroker") noteRival(view, request.id, request.address, context);
  const isOwn =
    request.kind !== "registerBroker" || view.record?.value.replicas[request.id]?.address === request.address;
  if (
    caller !== null &&
    isOwn &&
    !context.isDraining() &&
    (request.kind === "electMaster" || request.kind === "registerBroker") &&
    !isTool(request)
  ) {
    const broker = brokerOf(view, caller, context);
    broker.evidence = onAsked(broker.evidence, moment.now);
    // Started, perhaps with others.
    if (request.kind === "registerBroker") forgetSettings(view, broker, moment.now);
  }
  onAsk(view, { ask, connection, request, caller, tool }, context);
  driveSet(view, context);
  prove(state, context);
}

function isTool(request: ControllerRequest): boolean {
  return request.kind === "electMaster" && request.designate;
}

/** Which set a request is about. 1001 and 1004 carry no cluster: the connection tells, or the only set of that name. */
function setOf(
  connection: ConnectionId,
  request: SetRequest,
  state: Inner,
  context: Context,
): { view: SetView; caller: SetBinding } | undefined {
  const { mirror, moment } = context;
  const bound = state.bindings.get(connection);
  if ("cluster" in request && request.cluster !== null) {
    const name = setName(request.cluster, request.set);
    const id = "id" in request ? request.id : null;
    if (!mirror.sets.has(name) && mirror.sets.size >= setsMax) return undefined;
    if (request.kind === "registerBroker") state.bindings.set(connection, { set: name, id: request.id });
    return { view: viewOfSet(mirror, name, moment.now), caller: bound?.set === name ? bound.id : id };
  }
  const named = bound === undefined ? undefined : mirror.sets.get(bound.set);
  if (bound !== undefined && named?.set === request.set) return { view: named, caller: bound.id };
  const candidates = [...mirror.sets.values()].filter(({ set, record }) => set === request.set && record !== null);
  const [only] = candidates;
  return only === undefined || candidates.length > 1 ? undefined : { view: only, caller: null };
}

type SetBinding = Binding["id"] | null;
