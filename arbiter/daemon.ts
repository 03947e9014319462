import { assert } from "#lib/assert.ts";
import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf, OperatorError } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { createQueue } from "#lib/queue.ts";
import type { CallOptions } from "#lib/remoting/connections.ts";
import type { BrokerPort } from "./brokers/broker.ts";
import { type ArbiterCore, createArbiterCore } from "./core/arbiter.ts";
import { auditEntriesMax } from "./core/audit.ts";
import type { ArbiterOptions, Moment } from "./core/context.ts";
import type {
  AskId,
  BrokerRef,
  Command,
  Event,
  Happened,
  LedgerEntry,
  OperatorAnswer,
  OperatorRequest,
  ProbeOutcome,
} from "./core/events.ts";
import { auditFolder, decisionKey } from "./core/keys.ts";
import type { DecisionId, DecisionRecord, SetName, SiteName } from "./core/model.ts";
import { decodeDecision } from "./core/records.ts";
import { stallMs } from "./core/timing.ts";
import type { Door } from "./io/door.ts";
import type { Ledger, LedgerHealth } from "./ledger.ts";
import type { ArbiterMetrics } from "./metrics.ts";

/** The arbiter's one loop: events in, commands out, nothing decided outside of the core. */
export interface ArbiterDaemon {
  readonly core: ArbiterCore;
  moment(): Moment;
  /** When the loop last finished a step. */
  readonly lastStepAt: Instant;
  /** For the door. */
  push(event: Event): void;
  /** `who`: for the audit log. */
  operate(request: OperatorRequest, options: { who: string; signal: AbortSignal }): Promise<OperatorAnswer>;
  /** Newest first. */
  decisions(name: SetName | null, options: { limit: number; signal: AbortSignal }): Promise<readonly DecisionRecord[]>;
  /** null: there is none. */
  decision(id: DecisionId, signal: AbortSignal): Promise<DecisionRecord | null>;
  /** All of a site's chain in the audit log, at one revision. */
  auditChain(site: SiteName, signal: AbortSignal): Promise<readonly LedgerEntry[]>;
  ledgerHealth(signal: AbortSignal): Promise<LedgerHealth>;
  /** Until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export interface DaemonDeps {
  readonly options: ArbiterOptions;
  readonly ledger: Ledger;
  /** By cluster; undefined: the config does not have it. */
  readonly brokers: (cluster: string) => BrokerPort | undefined;
  /** Does another arbiter's controller door answer there? */
  readonly reaches: (controller: string, options: CallOptions) => Promise<boolean>;
  /** Called at once: it may queue, and nothing else. */
  readonly onHappened: (happened: Happened) => void;
  readonly openDoor: (wiring: {
    onEvent: (event: Event) => void;
    nextAsk: () => AskId;
    signal: AbortSignal;
  }) => Promise<Door>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ArbiterMetrics;
}

const tickMs = 50;
const eventsMax = 50_000;
/** A role change may wait for an HA client that sits out its 5 s. */
const notifyTimeoutMs = 8_000;
const callTimeoutMs = 1_500;
const canaryTimeoutMs = 3_000;
const operatorTimeoutMs = 10_000;
const decisionsReadMax = 1_000;
/** The ledger is followed again after a failure. */
const followAgainMs = 300;

export function createDaemon(deps: DaemonDeps): ArbiterDaemon {
  const { clock, log, ledger, options, metrics } = deps;
  const core = createArbiterCore(options);
  const queue = createQueue<Event>(eventsMax);
  const operators = new Map<AskId, (answer: OperatorAnswer) => void>();
  let lastStepAt = clock.now();
  let asks = 0;
  const moment = (): Moment => ({ now: clock.now(), wall: clock.wallTime() });
  const nextAsk = (): AskId => {
    asks += 1;
    return asks;
  };
  /** Heartbeats come again; all else is bounded by what we or our brokers have under way, and must not be lost. */
  const push = (event: Event): void => {
    if (event.kind !== "heartbeat") queue.pushAlways(event);
    else if (!queue.push(event)) metrics.dropped();
  };

  const daemon: ArbiterDaemon = {
    core,
    moment,
    get lastStepAt() {
      return lastStepAt;
    },
    push,
    async operate(request, { who, signal }) {
      const ask = nextAsk();
      const answer = Promise.withResolvers<OperatorAnswer>();
      operators.set(ask, answer.resolve);
      push({ kind: "operator", ask, request, who });
      const late = AbortSignal.any([signal, AbortSignal.timeout(operatorTimeoutMs)]);
      const onLate = (): void =>
        answer.reject(
          new OperatorError("ARB_NO_ANSWER", `${request.kind} was not answered in ${operatorTimeoutMs} ms`, {
            hint: "Look whether it was done: idcctl status",
          }),
        );
      late.addEventListener("abort", onLate, { once: true });
      try {
        return await answer.promise;
      } finally {
        late.removeEventListener("abort", onLate);
        operators.delete(ask);
      }
    },
    async decisions(name, { limit, signal }) {
      const entries = await ledger.list(name === null ? "decisions/" : `decisions/${name}/`, { limit, signal });
      return entries.map(({ key, text }) => decodeDecision(text, key));
    },
    async decision(id, signal) {
      const key = decisionKey(id);
      // The ledger lists what a text begins: also the epochs that go on with more digits.
      const entries = await ledger.list(key, { limit: decisionsReadMax, signal });
      const found = entries.find((entry) => entry.key === key);
      return found === undefined ? null : decodeDecision(found.text, key);
    },
    // One more than there can be, and the head: a chain that somebody has made longer is seen as such.
    auditChain: (site, signal) => ledger.list(auditFolder(site), { limit: auditEntriesMax + 2, signal }),
    ledgerHealth: (signal) => ledger.health({ signal }),
    async run(signal) {
      await using door = await deps.openDoor({ onEvent: push, nextAsk, signal });
      const ticking = tick(signal);
      const following = follow(signal);
      const execute = executor(deps, { push, operators, door, signal });
      for await (const event of queue.drain(signal)) {
        const startedAt = clock.now();
        const commands = core.step(event, moment());
        for (const command of commands) execute(command);
        lastStepAt = clock.now();
        metrics.stepped(event.kind, lastStepAt - startedAt);
      }
      await Promise.all([ticking, following]);
    },
  };

  async function tick(signal: AbortSignal): Promise<void> {
    for (let last = clock.now(); !signal.aborted; ) {
      await clock.sleep(tickMs, { signal }).catch(() => {});
      const now = clock.now();
      const ms = now - last;
      last = now;
      if (ms > stallMs) {
        log.warn({ ms: Math.round(ms) }, "the loop stood still: what it has not heard meanwhile says nothing");
        push({ kind: "stalled", ms });
      }
      push({ kind: "tick" });
    }
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await ledger.follow(
          {
            all: (entries, revision) => push({ kind: "ledger", entries, revision }),
            changed: (key, text, revision) => push({ kind: "changed", key, text, revision }),
          },
          { signal },
        );
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ error: messageOf(error) }, "ledger cannot be followed");
        await clock.sleep(followAgainMs, { signal }).catch(() => {});
      }
    }
  }
  return daemon;
}

function nameOf(name: SetName): { cluster: string; set: string } {
  const [cluster = "", set = ""] = name.split("/");
  return { cluster, set };
}

/** Carries a command out, and lets its outcome come back as an event. Never waits: the loop goes on. */
function executor(
  { brokers, reaches, onHappened, ledger, clock, log, metrics, options }: DaemonDeps,
  io: {
    push(event: Event): void;
    operators: ReadonlyMap<AskId, (answer: OperatorAnswer) => void>;
    door: Door;
    signal: AbortSignal;
  },
): (command: Command) => void {
  const { push, operators, door, signal } = io;
  const background = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      if (!signal.aborted) log.error({ error: messageOf(error) }, "a command failed in a way nobody expected");
    });
  };
  const call = { timeoutMs: callTimeoutMs, signal };
  const { probeTimeoutMs } = options.timing;
  const portOf = (set: SetName): BrokerPort => {
    const port = brokers(nameOf(set).cluster);
    assert(port !== undefined, "the core decides only over clusters of the config");
    return port;
  };
  const addressOf = ({ address }: BrokerRef): string => address;

  return (command) => {
    switch (command.kind) {
      case "answer":
        door.answer(command.ask, command.answer);
        metrics.answered(command.answer);
        return;
      case "answerOperator":
        operators.get(command.ask)?.(command.answer);
        return;
      case "commit":
        background(commit(command.token, command.transaction));
        return;
      case "probe":
        background(probe(command.broker, command.sentAt));
        return;
      case "probeSite":
        background(
          reaches(command.controller, { timeoutMs: callTimeoutMs, signal }).then((reached) => {
            push({ kind: "siteProbed", site: command.site, reached });
          }),
        );
        return;
      case "notify": {
        const { broker, info, deposed } = command;
        background(
          portOf(broker.set)
            .notify(addressOf(broker), { id: broker.id, info, deposed }, { timeoutMs: notifyTimeoutMs, signal })
            .catch((error: unknown) => ({ answered: false, detail: messageOf(error) }))
            .then((result) => {
              push({ kind: "notified", broker, epoch: info.epoch, ...result });
            }),
        );
        return;
      }
      case "readRoute":
        background(readRoute(command.set));
        return;
      case "canary":
        background(
          portOf(command.set)
            .canary(command.address, nameOf(command.set).set, { timeoutMs: canaryTimeoutMs, signal })
            .catch((error: unknown) => ({ ok: false, detail: messageOf(error) }))
            .then((result) => push({ kind: "canaried", set: command.set, epoch: command.epoch, ...result })),
        );
        return;
      case "readInSync":
        background(
          portOf(command.set)
            .inSyncCount(command.address, call)
            .then(
              (count) => push({ kind: "inSyncSeen", set: command.set, inSyncEpoch: command.inSyncEpoch, count }),
              (error: unknown) => log.debug({ set: command.set, error: messageOf(error) }, "in-sync count not read"),
            ),
        );
        return;
      case "readSettings":
        background(
          portOf(command.broker.set)
            .settings(addressOf(command.broker), call)
            .then((settings) => {
              push({ kind: "settingsSeen", broker: command.broker, settings });
            }),
        );
        return;
      case "readRole": {
        const { broker, sentAt } = command;
        background(
          portOf(broker.set)
            .isMaster(addressOf(broker), call)
            .then((isMaster) => push({ kind: "roleSeen", broker, sentAt, isMaster })),
        );
        return;
      }
      case "raiseBarrier": {
        const { broker, minInSyncReplicas } = command;
        background(
          portOf(broker.set)
            .raiseBarrier(addressOf(broker), { minInSyncReplicas }, call)
            .catch((error: unknown) => ({ ok: false, detail: messageOf(error) }))
            .then((result) => push({ kind: "barrierRaised", broker, minInSyncReplicas, ...result })),
        );
        return;
      }
      case "lowerBarrier": {
        const { broker, minInSyncReplicas, brokerPermission } = command;
        background(
          portOf(broker.set)
            .lowerBarrier(addressOf(broker), { minInSyncReplicas, brokerPermission }, call)
            .catch((error: unknown) => ({ ok: false, detail: messageOf(error) }))
            .then((result) => push({ kind: "barrierLowered", broker, minInSyncReplicas, ...result })),
        );
        return;
      }
      case "reregister":
        background(
          portOf(command.broker.set)
            .reregister(addressOf(command.broker), call)
            .catch((error: unknown) => {
              log.warn(
                { broker: command.broker, error: messageOf(error) },
                "broker could not be made to register again",
              );
            }),
        );
        return;
      case "happened":
        onHappened(command.happened);
        return;
      case "note":
        log[command.level](command.fields, command.sentence);
        metrics.noted(command.sentence, command.fields);
        return;
    }
  };

  async function commit(
    token: number,
    transaction: Extract<Command, { kind: "commit" }>["transaction"],
  ): Promise<void> {
    const sentAt = clock.now();
    try {
      const outcome = await ledger.commit(transaction, { signal });
      const tookMs = clock.now() - sentAt;
      metrics.committed(outcome.kind, tookMs);
      if (outcome.kind === "committed") push({ kind: "committed", token, revision: outcome.revision, tookMs });
      else push({ kind: "outdated", token, entries: outcome.entries, revision: outcome.revision, tookMs });
    } catch (error) {
      metrics.committed("unanswered", clock.now() - sentAt);
      push({ kind: "unanswered", token, detail: messageOf(error) });
    }
  }

  async function probe(broker: BrokerRef, sentAt: Instant): Promise<void> {
    const outcome = await portOf(broker.set)
      .probe(broker.address, { timeoutMs: probeTimeoutMs, signal })
      .catch((error: unknown): ProbeOutcome => ({ kind: "untried", detail: messageOf(error) }));
    if (outcome.kind === "untried" && !signal.aborted) {
      log.error({ broker, detail: outcome.detail }, "a broker cannot be probed from here");
    }
    push({ kind: "probed", broker, sentAt, outcome });
  }

  async function readRoute(set: SetName): Promise<void> {
    const { cluster, set: name } = nameOf(set);
    const master = await portOf(set)
      .routedMaster(cluster, name, call)
      .catch(() => null);
    push({ kind: "routeSeen", set, master });
  }
}
