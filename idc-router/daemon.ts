import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import type { Command, Event } from "./core/events.ts";
import { type FoldOptions, fold, type RouterState, startState } from "./core/fold.ts";
import type { Moment, Table } from "./core/model.ts";
import type { RouterMetrics } from "./metrics.ts";

/** The router's one loop: events in, a table out. Everybody else only reads the table. */
export interface RouterDaemon {
  readonly state: RouterState;
  readonly table: Table;
  moment(): Moment;
  /** When the loop last finished a step. */
  readonly lastStepAt: Instant;
  /** The longest that a tick was late of late, ms: how long requests wait for their turn. */
  readonly lagMs: number;
  push(event: Event): void;
  /** Resolves when all that was pushed until now is in the table. */
  settled(): Promise<void>;
  /** Called at once with each new table. */
  onTable(listener: (table: Table, before: Table) => void): void;
  /** Until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export interface DaemonDeps {
  readonly options: FoldOptions;
  readonly lastGood: Table | undefined;
  /** Commands that reach out. */
  readonly onRefresh: (cluster: string) => void;
  readonly onHurry: (cluster: string) => void;
  /** null: none is kept. @throws when it cannot be written */
  readonly save: ((table: Table) => Promise<void>) | null;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: RouterMetrics;
}

const tickMs = 100;
/** Longer between two ticks, and what was not heard meanwhile says nothing. */
const stallMs = 500;
/** The table is written at most this often. */
const saveEveryMs = 1_000;
/** Events of sources are bounded by what they ask; beyond it something is wrong, and the oldest are dropped. */
const eventsMax = 200_000;

export function createDaemon(deps: DaemonDeps): RouterDaemon {
  const { clock, log, metrics, options } = deps;
  const listeners: ((table: Table, before: Table) => void)[] = [];
  let state = startState(deps.lastGood);
  let lastStepAt = clock.now();
  let lagMs = 0;
  let events: Event[] = [];
  let stepped = Promise.withResolvers<void>();
  let scheduled = false;
  let saved = state.table;
  const moment = (): Moment => ({ now: clock.now(), wall: clock.wallTime() });

  function push(event: Event): void {
    if (events.length >= eventsMax) {
      events = events.slice(eventsMax / 2);
      metrics.dropped(eventsMax / 2);
    }
    events.push(event);
    if (scheduled) return;
    scheduled = true;
    // All that arrives in one turn of the event loop is one batch.
    setImmediate(step);
  }

  function step(): void {
    scheduled = false;
    const batch = events;
    events = [];
    const startedAt = clock.now();
    const before = state.table;
    const { state: next, commands } = fold(state, batch, options, moment());
    state = next;
    lastStepAt = clock.now();
    metrics.stepped(lastStepAt - startedAt);
    for (const command of commands) execute(command);
    if (state.table !== before) {
      metrics.changed();
      for (const listener of listeners) listener(state.table, before);
    }
    stepped.resolve();
    stepped = Promise.withResolvers();
  }

  function execute(command: Command): void {
    switch (command.kind) {
      case "refreshTopics":
        deps.onRefresh(command.cluster);
        return;
      case "hurry":
        deps.onHurry(command.cluster);
        return;
      case "note":
        log[command.level](command.fields, command.sentence);
        return;
      case "older":
        metrics.older(command.source);
        log.debug({ source: command.source, detail: command.detail }, "something older was told, and changes nothing");
        return;
    }
  }

  async function tick(signal: AbortSignal): Promise<void> {
    for (let last = clock.now(); !signal.aborted; ) {
      await clock.sleep(tickMs, { signal }).catch(() => {});
      const now = clock.now();
      const late = now - last - tickMs;
      last = now;
      // It falls slowly: one quiet tick does not say that the rush is over.
      lagMs = Math.max(late, lagMs * 0.8);
      if (late > stallMs) {
        log.warn({ ms: Math.round(late) }, "the loop stood still: what it has not heard meanwhile says nothing");
        metrics.stalled();
        push({ kind: "stalled" });
      }
      push({ kind: "tick" });
    }
  }

  async function keep(save: (table: Table) => Promise<void>, signal: AbortSignal): Promise<void> {
    for (let told = false; ; ) {
      await clock.sleep(saveEveryMs, { signal }).catch(() => {});
      if (saved !== state.table) {
        const { table } = state;
        try {
          await save(table);
          saved = table;
          metrics.saved(true);
          told = false;
        } catch (error) {
          metrics.saved(false);
          if (!told) log.error({ error: messageOf(error) }, "last good table cannot be written");
          told = true;
        }
      }
      if (signal.aborted) return;
    }
  }

  return {
    get state() {
      return state;
    },
    get table() {
      return state.table;
    },
    moment,
    get lastStepAt() {
      return lastStepAt;
    },
    get lagMs() {
      return lagMs;
    },
    push,
    settled: () => (events.length === 0 ? Promise.resolve() : stepped.promise),
    onTable: (listener) => void listeners.push(listener),
    async run(signal) {
      await Promise.all([tick(signal), ...(deps.save === null ? [] : [keep(deps.save, signal)])]);
    },
  };
}
