import { createHash } from "node:crypto";
import { type ArbiterCore, createArbiterCore } from "../../../arbiter/core/arbiter.ts";
import type { Command, ControllerAnswer, ControllerRequest, Event } from "../../../arbiter/core/events.ts";
import { setName } from "../../../arbiter/core/model.ts";
import { decodeDecision, decodeSet } from "../../../arbiter/core/records.ts";
import { createRandom } from "../random.ts";
import { createTimeline } from "../timeline.ts";
import { type Ack, createJudge, type Judge } from "./judge.ts";
import { createNet, type Net, type Site, sites } from "./net.ts";
import { type Broker, createVirtualBroker, type Surroundings } from "./virtual-broker.ts";
import { createVirtualEtcd } from "./virtual-etcd.ts";

/** One life of three arbiters and a broker set of three, from a seed: faults at random, then peace, then what must hold. */
export interface Outcome {
  readonly acked: number;
  readonly decisions: number;
  readonly failovers: number;
  readonly switches: number;
  readonly takenBack: number;
  readonly epoch: number;
  readonly hash: string;
  readonly notes: readonly string[];
  readonly acks: readonly Ack[];
}

export interface RunOptions {
  readonly trace?: boolean;
  /** Called once the set is complete, in place of faults at random. */
  readonly strike?: (faults: Faults) => void;
  /** Nothing happens to brokers and lines, only to arbiters; and masters acknowledge what they alone have. */
  readonly calm?: boolean;
}

const cluster = "C1";
const set = "bs1";
const calmMs = 20_000;
const faultsMs = 60_000;
const healMs = 75_000;
const messageEveryMs = 120;
const tickMs = 50;
const wallStart = 1_790_000_000_000;
const policies = JSON.stringify({ policies: [{ match: "*", rpo: "best-effort", cooldownMs: 0 }] });

const places = [
  { name: "b1", site: "idc1", address: "10.1.0.1:10911" },
  { name: "b2", site: "idc1", address: "10.1.0.2:10911" },
  { name: "b3", site: "idc2", address: "10.2.0.1:10911" },
] as const;

const timing = {
  probeTimeoutMs: 500,
  suspectAfterMs: 2_500,
  leaderSilentMs: 700,
  demoteFirstMs: 400,
  offsetReadMs: 300,
  gatherMs: 3_000,
  quorumProofMs: 2_000,
};

const callMsMax = 1_500;
/** From its asking to its promotion. */
const switchMsUsual = 400;

interface SiteProcess {
  core: ArbiterCore;
  life: number;
  up: boolean;
  stalledUntil: number;
  readonly answers: Map<number, (answer: ControllerAnswer) => void>;
  asks: number;
  queued: Event[];
}

export function run(seed: number, options: RunOptions = {}): Outcome {
  const random = createRandom(seed);
  const timeline = createTimeline();
  const net = createNet(timeline, random);
  const etcd = createVirtualEtcd(net);
  const judge = createJudge();
  const digest = createHash("sha256");
  const notes: string[] = [];
  const note = (text: string): void => {
    const line = `${(timeline.now / 1_000).toFixed(3)} ${text}`;
    digest.update(line);
    if (options.trace === true) console.log(line);
    notes.push(line);
  };
  const brokers: Broker[] = [];
  const processes = new Map<Site, SiteProcess>();
  let connections = 0;

  const around: Surroundings = {
    net,
    set,
    cluster,
    acksAlone: options.calm === true,
    route: { master: null, epoch: 0 },
    door: (site) => {
      const process = processes.get(site);
      if (process === undefined || !process.up) return undefined;
      return {
        push: (event) => push(site, event),
        ask(request: ControllerRequest, connection: number, answer) {
          process.asks += 1;
          process.answers.set(process.asks, answer);
          push(site, { kind: "asked", ask: process.asks, connection, request });
        },
      };
    },
    brokerAt: (address) => brokers.find((broker) => broker.address === address),
    nextConnection: () => ++connections,
  };
  for (const place of places) brokers.push(createVirtualBroker(place, around));

  const start = (site: Site): void => {
    const process: SiteProcess = {
      core: createArbiterCore({
        site,
        controller: `${site}:9878`,
        version: "simulated",
        clusters: [cluster],
        timing,
        idcOf: (address) => places.find((place) => place.address === address)?.site ?? "",
        canary: true,
      }),
      life: (processes.get(site)?.life ?? 0) + 1,
      up: true,
      stalledUntil: 0,
      answers: new Map(),
      asks: 0,
      queued: [],
    };
    processes.set(site, process);
    const { life } = process;
    etcd.follow(site, {
      all: (entries) => push(site, { kind: "ledger", entries }, life),
      changed: (key, text, revision) => push(site, { kind: "changed", key, text, revision }, life),
    });
    const tick = (): void => {
      if (processes.get(site)?.life !== life || !process.up) return;
      push(site, { kind: "tick" }, life);
      timeline.after(tickMs, tick);
    };
    timeline.after(random.int(0, tickMs), tick);
  };
  const stop = (site: Site): void => {
    const process = processes.get(site);
    if (process === undefined || !process.up) return;
    process.up = false;
    process.life += 1;
    etcd.forget(site);
  };

  const push = (site: Site, event: Event, life?: number): void => {
    const process = processes.get(site);
    if (process === undefined || !process.up || (life !== undefined && process.life !== life)) return;
    if (timeline.now < process.stalledUntil) {
      process.queued.push(event);
      return;
    }
    step(site, process, event);
  };
  const step = (site: Site, process: SiteProcess, event: Event): void => {
    const commands = process.core.step(event, { now: timeline.now, wall: wallStart + timeline.now });
    for (const command of commands) execute(site, process, command);
  };
  const stall = (site: Site, ms: number): void => {
    const process = processes.get(site);
    if (process === undefined || !process.up) return;
    process.stalledUntil = timeline.now + ms;
    const { life } = process;
    timeline.after(ms, () => {
      if (process.life !== life || !process.up) return;
      const queued = process.queued;
      process.queued = [];
      step(site, process, { kind: "stalled", ms });
      for (const event of queued) step(site, process, event);
    });
  };

  const execute = (site: Site, process: SiteProcess, command: Command): void => {
    const { life } = process;
    const back = (event: Event): void => push(site, event, life);
    switch (command.kind) {
      case "answer":
        process.answers.get(command.ask)?.(command.answer);
        process.answers.delete(command.ask);
        return;
      case "answerOperator":
        note(`${site} operator: ${JSON.stringify(command.answer)}`);
        return;
      case "commit":
        etcd.commit(site, command.transaction, (outcome) => {
          const { token } = command;
          if (outcome === "unanswered") back({ kind: "unanswered", token, detail: "" });
          else if (outcome.kind === "committed")
            back({ kind: "committed", token, revision: outcome.revision, tookMs: 0 });
          else back({ kind: "outdated", token, entries: outcome.entries, tookMs: 0 });
        });
        return;
      case "probe": {
        let over = false;
        const end = (event: Event): void => {
          if (over) return;
          over = true;
          back(event);
        };
        const { broker, sentAt } = command;
        timeline.after(timing.probeTimeoutMs, () =>
          end({ kind: "probed", broker, sentAt, outcome: { kind: "timedOut", detail: "" } }),
        );
        around.brokerAt(broker.address)?.probe(site, (outcome) => end({ kind: "probed", broker, sentAt, outcome }));
        return;
      }
      case "probeSite": {
        const to = command.site as Site;
        net.send(site, to, () => {
          if (processes.get(to)?.up === true)
            net.send(to, site, () => back({ kind: "siteProbed", site: to, reached: true }));
        });
        return;
      }
      case "notify": {
        const { broker, info } = command;
        let over = false;
        const end = (answered: boolean): void => {
          if (over) return;
          over = true;
          back({ kind: "notified", broker, epoch: info.epoch, answered, detail: "" });
        };
        timeline.after(8_000, () => end(false));
        around.brokerAt(broker.address)?.notify(site, info, end);
        return;
      }
      case "readRoute":
        timeline.after(random.int(2, 30), () =>
          back({ kind: "routeSeen", set: command.set, master: around.route.master }),
        );
        return;
      case "canary": {
        const { set: name, epoch, address } = command;
        const broker = around.brokerAt(address);
        timeline.after(random.int(5, 40), () => {
          const ok =
            broker?.role === "master" &&
            broker.state === "up" &&
            net.passes(site, broker.site) &&
            net.passes(broker.site, site);
          back({ kind: "canaried", set: name, epoch, ok, detail: "read back" });
        });
        return;
      }
      case "readInSync": {
        const broker = around.brokerAt(command.address);
        timeline.after(random.int(2, 30), () => {
          if (broker?.state !== "up" || !net.passes(site, broker.site) || !net.passes(broker.site, site)) return;
          back({ kind: "inSyncSeen", set: command.set, inSyncEpoch: command.inSyncEpoch, count: broker.inSyncCount() });
        });
        return;
      }
      case "readSettings": {
        const { broker } = command;
        const end = once((event: Event) => back(event));
        timeline.after(callMsMax, () => end({ kind: "settingsSeen", broker, settings: null }));
        around.brokerAt(broker.address)?.settings(site, (minInSyncReplicas) =>
          end({
            kind: "settingsSeen",
            broker,
            settings: {
              allAckInSyncStateSet: true,
              minInSyncReplicas,
              flushDiskType: "ASYNC_FLUSH",
              brokerPermission: 6,
            },
          }),
        );
        return;
      }
      case "raiseBarrier":
      case "lowerBarrier": {
        const { broker, minInSyncReplicas } = command;
        const kind = command.kind === "raiseBarrier" ? "barrierRaised" : "barrierLowered";
        const end = once((ok: boolean) => back({ kind, broker, minInSyncReplicas, ok, detail: "" }));
        timeline.after(callMsMax, () => end(false));
        around
          .brokerAt(broker.address)
          ?.change(site, minInSyncReplicas, command.kind === "lowerBarrier", () => end(true));
        return;
      }
      case "reregister":
        net.send(site, around.brokerAt(command.broker.address)?.site ?? site, () =>
          around.brokerAt(command.broker.address)?.reregister(),
        );
        return;
      case "happened":
        return;
      case "note":
        note(`${site} ${command.sentence} ${JSON.stringify(command.fields)}`);
        return;
    }
  };

  etcd.onApplied((transaction) => {
    for (const { key, text } of transaction.puts) {
      if (key.startsWith("decisions/")) judge.decided(decodeDecision(text), timeline.now);
      if (key.startsWith("sets/")) judge.recorded(decodeSet(text));
    }
  });

  for (const site of sites) start(site);
  // Asked until it is done: a site may have no quorum proof yet. Once it is done it is refused.
  for (const [nth, at] of [600, 1_200, 1_700, 2_400].entries()) {
    const request = { kind: "init", sites, incarnation: "one" } as const;
    timeline.after(at, () => push("idc1", { kind: "operator", ask: 1_000_000 + nth, request }));
  }
  for (const [nth, at] of [1_500, 2_500, 3_500].entries()) {
    const request = { kind: "applyPolicies", text: policies } as const;
    timeline.after(at, () => push("idc1", { kind: "operator", ask: 1_100_000 + nth, request }));
  }
  for (const [index, broker] of brokers.entries()) timeline.after(2_000 + index * 1_500, () => broker.start());

  let messages = 0;
  const client = (): void => {
    timeline.after(messageEveryMs, client);
    for (const broker of brokers) {
      if (broker.role !== "master" || broker.state !== "up") continue;
      messages += 1;
      const message = `m${messages}`;
      const sentAt = timeline.now;
      broker.send(message, () =>
        judge.acked({ message, broker: broker.name, epoch: broker.epoch, sentAt, at: timeline.now }),
      );
    }
  };
  timeline.after(messageEveryMs, client);
  let switches = 0;
  /** An operator, at any site, wants any broker. */
  const switchMaster = (): void => {
    switches += 1;
    const to = String(random.int(1, brokers.length));
    const name = setName(cluster, set);
    const site = random.pick(sites);
    note(`OPERATOR switch to ${to} at ${site}`);
    const request = { kind: "switch", set: name, to, reason: "", dryRun: false } as const;
    push(site, { kind: "operator", ask: 2_000_000 + switches, request });
  };
  const faults = {
    net,
    switchMaster,
    brokers,
    random,
    note,
    start,
    stop,
    stall,
    isUp: (site: Site) => processes.get(site)?.up === true,
  };
  const faultsUntil = calmMs + faultsMs;
  const strikeAgain = (): void => {
    if (timeline.now < faultsUntil) {
      if (options.calm === true) strikeArbiters(faults);
      else strike(faults);
      timeline.after(random.int(200, 9_000), strikeAgain);
      return;
    }
    makePeace();
  };
  const makePeace = (): void => {
    note("peace");
    net.heal();
    for (const site of sites) if (!faults.isUp(site)) start(site);
    for (const broker of brokers) {
      broker.resume();
      broker.start();
    }
  };
  const { strike: strikeOnce } = options;
  if (strikeOnce === undefined) {
    timeline.after(calmMs, strikeAgain);
    for (const at of [calmMs - 6_000, calmMs + faultsMs + 40_000]) timeline.after(at, switchMaster);
  } else {
    timeline.after(calmMs, () => strikeOnce(faults));
    timeline.after(faultsUntil, makePeace);
  }
  const until = faultsUntil + healMs;
  try {
    while (timeline.now < until && timeline.runNext()) judge.look(brokers);
    return atPeace(seed, { judge, brokers, etcd: etcd.entries, digest: digest.digest("hex"), notes });
  } catch (error) {
    throw new Error(
      `seed ${seed} at ${(timeline.now / 1_000).toFixed(3)} s: ${(error as Error).message}\n${notes.slice(-60).join("\n")}`,
    );
  }
}

function once<Value>(act: (value: Value) => void): (value: Value) => void {
  let over = false;
  return (value) => {
    if (over) return;
    over = true;
    act(value);
  };
}

export interface Faults {
  readonly net: Net;
  switchMaster(): void;
  readonly brokers: readonly Broker[];
  readonly random: Net["random"];
  note(text: string): void;
  start(site: Site): void;
  stop(site: Site): void;
  stall(site: Site, ms: number): void;
  isUp(site: Site): boolean;
}

/** One fault, or the end of one; often just while a switch is under way. */
function strike(faults: Faults): void {
  const { net, random, switchMaster } = faults;
  if (!random.chance(0.3)) {
    strikeOnce(faults);
    return;
  }
  switchMaster();
  if (random.chance(0.6)) net.timeline.after(random.int(1, switchMsUsual), () => strikeOnce(faults));
}

function strikeOnce({ net, brokers, random, note, start, stop, stall, isUp }: Faults): void {
  const broker = random.pickAny(brokers);
  const site = random.pick(sites);
  const other = random.pick(sites);
  const master = brokers.find(({ role, state }) => role === "master" && state === "up");
  const of = random.chance(0.5) ? (master ?? broker) : broker;
  if (of === undefined) return;
  switch (random.int(0, 11)) {
    case 0:
    case 1:
      note(`FAULT kill ${of.name}`);
      of.kill();
      return;
    case 2:
    case 3: {
      const down = random.pickAny(brokers.filter(({ state }) => state === "down"));
      note(`FAULT start ${down?.name}`);
      down?.start();
      return;
    }
    case 4:
      note(`FAULT kill and start ${of.name}`);
      of.kill();
      of.start();
      return;
    case 5:
      note(`FAULT freeze ${of.name}`);
      of.freeze();
      return;
    case 6:
      for (const one of brokers) one.resume();
      note("FAULT resume all");
      return;
    case 7:
      note(`FAULT cut ${site} -> ${other}`);
      if (site !== other) net.set(site, other, false);
      return;
    case 8:
      note(`FAULT cut around ${site}`);
      for (const one of sites) {
        if (one === site) continue;
        net.set(site, one, false);
        net.set(one, site, false);
      }
      return;
    case 9:
      note("FAULT heal");
      net.heal();
      return;
    case 10:
      note(`FAULT ${isUp(site) ? "kill" : "start"} arbiter ${site}`);
      if (isUp(site)) stop(site);
      else start(site);
      return;
    case 11: {
      const ms = random.int(300, 6_000);
      note(`FAULT stall arbiter ${site} ${ms} ms`);
      stall(site, ms);
    }
  }
}

/** Switches, while arbiters die, stand still, and come back. */
function strikeArbiters(faults: Faults): void {
  const { net, random, switchMaster } = faults;
  if (random.chance(0.7)) switchMaster();
  net.timeline.after(random.int(1, switchMsUsual), () => strikeArbiter(faults));
}

function strikeArbiter({ random, note, start, stop, stall, isUp }: Faults): void {
  const site = random.pick(sites);
  switch (random.int(0, 3)) {
    case 0:
      note(`FAULT ${isUp(site) ? "kill" : "start"} arbiter ${site}`);
      if (isUp(site)) stop(site);
      else start(site);
      return;
    case 1: {
      const ms = random.int(50, 6_000);
      note(`FAULT stall arbiter ${site} ${ms} ms`);
      stall(site, ms);
      return;
    }
    default:
      for (const one of sites) if (!isUp(one)) start(one);
  }
}

/** After two minutes of peace all is as before, and nothing that was acknowledged is gone. */
function atPeace(
  seed: number,
  of: {
    judge: Judge;
    brokers: readonly Broker[];
    etcd: ReadonlyMap<string, { text: string }>;
    digest: string;
    notes: readonly string[];
  },
): Outcome {
  const { judge, brokers, etcd, digest, notes } = of;
  const text = etcd.get(`sets/${cluster}/${set}`)?.text;
  if (text === undefined) throw new Error("the set has no record");
  const record = decodeSet(text);
  const fail = (what: string): never => {
    const state = brokers.map(
      (one) => `${one.name} id ${one.id} ${one.state} ${one.role} epoch ${one.epoch} log ${one.log.length}`,
    );
    const open = [...etcd]
      .filter(([key]) => !key.startsWith("decisions/"))
      .map(([key, entry]) => `${key} ${entry.text}`);
    throw new Error(`at peace: ${what}\n${state.join("\n")}\n${open.join("\n")}`);
  };
  if (record.frozen !== null) fail(`the set is frozen: ${record.frozen.reason}`);
  const master = brokers.find(({ id }) => id === record.master);
  if (master === undefined || master.role !== "master") return fail(`broker ${record.master} should be master`);
  if (brokers.filter(({ role }) => role === "master").length > 1) fail("two brokers are masters");
  if (record.inSync.length < brokers.length) fail(`only ${record.inSync.length} replicas are in sync`);
  if (record.unconfirmed.length > 0) fail("a member was never confirmed");
  if (record.decision !== null) fail(`decision ${record.decision} is not carried out`);
  if (etcd.has(`questions/${cluster}/${set}`)) fail("a question is open");
  if (etcd.has(`switches/${cluster}/${set}`)) fail("a switch is not over");
  const changed = brokers.find(({ minInSync }) => minInSync !== 1);
  if (changed !== undefined) fail(`${changed.name} is left with minInSyncReplicas ${changed.minInSync}`);
  judge.kept(new Set(master.log));
  void seed;
  return { ...judge.counts(), epoch: record.epoch, hash: digest, notes, acks: judge.acks };
}
