import type { Event } from "../../../idc-router/core/events.ts";
import { type FoldOptions, fold, startState } from "../../../idc-router/core/fold.ts";
import type { Table } from "../../../idc-router/core/model.ts";
import type { Random } from "../random.ts";
import type { Timeline } from "../timeline.ts";
import type { Judge } from "./judge.ts";
import type { VirtualLedger } from "./ledger.ts";
import { nameServers, type VirtualNameServers } from "./name-servers.ts";
import { cluster, type Sets } from "./sets.ts";

/** One router: the real fold, and a shell that asks as the real one does. It may stand still, or start again from its last good table. */
export interface RouterProcess {
  readonly table: Table;
  restart(): void;
  stall(ms: number): void;
}

const askEveryMs = 1_000;
const topicEveryMs = 3_000;
const tickEveryMs = 500;
const batchMsMax = 20;
const hurryMs = 100;
const checkMsMax = 30;
const checkTimeoutMs = 500;
const persistMsMax = 1_000;

const foldOptions: FoldOptions = {
  clusters: [cluster],
  kafka: new Map(),
  kafkaIdcOf: () => "",
  idcOf: (address) => address.split("-")[0] ?? "",
  weightOf: () => 1,
  timing: { outAfterMs: 1_000, backAfterMs: 30_000, backAfterChecks: 5 },
  forgetAfterMs: 60_000,
};

export function startRouter(parts: {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly sets: Sets;
  readonly ledger: VirtualLedger;
  readonly nameServers: VirtualNameServers;
  readonly judge: Judge;
  readonly note: (text: string) => void;
}): RouterProcess {
  const { timeline, random, sets, ledger, judge, note } = parts;
  let state = startState();
  let persisted = state.table;
  let life = 0;
  let waiting: Event[] = [];
  let stalledUntil = 0;

  const flush = (): void => {
    const events = waiting;
    waiting = [];
    const { now } = timeline;
    for (const event of events) judge.told(event, now);
    const before = state.table;
    const folded = fold(state, events, foldOptions, { now, wall: 1_000_000 + now });
    ({ state } = folded);
    judge.look(state.table, now);
    if (state.table !== before) {
      const { table } = state;
      const masters = [...table.sets.values()].map(({ set, master, epoch }) => `${set} ${master} epoch ${epoch}`);
      note(`table ${table.revision}: ${masters.join(", ")}`);
      timeline.after(random.int(1, persistMsMax), () => {
        if (table.revision > persisted.revision) persisted = table;
      });
    }
    for (const { kind } of folded.commands) {
      if (kind === "refreshTopics") parts.nameServers.askTopic(heard(life));
      if (kind === "hurry") timeline.after(hurryMs, () => askAll(life));
    }
  };
  const soon = (of: number, event: Event): void => {
    if (of !== life) return;
    waiting.push(event);
    if (waiting.length > 1) return;
    const ms = Math.max(stalledUntil - timeline.now, 0) + random.int(0, batchMsMax);
    timeline.after(ms, () => {
      if (of === life) flush();
    });
  };
  const heard = (of: number) => (event: Event) => soon(of, event);
  const askAll = (of: number): void => {
    if (of !== life || timeline.now < stalledUntil) return;
    for (const name of nameServers) parts.nameServers.ask(name, heard(of));
  };
  const check = (of: number): void => {
    if (timeline.now < stalledUntil) return;
    for (const { set, master } of state.table.sets.values()) {
      if (master === null) continue;
      const sentAt = timeline.now;
      const isThere = sets.isUp(master);
      timeline.after(isThere ? random.int(1, checkMsMax) : checkTimeoutMs, () =>
        soon(of, { kind: "checked", cluster, set, address: master, sentAt, failure: isThere ? null : "no answer" }),
      );
    }
  };
  const every = (of: number, ms: number, task: () => void): void => {
    if (of !== life) return;
    task();
    timeline.after(ms, () => every(of, ms, task));
  };
  const live = (): void => {
    const of = life;
    judge.began(state.table);
    ledger.follow(heard(of));
    every(of, askEveryMs, () => askAll(of));
    every(of, askEveryMs, () => check(of));
    every(of, topicEveryMs, () => parts.nameServers.askTopic(heard(of)));
    every(of, tickEveryMs, () => soon(of, { kind: "tick" }));
  };
  live();
  return {
    get table() {
      return state.table;
    },
    restart() {
      life += 1;
      waiting = [];
      stalledUntil = 0;
      state = startState(persisted);
      live();
    },
    stall(ms) {
      stalledUntil = timeline.now + ms;
      const of = life;
      timeline.after(ms, () => {
        if (of !== life) return;
        // The loop notices by its timer, before or after it has read what its sockets have.
        const stalled: Event = { kind: "stalled" };
        if (random.chance(0.5)) waiting.unshift(stalled);
        else waiting.push(stalled);
        flush();
      });
    },
  };
}
