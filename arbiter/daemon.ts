import { setImmediate as afterIo } from "node:timers/promises";
import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf, OperatorError } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { createQueue } from "#lib/queue.ts";
import type { CallOptions } from "#lib/remoting/connections.ts";
import type { BrokerPort } from "./brokers/broker.ts";
import { type ArbiterCore, createArbiterCore } from "./core/arbiter.ts";
import { auditEntriesMax } from "./core/audit.ts";
import type { ArbiterOptions, Moment } from "./core/context.ts";
import type { DecisionRecord } from "./core/decision.ts";
import { decodeDecision } from "./core/decision-records.ts";
import type { AskId, Event, Happened, LedgerEntry } from "./core/events.ts";
import { auditFolder, decisionKey } from "./core/keys.ts";
import type { DecisionId, SetName, SiteName } from "./core/model.ts";
import type { OperatorAnswer, OperatorRequest } from "./core/operator-messages.ts";
import { stallMs } from "./core/timing.ts";
import { createExecutor } from "./executor.ts";
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
/**
 * After so long at a stretch sockets and timers have their turn: what waits there is not silence. After a turn of theirs that was
 * longer, as long as that was: else they would bring more and more that is not looked at.
 */
const stretchMsMin = 10;
const stretchMsMax = 100;
/** Events that waited for longer are as old as after a stall: what is heard then says nothing of now. */
const behindMsMax = 2_000;
const eventsMax = 50_000;
const operatorTimeoutMs = 10_000;
const decisionsReadMax = 1_000;
/** The ledger is followed again after a failure. */
const followAgainMs = 300;

export function createDaemon(deps: DaemonDeps): ArbiterDaemon {
  const { clock, log, ledger, options, metrics } = deps;
  const core = createArbiterCore(options);
  const queue = createQueue<{ readonly event: Event; readonly at: Instant }>(eventsMax);
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
    const item = { event, at: clock.now() };
    if (event.kind !== "heartbeat") queue.pushAlways(item);
    else if (!queue.push(item)) metrics.dropped();
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
      const execute = createExecutor(deps, { push, operators, door, signal });
      let stretch = { until: clock.now() + stretchMsMin };
      const take = (event: Event): void => {
        const startedAt = clock.now();
        const commands = core.step(event, moment());
        for (const command of commands) execute(command);
        lastStepAt = clock.now();
        metrics.stepped(event.kind, lastStepAt - startedAt);
      };
      let behindAt = Number.NEGATIVE_INFINITY;
      for await (const { event, at } of queue.drain(signal)) {
        if (clock.now() > stretch.until) stretch = await nextStretch();
        const now = clock.now();
        const ms = now - at;
        if (ms > behindMsMax && now - behindAt > behindMsMax) {
          behindAt = now;
          log.warn(
            { ms: Math.round(ms), waiting: queue.length },
            "the loop is behind: what it hears says nothing of now",
          );
          take({ kind: "stalled", ms });
        }
        take(event);
      }
      await Promise.all([ticking, following]);
    },
  };

  async function nextStretch(): Promise<{ readonly until: number }> {
    const before = clock.now();
    await afterIo();
    const now = clock.now();
    return { until: now + Math.min(stretchMsMax, Math.max(stretchMsMin, now - before)) };
  }

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
            all: (entries, revision, etcd) => push({ kind: "ledger", entries, revision, etcd }),
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
