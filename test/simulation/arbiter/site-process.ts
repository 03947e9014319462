import { type ArbiterCore, createArbiterCore } from "../../../arbiter/core/arbiter.ts";
import type { ControllerAnswer, ControllerRequest } from "../../../arbiter/core/controller-messages.ts";
import type { Command, Event } from "../../../arbiter/core/events.ts";
import { carryOut, type Shell } from "./carry-out.ts";
import type { Net, Site } from "./net.ts";
import { optionsOf } from "./places.ts";
import type { Surroundings } from "./virtual-broker.ts";
import type { VirtualEtcd } from "./virtual-etcd.ts";

/** One site's arbiter: the real core, in a process that may be killed, or stand still with all that it has under way. */
export interface SiteProcess {
  readonly isUp: boolean;
  start(): void;
  stop(): void;
  stall(ms: number): void;
  push(event: Event): void;
  ask(request: ControllerRequest, connection: number, answer: (of: ControllerAnswer) => void): void;
}

export interface SiteSurroundings {
  readonly net: Net;
  readonly etcd: VirtualEtcd;
  readonly brokers: Pick<Surroundings, "brokerAt" | "route">;
  /** This site's wall clock is so far off. */
  readonly skewMs: number;
  isSiteUp(site: Site): boolean;
  note(text: string): void;
  /** Every command before it is carried out: the process may die before it, or right after it. */
  onCommand(site: Site, command: Command): "go" | "die" | "go and die";
  /** Before each step, and what it gives. */
  readonly onStep?:
    | { before(core: ArbiterCore): void; gives(site: Site, commands: readonly Command[]): void }
    | undefined;
}

const tickMs = 50;
const wallStart = 1_790_000_000_000;

export function createSiteProcess(site: Site, around: SiteSurroundings): SiteProcess {
  const { net, etcd } = around;
  const { timeline, random } = net;
  let core: ArbiterCore = createArbiterCore(optionsOf(site));
  let life = 0;
  let isUp = false;
  let stalledUntil = 0;
  let asks = 0;
  let answers = new Map<number, (answer: ControllerAnswer) => void>();
  /** What happens to a process that stands still, happens when it goes on. */
  let held: (() => void)[] = [];

  const awake = (of: number, task: () => void): void => {
    if (!isUp || life !== of) return;
    if (timeline.now < stalledUntil) held.push(task);
    else task();
  };
  const step = (event: Event): void => {
    const of = life;
    const moment = { now: timeline.now, wall: wallStart + around.skewMs + timeline.now };
    around.onStep?.before(core);
    const commands = core.step(event, moment);
    around.onStep?.gives(site, commands);
    for (const command of commands) {
      if (life !== of) return;
      const fate = around.onCommand(site, command);
      if (fate !== "die") carryOut(command, shell(of));
      if (fate !== "go") self.stop();
    }
  };
  const shell = (of: number): Shell => ({
    site,
    net,
    etcd,
    brokers: around.brokers,
    isSiteUp: around.isSiteUp,
    note: around.note,
    back: (event) => awake(of, () => step(event)),
    later: (ms, task) => void timeline.after(ms, () => awake(of, task)),
    answer(ask, answer) {
      answers.get(ask)?.(answer);
      answers.delete(ask);
    },
  });

  const self: SiteProcess = {
    get isUp() {
      return isUp;
    },
    start() {
      if (isUp) return;
      core = createArbiterCore(optionsOf(site));
      life += 1;
      isUp = true;
      stalledUntil = 0;
      answers = new Map();
      held = [];
      const of = life;
      const { back } = shell(of);
      etcd.follow(site, {
        all: (entries, revision, id) => back({ kind: "ledger", entries, revision, etcd: id }),
        changed: (key, text, revision) => back({ kind: "changed", key, text, revision }),
      });
      const tick = (): void => {
        if (!isUp || life !== of) return;
        if (timeline.now >= stalledUntil) step({ kind: "tick" });
        timeline.after(tickMs, tick);
      };
      timeline.after(random.int(0, tickMs), tick);
    },
    stop() {
      if (!isUp) return;
      isUp = false;
      life += 1;
      etcd.forget(site);
    },
    stall(ms) {
      if (!isUp) return;
      stalledUntil = timeline.now + ms;
      const of = life;
      timeline.after(ms, () => {
        if (!isUp || life !== of || timeline.now < stalledUntil) return;
        const tasks = held;
        held = [];
        const noticed = (): void => awake(of, () => step({ kind: "stalled", ms }));
        // The loop notices by its timer, before or after it has read what its sockets have.
        const isEarly = random.chance(0.5);
        if (isEarly) noticed();
        for (const task of tasks) awake(of, task);
        if (!isEarly) noticed();
      });
    },
    push: (event) => awake(life, () => step(event)),
    ask(request, connection, answer) {
      asks += 1;
      const ask = asks;
      answers.set(ask, answer);
      self.push({ kind: "asked", ask, connection, request });
    },
  };
  return self;
}
