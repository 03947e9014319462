import type { Instant } from "#lib/clock.ts";
import { resultCodes } from "#lib/remoting/codes.ts";
import { type Binding, expireAsks, inSyncData, onAsk, proofsDue, reconsider, sendProofs } from "./asks.ts";
import { brokerOf, idsOf, isHeardHere, notify, probeDue, stallAll } from "./brokers.ts";
import type { ArbiterOptions, Context, Ending, Moment } from "./context.ts";
import { driveEffects, onCanary, onRoute } from "./effects.ts";
import type {
  AskId,
  BrokerRef,
  Command,
  ConnectionId,
  ControllerAnswer,
  ControllerRequest,
  Event,
  Heartbeat,
  ProbeOutcome,
  SetEvent,
  SetRequest,
  Token,
  Transaction,
} from "./events.ts";
import { onAsked, onClosed, onHeartbeat, onProbed } from "./evidence.ts";
import { isExpired } from "./expiry.ts";
import { freezeIfBehind, freezeIfTwice, noteRival, thawIfOver } from "./freezes.ts";
import { parseKey, siteKey } from "./keys.ts";
import { applyOwn, change, load, type Mirror, newMirror, refresh, viewOfSet } from "./mirror.ts";
import { type SetName, setName } from "./model.ts";
import { onOperator } from "./operator.ts";
import { defaultPolicies, policyOf } from "./policy.ts";
import { driveQuestion } from "./questions.ts";
import { encodeSite } from "./records.ts";
import { phaseOf, type SetView } from "./set-view.ts";
import { probeSiteEveryMs, siteBeatMs } from "./timing.ts";
import { transitionBetween } from "./transitions.ts";
import { driveUpkeep, onInSync, onSettings } from "./upkeep.ts";

/** What one site's arbiter thinks. Given the same events at the same moments it gives the same commands, to the byte. */
export interface ArbiterCore {
  /** Takes one event in; what it gives is to be carried out in order, and heard of again as events. */
  step(event: Event, moment: Moment): readonly Command[];
  readonly state: ArbiterState;
  /** For reports: the same questions that the core asks itself. */
  context(moment: Moment): Context;
}

interface ArbiterState {
  readonly mirror: Mirror;
  readonly bindings: ReadonlyMap<ConnectionId, Binding>;
  /** When the last completed write was sent. */
  readonly quorumAt: Instant | null;
  readonly outsideAt: Instant | null;
}

const unheardMax = 200;
/** Sets in memory, those included that brokers speak of and the ledger does not know. */
const setsMax = 10_000;

interface Inner extends ArbiterState {
  readonly bindings: Map<ConnectionId, Binding>;
  quorumAt: Instant | null;
  outsideAt: Instant | null;
  beat: number;
  beatSentAt: Instant | null;
  beating: boolean;
  proving: boolean;
  sitesProbedAt: Instant | null;
  tokens: number;
  readonly commits: Map<
    Token,
    {
      readonly transaction: Transaction;
      readonly sentAt: Instant;
      readonly then: (ending: Ending, context: Context) => void;
    }
  >;
}

export function createArbiterCore(options: ArbiterOptions): ArbiterCore {
  const state: Inner = {
    mirror: newMirror(),
    bindings: new Map(),
    quorumAt: null,
    outsideAt: null,
    beat: 0,
    beatSentAt: null,
    beating: false,
    proving: false,
    sitesProbedAt: null,
    tokens: 0,
    commits: new Map(),
  };
  let commands: Command[] = [];
  const context = contextOf(options, state, (command) => void commands.push(command));
  return {
    state,
    context(moment) {
      context.moment = moment;
      return context;
    },
    step(event, moment) {
      commands = [];
      context.moment = moment;
      take(event, state, context);
      return commands;
    },
  };
}

/** Made once: a closure for each event would cost more than most events do. */
function contextOf(
  options: ArbiterOptions,
  state: Inner,
  emit: (command: Command) => void,
): Context & { moment: Moment } {
  const { mirror } = state;
  const { timing, site } = options;
  const context: Context & { moment: Moment } = {
    options,
    mirror,
    moment: { now: 0 as Instant, wall: 0 },
    get outsideAt() {
      return state.outsideAt;
    },
    emit,
    commit(transaction, then) {
      state.tokens += 1;
      const token = state.tokens;
      state.commits.set(token, { transaction, sentAt: context.moment.now, then });
      emit({ kind: "commit", token, transaction });
      return token;
    },
    hasQuorum: () => state.quorumAt !== null && context.moment.now - state.quorumAt <= timing.quorumProofMs,
    isMyTurn(since) {
      const voters = mirror.cluster?.value.sites ?? [];
      const own = voters.indexOf(site);
      if (own < 0 || !context.hasQuorum()) return false;
      let before = 0;
      for (let at = 0; at < own; at += 1) {
        const beat = mirror.sites.get(voters[at] ?? "");
        if (beat !== undefined && context.moment.now - beat.seenAt <= timing.leaderSilentMs) before += 1;
      }
      return context.moment.now - since >= before * timing.leaderSilentMs;
    },
    policyOf: ({ name }) => policyOf(mirror.policies?.value ?? defaultPolicies, name),
    isPaused: () => mirror.pause !== null && !isExpired(mirror.pause.value.until, context.moment.wall),
    idcOf: (view, id) => options.idcOf(view.record?.value.replicas[id]?.address ?? "", view.set),
  };
  return context;
}

function take(event: Event, state: Inner, context: Context): void {
  const { mirror, moment } = context;
  const { now } = moment;
  switch (event.kind) {
    case "tick":
      tick(state, context);
      return;
    case "heartbeat":
      heard(event.connection, event.beat, state, context);
      return;
    case "closed": {
      const bound = state.bindings.get(event.connection);
      state.bindings.delete(event.connection);
      const view = bound === undefined ? undefined : mirror.sets.get(bound.set);
      if (bound === undefined || view === undefined) return;
      const broker = brokerOf(view, bound.id, context);
      broker.evidence = onClosed(broker.evidence, event.connection, now);
      driveSet(view, context);
      return;
    }
    case "asked":
      asked(event.ask, event.connection, event.request, state, context);
      return;
    case "operator":
      onOperator(event.ask, event.request, context);
      return;
    case "ledger":
      load(mirror, event.entries, now);
      for (const view of mirror.sets.values()) afterChange(view, context);
      return;
    case "changed":
      change(mirror, event.key, event.text, event.revision, now);
      afterKey(event.key, context);
      return;
    case "committed":
    case "outdated":
    case "unanswered":
      ended(event, state, context);
      return;
    case "probed":
      probed(event.broker, event.outcome, event.tookMs, state, context);
      return;
    case "siteProbed":
      if (event.reached) state.outsideAt = now;
      return;
    case "notified":
      notified(event, context);
      return;
    case "stalled":
      for (const view of mirror.sets.values()) stallAll(view, context);
      return;
    default:
      answered(event, context);
  }
}

function answered(event: SetEvent, context: Context): void {
  const view = context.mirror.sets.get(event.kind === "settingsSeen" ? event.broker.set : event.set);
  if (view === undefined) return;
  switch (event.kind) {
    case "routeSeen":
      onRoute(view, event.master);
      break;
    case "canaried":
      onCanary(view, event.epoch, event.ok, event.detail);
      break;
    case "inSyncSeen":
      onInSync(view, event.inSyncEpoch, event.count, context);
      return;
    case "settingsSeen":
      onSettings(view, event.broker.id, event.settings, context);
      return;
  }
  driveSet(view, context);
}

function tick(state: Inner, context: Context): void {
  const { mirror, options, moment } = context;
  beat(state, context);
  for (const view of mirror.sets.values()) {
    expireAsks(view, context);
    driveSet(view, context);
  }
  prove(state, context);
  const isDue = state.sitesProbedAt === null || moment.now - state.sitesProbedAt >= probeSiteEveryMs;
  if (!isDue) return;
  state.sitesProbedAt = moment.now;
  for (const { value } of mirror.sites.values()) {
    if (value.site !== options.site)
      context.emit({ kind: "probeSite", site: value.site, controller: value.controller });
  }
}

/** I am here, with a quorum; and whom I do not hear. */
function beat(state: Inner, context: Context): void {
  const { mirror, options, moment } = context;
  if (state.beating || (state.beatSentAt !== null && moment.now - state.beatSentAt < siteBeatMs)) return;
  state.beating = true;
  state.beatSentAt = moment.now;
  state.beat += 1;
  const votes = mirror.cluster?.value.sites.includes(options.site) ?? false;
  const record = {
    site: options.site,
    controller: options.controller,
    version: options.version,
    beat: state.beat,
    votes,
    why: votes
      ? ""
      : mirror.cluster === null
        ? "the ledger names no voting sites yet: idcctl init"
        : "the ledger does not name this site",
    unheard: unheardHere(context),
  };
  context.commit(
    { compares: [], puts: [{ key: siteKey(options.site), text: encodeSite(record), onLease: true }], deletes: [] },
    () => {
      state.beating = false;
    },
  );
}

function unheardHere(context: Context): string[] {
  const names: string[] = [];
  for (const view of context.mirror.sets.values()) {
    for (const id of idsOf(view)) {
      if (names.length < unheardMax && !isHeardHere(view, id, context)) names.push(`${view.name}/${id}`);
    }
  }
  return names;
}

/** Everything that a set may need now. Cheap when it needs nothing. */
function driveSet(view: SetView, context: Context): void {
  if (view.record === null) return;
  thawIfOver(view, context);
  probeDue(view, context);
  driveQuestion(view, context);
  driveEffects(view, context);
  driveUpkeep(view, context);
  tellPhase(view, context);
}

function tellPhase(view: SetView, context: Context): void {
  const phase = phaseOf(view);
  if (phase === view.phase) return;
  const from = view.phase;
  view.phase = phase;
  const why = transitionBetween(from, phase)?.why ?? "The ledger says so";
  const fields = { set: view.name, from, to: phase, why, epoch: view.record?.value.epoch ?? 0 };
  context.emit({ kind: "note", level: phase === "held" ? "info" : "warn", sentence: "set changed its phase", fields });
}

function heard(connection: ConnectionId, heartbeat: Heartbeat, state: Inner, context: Context): void {
  const { mirror, moment, options } = context;
  if (!options.clusters.includes(heartbeat.cluster)) return;
  const name = setName(heartbeat.cluster, heartbeat.set);
  const known = mirror.sets.get(name);
  if (known === undefined && mirror.sets.size >= setsMax) return;
  const view = known ?? viewOfSet(mirror, name, moment.now);
  const { id } = heartbeat;
  state.bindings.set(connection, { set: name, id });
  if (freezeIfTwice(view, heartbeat, context)) return;
  const broker = brokerOf(view, id, context);
  const wasHeard = isHeardHere(view, id, context);
  broker.evidence = onHeartbeat(broker.evidence, { ...heartbeat, connection }, moment.now);
  if (options.idcOf(heartbeat.address, heartbeat.set) !== options.site) state.outsideAt = moment.now;
  freezeIfBehind(view, heartbeat.epoch, context);
  if (wasHeard || view.record === null) return;
  // It may have missed who is master now; a resumed one goes on as before until it is told.
  broker.tell = true;
  broker.notified = 0;
  broker.notifyAt = moment.now;
  driveSet(view, context);
}

function asked(ask: AskId, connection: ConnectionId, request: ControllerRequest, state: Inner, context: Context): void {
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
    answer({
      kind: "refused",
      code: resultCodes.CONTROLLER_BROKER_METADATA_NOT_EXIST,
      remark: "Broker metadata is not existed",
    });
    return;
  }
  const { view, caller } = found;
  if (request.kind === "registerBroker") noteRival(view, request.id, request.address, context);
  const isOwn =
    request.kind !== "registerBroker" || view.record?.value.replicas[request.id]?.address === request.address;
  if (
    caller !== null &&
    isOwn &&
    (request.kind === "electMaster" || request.kind === "registerBroker") &&
    !isTool(request)
  ) {
    const broker = brokerOf(view, caller, context);
    broker.evidence = onAsked(broker.evidence, moment.now);
  }
  onAsk(view, { ask, connection, request, caller }, context);
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

/** One proof at a time; what waits meanwhile goes with the next. */
function prove(state: Inner, context: Context): void {
  if (state.proving || !context.hasQuorum()) return;
  const due = proofsDue(context.mirror.sets.values(), context);
  if (due.length === 0) return;
  state.proving = true;
  sendProofs(due, context, (then) => {
    state.proving = false;
    prove(state, then);
  });
}

function ended(
  event: Extract<Event, { kind: "committed" | "outdated" | "unanswered" }>,
  state: Inner,
  context: Context,
): void {
  const commit = state.commits.get(event.token);
  if (commit === undefined) return;
  state.commits.delete(event.token);
  const { mirror, moment } = context;
  if (event.kind !== "unanswered" && (state.quorumAt === null || commit.sentAt > state.quorumAt))
    state.quorumAt = commit.sentAt;
  if (event.kind === "committed") applyOwn(mirror, commit.transaction, event.revision, moment.now);
  if (event.kind === "outdated") refresh(mirror, commit.transaction, event.entries, moment.now);
  commit.then(event.kind, context);
  for (const key of keysOf(commit.transaction)) afterKey(key, context);
  prove(state, context);
}

function keysOf({ compares, puts, deletes }: Transaction): Set<string> {
  return new Set([...compares.map(({ key }) => key), ...puts.map(({ key }) => key), ...deletes]);
}

function afterKey(key: string, context: Context): void {
  const parsed = parseKey(key);
  if (parsed === undefined) return;
  const name: SetName | undefined = "set" in parsed ? parsed.set : "name" in parsed ? parsed.name : undefined;
  const view = name === undefined ? undefined : context.mirror.sets.get(name);
  if (view !== undefined) afterChange(view, context);
}

function afterChange(view: SetView, context: Context): void {
  reconsider(view, context);
  driveSet(view, context);
}

function probed(ref: BrokerRef, outcome: ProbeOutcome, _tookMs: number, state: Inner, context: Context): void {
  const { mirror, moment, options } = context;
  const view = mirror.sets.get(ref.set);
  if (view === undefined) return;
  const broker = brokerOf(view, ref.id, context);
  const sentAt = broker.probeSentAt ?? moment.now;
  broker.probeSentAt = null;
  if (outcome.kind === "untried") return;
  const wasHeard = isHeardHere(view, ref.id, context);
  broker.evidence = onProbed(broker.evidence, outcome, sentAt, moment.now);
  if (outcome.kind === "answered") {
    broker.reading = { value: outcome.reading, acting: outcome.acting, sentAt };
    const isMaster = view.record?.value.master === ref.id;
    if (isMaster && outcome.acting && view.restartedAt !== null && sentAt >= view.restartedAt) view.restartedAt = null;
    if (!wasHeard) broker.tell = true;
  }
  const isOutside = options.idcOf(ref.address, view.set) !== options.site;
  if (isOutside && (outcome.kind === "answered" || outcome.kind === "failed")) state.outsideAt = moment.now;
  driveSet(view, context);
}

function notified(event: Extract<Event, { kind: "notified" }>, context: Context): void {
  const view = context.mirror.sets.get(event.broker.set);
  if (view === undefined) return;
  const broker = brokerOf(view, event.broker.id, context);
  broker.notifying = false;
  if (event.answered) broker.notified = Math.max(broker.notified, event.epoch);
  const fields = {
    set: view.name,
    broker: event.broker.id,
    epoch: event.epoch,
    answered: event.answered,
    detail: event.detail,
  };
  context.emit({ kind: "note", level: "debug", sentence: "broker told who is master", fields });
  if (event.answered && view.record !== null && event.epoch < view.record.value.epoch)
    notify(view, event.broker.id, context);
  driveSet(view, context);
}
