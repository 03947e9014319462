import { createHash } from "node:crypto";
import type { Command } from "../../../arbiter/core/events.ts";
import { clusterKey, policyKey } from "../../../arbiter/core/keys.ts";
import { setName } from "../../../arbiter/core/model.ts";
import type { OperatorRequest } from "../../../arbiter/core/operator-messages.ts";
import { createRandom, type Random } from "../random.ts";
import { createTimeline, type Timeline } from "../timeline.ts";
import { judgeAudited } from "./audit.ts";
import { createJudge, type Judge } from "./judge.ts";
import { createNet, type Net, type Site, sites } from "./net.ts";
import { judgePhases } from "./phases.ts";
import { cluster, places, set } from "./places.ts";
import { createSiteProcess, type SiteProcess, type SiteSurroundings } from "./site-process.ts";
import { type Broker, createVirtualBroker, type Surroundings } from "./virtual-broker.ts";
import { createVirtualEtcd, type VirtualEtcd } from "./virtual-etcd.ts";

/** Three sites with an arbiter and an etcd member each, a broker set of three, a producer, and an operator. */
export interface World {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly net: Net;
  readonly etcd: VirtualEtcd;
  readonly judge: Judge;
  readonly brokers: readonly Broker[];
  readonly processes: ReadonlyMap<Site, SiteProcess>;
  readonly notes: readonly string[];
  note(text: string): void;
  /** The policies of the set, as operators apply them; and the same with `frozen`. */
  readonly policies: string;
  readonly frozenPolicies: string;
  operate(site: Site, request: OperatorRequest): void;
  /** An operator, at any site, wants any broker. */
  switchMaster(): void;
  /** Of all that was told. */
  digest(): string;
}

export interface WorldOptions {
  readonly trace: boolean;
  /** Masters acknowledge what they alone have. */
  readonly acksAlone: boolean;
  /** Of the set. */
  readonly promise: PromiseName;
  readonly onCommand?: ((site: Site, command: Command) => "go" | "die" | "go and die") | undefined;
  /** Before each step of a site's core, and what that gives. */
  readonly onStep?: SiteSurroundings["onStep"];
}

const askAgainMs = 600;
/** Within the calm at the beginning: later a fault may have changed what it wrote. */
const operatedMsMax = 15_000;
/** Shorter than two wishes of a master are apart: brokers here ask any arbiter, and each counts the wishes that it hears. */
const degradeAfterMs = 4_000;
const returnAfterMs = 5_000;
/** What a set may be promised. */
const promises = {
  "best-effort": { rpo: "best-effort" },
  zero: { rpo: "zero", degradeAfterMs },
  "zero-idc": { rpo: "zero", survive: "idc", degradeAfterMs },
  /** With brokers whose settings keep no such promise: each acknowledges what it alone has. */
  "zero-alone": { rpo: "zero", degradeAfterMs },
  home: { rpo: "best-effort", preferIdcs: ["idc2"], returnAfterMs },
} as const;
export type PromiseName = keyof typeof promises;
export const promiseNames = Object.keys(promises) as readonly PromiseName[];

function policiesOf(promise: PromiseName, changes: { readonly frozen?: true } = {}): string {
  return JSON.stringify({ policies: [{ match: "*", cooldownMs: 0, ...promises[promise], ...changes }] });
}

const messageEveryMs = 120;
const skewMsMax = 60_000;

export function createWorld(seed: number, options: WorldOptions): World {
  const random = createRandom(seed);
  const timeline = createTimeline();
  const net = createNet(timeline, random);
  const etcd = createVirtualEtcd(net);
  const judge = createJudge({
    now: () => timeline.now,
    keptMs: options.promise === "zero-idc" ? degradeAfterMs : 0,
    returnMs: options.promise === "home" ? returnAfterMs : Number.POSITIVE_INFINITY,
  });
  const policies = policiesOf(options.promise);
  const digest = createHash("sha256");
  const notes: string[] = [];
  const note = (text: string): void => {
    const line = `${(timeline.now / 1_000).toFixed(3)} ${text}`;
    digest.update(line);
    if (options.trace) console.log(line);
    notes.push(line);
  };
  const brokers: Broker[] = [];
  const processes = new Map<Site, SiteProcess>();
  let connections = 0;
  const around: Surroundings = {
    net,
    set,
    cluster,
    acksAlone: options.acksAlone,
    route: { master: null, epoch: 0 },
    door(site) {
      const process = processes.get(site);
      return process?.isUp === true ? process : undefined;
    },
    brokerAt: (address) => brokers.find((broker) => broker.address === address),
    nextConnection: () => ++connections,
  };
  for (const place of places) brokers.push(createVirtualBroker(place, around));

  const onCommand = (site: Site, command: Command): "go" | "die" | "go and die" => {
    judge.commanded(command);
    return options.onCommand?.(site, command) ?? "go";
  };
  const { onStep } = options;
  const isSkewed = random.chance(0.3);
  for (const site of sites) {
    const skewMs = isSkewed ? random.int(-skewMsMax, skewMsMax) : 0;
    const isSiteUp = (of: Site): boolean => processes.get(of)?.isUp === true;
    processes.set(
      site,
      createSiteProcess(site, { net, etcd, brokers: around, skewMs, isSiteUp, note, onCommand, onStep }),
    );
  }
  etcd.onApply((transaction, site) => {
    judgeAudited(transaction, site);
    judge.applying(transaction, etcd.entries);
    judgePhases(transaction, etcd.entries);
  });

  let asks = 1_000_000;
  const operate = (site: Site, request: OperatorRequest): void => {
    asks += 1;
    processes.get(site)?.push({ kind: "operator", ask: asks, request, who: "alice" });
  };

  for (const process of processes.values()) process.start();
  // A site may have no quorum proof yet, for seconds.
  const operateUntil = (isDone: () => boolean, request: OperatorRequest): void => {
    if (isDone()) return;
    if (timeline.now > operatedMsMax) throw new Error(`the operator's ${request.kind} was never done`);
    operate("idc1", request);
    timeline.after(askAgainMs, () => operateUntil(isDone, request));
  };
  const isInitialised = (): boolean => etcd.entries.has(clusterKey);
  const isApplied = (): boolean => etcd.entries.get(policyKey)?.text === policies;
  timeline.after(600, () => operateUntil(isInitialised, { kind: "init", sites, incarnation: "one", reason: "" }));
  timeline.after(1_500, () => operateUntil(isApplied, { kind: "applyPolicies", text: policies, reason: "" }));
  for (const [index, broker] of brokers.entries()) timeline.after(2_000 + index * 1_500, () => broker.start());

  let messages = 0;
  const produce = (): void => {
    timeline.after(messageEveryMs, produce);
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
  timeline.after(messageEveryMs, produce);

  return {
    timeline,
    random,
    net,
    etcd,
    judge,
    brokers,
    processes,
    notes,
    policies,
    frozenPolicies: policiesOf(options.promise, { frozen: true }),
    note,
    operate,
    switchMaster() {
      const to = String(random.int(1, brokers.length));
      const site = random.pick(sites);
      note(`OPERATOR switch to ${to} at ${site}`);
      operate(site, { kind: "switch", set: setName(cluster, set), to, reason: "", dryRun: false });
    },
    digest: () => digest.digest("hex"),
  };
}
