import type { Instant } from "#lib/clock.ts";
import { createArbiterCore } from "./arbiter.ts";
import type { ControllerRequest, Heartbeat } from "./controller-messages.ts";
import { input } from "./decision.fixture.ts";
import type { DecisionRecord } from "./decision.ts";
import { encodeDecision } from "./decision-records.ts";
import type { Command, Event, LedgerEntry } from "./events.ts";
import { clusterKey, decisionKey, historyKey, setKey } from "./keys.ts";
import { type SetName, type SetRecord, setName } from "./model.ts";
import { encodeCluster, encodeHistory, encodeSet } from "./records.ts";
import { timing } from "./timing.fixture.ts";

/** One site's core for tests: the ledger names the sites idc1, idc2, witness, and C1/bs1 with the brokers 1, 2 and 3. */

const wallStart = 1_790_000_000_000;

export const heldSet: SetRecord = {
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  inSyncEpoch: 20,
  master: 1,
  inSync: [1, 2, 3],
  unconfirmed: [],
  replicas: {
    1: { address: "10.1.0.1:10911", checkCode: "10.1.0.1:10911;1" },
    2: { address: "10.2.0.1:10911", checkCode: "10.2.0.1:10911;2" },
    3: { address: "10.1.0.2:10911", checkCode: "10.1.0.2:10911;3" },
  },
  decision: null,
  frozen: null,
  failoversAt: [],
};

/** Broker 1 was killed, and 2 is elected; nothing of it is done yet. */
export const decision: DecisionRecord = {
  id: "C1/bs1/8",
  input: input(),
  verdict: {
    kind: "elect",
    winner: 2,
    epoch: 8,
    inSyncEpoch: 21,
    rejected: [],
    knownLag: 0n,
    why: "for this test",
  },
  decidedBy: "idc1",
  at: wallStart,
  effects: {},
};
export const decidedSet: SetRecord = {
  ...heldSet,
  epoch: 8,
  inSyncEpoch: 21,
  master: 2,
  inSync: [2],
  decision: decision.id,
};

export interface SiteUnderTest {
  /** @returns the commands that follow */
  step(event: Event, afterMs?: number): readonly Command[];
  /** Ticks for so long; every transaction is committed at once. */
  pass(ms: number): readonly Command[];
  /** From now on the watch tells nothing; or all that it has not told yet, and every change from now on. */
  watch(how: "lags" | "tells"): readonly Command[];
  heartbeat(id: number, changes?: Partial<Heartbeat>): Event;
  /** The answer to the last probe of it. */
  probed(id: number, acting: boolean, maxOffset?: bigint, epoch?: number): Event;
  /** `ledgerHas`: what the ledger says of the set, while this site has not been told of it. */
  ask(ask: number, request: ControllerRequest, options?: { ledgerHas: SetRecord }): readonly Command[];
  notified(id: number, epoch: number): Event;
  notNotified(id: number, epoch: number): Event;
  closed(id: number): Event;
  /** The ledger has this there. */
  write(key: string, text: string): readonly Command[];
  /** The ledger has it no longer. */
  remove(key: string): readonly Command[];
  /** The set's record in the ledger becomes this one. */
  record(record: SetRecord): readonly Command[];
  decided(decision: DecisionRecord, record: SetRecord): readonly Command[];
  /** Whether this site looks after the set, on record or not. */
  knows(set: SetName): boolean;
}

interface SiteChanges {
  readonly scripted?: readonly string[];
  readonly site?: string;
  /** etcd's id, and the one that the ledger says it was written in ("": it does not say); left out: neither is known. */
  readonly etcd?: { readonly now: string; readonly recorded: string };
  /** What changes a set's record is not answered. */
  readonly isSilent?: boolean;
  readonly onCommands?: (commands: readonly Command[]) => void;
  /** False: the set's record is lost. */
  readonly recorded?: boolean;
  /** Of the set; the site's config has C1 alone. */
  readonly cluster?: string;
  /** False: the config switches it off. */
  readonly canary?: boolean;
}

const tickMs = 50;

export function siteUnderTest(
  record: SetRecord = heldSet,
  {
    scripted = [],
    site = "idc1",
    cluster = "C1",
    etcd,
    recorded = true,
    isSilent = false,
    onCommands,
    canary = true,
  }: SiteChanges = {},
): SiteUnderTest {
  const name = setName(cluster, "bs1");
  let now = 10_000;
  let revision = 100n;
  const core = createArbiterCore({
    site,
    controller: `${site}:9878`,
    version: "test",
    clusters: ["C1"],
    scripted,
    timing,
    idcOf: (address) => (address.startsWith("10.1.") ? "idc1" : "idc2"),
    canary,
  });
  const entry = (key: string, text: string): LedgerEntry => {
    revision += 1n;
    return { key, text, revision };
  };
  const probing = new Map<number, Instant>();
  const one = (event: Event): readonly Command[] => {
    const commands = core.step(event, { now: now as Instant, wall: wallStart + now });
    onCommands?.(commands);
    for (const command of commands) if (command.kind === "probe") probing.set(command.broker.id, command.sentAt);
    return commands;
  };
  let untold: (() => Command[])[] | null = null;
  /** Until nothing more is to be committed. */
  let ahead: LedgerEntry | null = null;
  const settle = (commands: readonly Command[]): Command[] =>
    commands.flatMap((command) => {
      if (command.kind !== "commit") return [command];
      revision += 1n;
      if (isSilent && command.transaction.puts.some(({ key }) => key.startsWith("sets/"))) return [command];
      const found = ahead;
      if (found !== null && command.transaction.compares.some(({ key }) => key === found.key)) {
        ahead = null;
        return [
          command,
          ...settle(one({ kind: "outdated", token: command.token, entries: [found], revision, tookMs: 1 })),
        ];
      }
      return [command, ...settle(committed(command, revision))];
    });
  /** The watch tells right after the answer, if it tells at all. */
  const committed = ({ token, transaction }: Extract<Command, { kind: "commit" }>, at: bigint): Command[] => {
    const changes = [...transaction.puts, ...transaction.deletes.map((key) => ({ key, text: null }))];
    const tell = (): Command[] => changes.flatMap(({ key, text }) => one({ kind: "changed", key, text, revision: at }));
    const commands = [...one({ kind: "committed", token, revision: at, tookMs: 1 })];
    if (untold === null) return [...commands, ...tell()];
    untold.push(tell);
    return commands;
  };
  const ended = (id: number, epoch: number, answered: boolean): Event => ({
    kind: "notified",
    broker: { set: name, id, address: record.replicas[id]?.address ?? "" },
    epoch,
    answered,
    detail: "",
  });
  const self: SiteUnderTest = {
    step(event, afterMs = 0) {
      now += afterMs;
      return settle(one(event));
    },
    pass(ms) {
      const commands: Command[] = [];
      for (const until = now + ms; now < until; ) commands.push(...self.step({ kind: "tick" }, tickMs));
      return commands;
    },
    watch(how) {
      const late = untold ?? [];
      untold = how === "lags" ? [] : null;
      return settle(late.flatMap((tell) => tell()));
    },
    heartbeat: (id, changes) => ({
      kind: "heartbeat",
      connection: id,
      beat: {
        cluster: "C1",
        set: "bs1",
        id,
        address: record.replicas[id]?.address ?? "",
        epoch: 7,
        maxOffset: 1_000n,
        priority: 1,
        ...changes,
      },
    }),
    probed: (id, acting, maxOffset = 1_000n, epoch = 7) => ({
      kind: "probed",
      broker: { set: name, id, address: record.replicas[id]?.address ?? "" },
      sentAt: probing.get(id) ?? (now as Instant),
      outcome: { kind: "answered", reading: { epoch, maxOffset }, acting },
    }),
    ask(ask, request, options) {
      if (options !== undefined) ahead = entry(setKey(name), encodeSet(options.ledgerHas));
      return self.step({ kind: "asked", ask, connection: 100 + ask, request });
    },
    notified: (id, epoch) => ended(id, epoch, true),
    notNotified: (id, epoch) => ended(id, epoch, false),
    closed: (id) => ({ kind: "closed", connection: id }),
    decided: (decided, next) => [...self.write(decisionKey(decided.id), encodeDecision(decided)), ...self.record(next)],
    write: (key, text) => self.step({ kind: "changed", ...entry(key, text) }),
    remove: (key) => self.step({ kind: "changed", ...entry(key, ""), text: null }),
    record: (next) => self.write(setKey(name), encodeSet(next)),
    knows: (set) => core.state.mirror.sets.has(set),
  };
  const sites = ["idc1", "idc2", "witness"];
  const { now: etcdNow = undefined, recorded: history = "" } = etcd ?? {};
  const entries = [
    entry(clusterKey, encodeCluster({ sites, incarnation: "test", at: wallStart })),
    ...(recorded ? [entry(setKey(name), encodeSet(record))] : []),
    ...(history === "" ? [] : [entry(historyKey, encodeHistory({ etcd: history, at: wallStart }))]),
  ];
  self.step({ kind: "ledger", entries, revision, ...(etcdNow === undefined ? {} : { etcd: etcdNow }) });
  self.pass(2 * tickMs);
  return self;
}
