import type { Instant } from "#lib/clock.ts";
import { createArbiterCore } from "./arbiter.ts";
import type { Moment } from "./context.ts";
import type { ControllerRequest } from "./controller-messages.ts";
import type { BrokerRef, Command, Event, Transaction } from "./events.ts";
import { clusterKey, parseKey, setKey, siteKey } from "./keys.ts";
import { createMemoryLedger } from "./ledger.fixture.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import type { OperatorRequest } from "./operator-messages.ts";
import { decodeSet, encodeCluster, encodeSet, encodeSite } from "./records.ts";
import {
  addresses,
  answered,
  commandText,
  decidedElsewhere,
  first,
  keyText,
  name,
  settled,
  startMs,
  startWall,
} from "./switch-story-text.fixture.ts";
import { timing } from "./timing.fixture.ts";

/** What stands around the core in a story of a planned switch: the ledger and its watch, the other sites, the brokers, the clock. */
export interface SwitchWorld {
  readonly core: ReturnType<typeof createArbiterCore>;
  moment(): Moment;
  /** What the core did, and the ledger, since it was last taken. */
  takeTold(): string[];
  say(line: string): void;
  /** A line of a story takes 1 ms. */
  step(): void;
  pass(ms: number): void;
  /** The named replica is read meanwhile, and stands still. */
  untilBarrier(): void;
  feed(event: Event): void;
  operate(request: OperatorRequest): void;
  ask(connection: number, request: ControllerRequest): void;
  /** The oldest of these that waits. @throws if none does */
  take<Kind extends Command["kind"]>(kind: Kind, id: BrokerId): Extract<Command, { kind: Kind }>;
  readonly silent: Set<BrokerId>;
  /** "cluster/set/id" of brokers that the other sites say they do not hear. */
  readonly missed: Set<string>;
  /** minInSyncReplicas of each broker. */
  readonly settings: Map<BrokerId, number>;
  record(): SetRecord;
  changeRecord(changes: Partial<SetRecord>): void;
  write(key: string, text: string): void;
  /** slow: what is told of in stories waits. away: nothing is answered. */
  ledgerIs(how: LedgerState): void;
  /** All that waits is applied, and its answers are still on their way. */
  watchTells(): void;
  /** Nobody waits any more for what etcd has not answered yet. */
  giveUp(): void;
  /** A switch begun elsewhere is decided there. The watch has it all, in the order of one transaction. */
  decideElsewhere(to: BrokerId): void;
  /** A change of before what this site has not been told. */
  tellEarlier(key: string, text: string): void;
  tellAll(): void;
}

type LedgerState = "there" | "slow" | "away";

const voting = ["idc1", "idc2", "witness"];
const tickMs = 50;
const beatMs = 250;

export function createSwitchWorld(): SwitchWorld {
  const ledger = createMemoryLedger();
  const silent = new Set<BrokerId>();
  const missed = new Set<string>();
  const settings = new Map<BrokerId, number>([1, 2, 3].map((id) => [id, 1]));
  let told: string[] = [];
  let pending: Command[] = [];
  let held: { token: number; transaction: Transaction }[] = [];
  const answers: (() => void)[] = [];
  /** Transactions that etcd, being away, does not answer: that is known at the next tick. */
  const lost: number[] = [];
  /** What the ledger has, and this site has not been told. */
  const untold: { key: string; text: string | null; revision: bigint }[] = [];
  let etcd: LedgerState = "there";
  let now = startMs as Instant;
  let asks = 0;
  let beats = 0;
  let beatAt = startMs;
  const core = createArbiterCore({
    site: "idc1",
    clusters: ["C1"],
    controller: "10.1.0.5:9878",
    version: "0.1.0",
    timing,
    idcOf: (address) => (address.startsWith("10.2.") ? "idc2" : "idc1"),
    canary: false,
  });

  function feed(event: Event): void {
    for (const command of core.step(event, { now, wall: startWall + now })) carryOut(command);
  }

  function carryOut(command: Command): void {
    switch (command.kind) {
      case "commit": {
        const { token, transaction } = command;
        if (etcd === "slow" && isToldOf(transaction)) held.push({ token, transaction });
        else commit(token, transaction);
        return;
      }
      case "answerOperator": {
        const { answer } = command;
        told.push(answer.kind === "done" ? `answer: ${answer.detail}` : `refused, ${answer.code}: ${answer.message}`);
        return;
      }
      case "answer":
        if (command.answer.kind === "refused")
          told.push(`refused over the controller protocol: ${command.answer.remark}`);
        return;
      case "note":
        if (command.sentence === "set changed its phase") {
          const { from, to, why } = command.fields;
          told.push(`${String(from)} -> ${String(to)}: ${String(why)}`);
        } else if (command.level !== "debug" && command.sentence !== "audit entry written")
          told.push(`note: ${command.sentence}`);
        return;
      case "happened":
      case "probeSite":
      case "readInSync":
        return;
      default:
        pending.push(command);
        if (command.kind !== "readRoute" && command.kind !== "canary") told.push(commandText(command));
    }
  }

  function commit(token: number, transaction: Transaction): void {
    if (etcd === "away") {
      lost.push(token);
      return;
    }
    const outcome = ledger.commit(transaction);
    if (outcome.kind === "outdated") {
      told.push("ledger: outdated");
      feed({ ...outcome, token, tookMs: 2 });
      return;
    }
    const { puts, deletes } = transaction;
    for (const { key, text } of puts) told.push(...keyText(key, text));
    for (const key of deletes) told.push(...keyText(key, null));
    feed({ ...outcome, token, tookMs: 2 });
    for (const { key, text } of puts) watched(key, text, outcome.revision);
    for (const key of deletes) watched(key, null, outcome.revision);
  }

  /** In the order of the revisions: what comes after something that is held back waits as well. */
  function watched(key: string, text: string | null, at: bigint): void {
    if (untold.length > 0) untold.push({ key, text, revision: at });
    else feed({ kind: "changed", key, text, revision: at });
  }

  function write(key: string, text: string): void {
    ledger.put({ key, text });
    watched(key, text, ledger.revision);
  }

  function decideElsewhere(to: BrokerId): void {
    const puts = decidedElsewhere(to).map(([key, text]) => ({ key, text }));
    ledger.put(...puts);
    for (const each of puts) untold.push({ ...each, revision: ledger.revision });
  }

  function pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += tickMs) {
      now = (now + tickMs) as Instant;
      for (const token of lost.splice(0)) feed({ kind: "unanswered", token, detail: "etcd is away" });
      if (now >= beatAt) beat();
      feed({ kind: "tick" });
    }
  }

  function untilBarrier(): void {
    for (let passed = 0; passed < 200; passed += tickMs) {
      for (const command of pending.filter(({ kind }) => kind === "probe")) {
        pending = pending.filter((one) => one !== command);
        if (command.kind === "probe") feed(answered(command));
      }
      if (pending.some(({ kind }) => kind === "raiseBarrier")) return;
      pass(tickMs);
    }
  }

  /** Of the other sites, and of the brokers. */
  function beat(): void {
    beats += 1;
    beatAt = now + beatMs;
    for (const site of voting.slice(1)) {
      if (etcd !== "away")
        write(
          siteKey(site),
          encodeSite({ site, controller: site, version: "", beat: beats, unheard: [...missed], votes: true, why: "" }),
        );
    }
    for (const id of [1, 2, 3]) if (!silent.has(id)) heartbeat(id);
  }

  function heartbeat(id: BrokerId): void {
    const address = addresses[id] ?? "";
    const beat = { cluster: "C1", set: "bs1", id, address, epoch: 7, maxOffset: 900n, priority: 0 };
    feed({ kind: "heartbeat", connection: id, beat });
  }

  function take<Kind extends Command["kind"]>(kind: Kind, id: BrokerId): Extract<Command, { kind: Kind }> {
    const found = pending.find((command) => command.kind === kind && brokerIn(command)?.id === id);
    if (found === undefined) throw new Error(`Nobody waits for ${kind} of broker ${id}`);
    pending = pending.filter((command) => command !== found);
    return found as Extract<Command, { kind: Kind }>;
  }

  function ledgerIs(how: LedgerState): void {
    etcd = how;
    if (etcd === "slow") return;
    for (const answer of answers.splice(0)) answer();
    const waiting = held;
    held = [];
    for (const { token, transaction } of waiting) commit(token, transaction);
  }

  function watchTells(): void {
    const early = held;
    held = [];
    for (const { token, transaction } of early) {
      for (const { key, text } of transaction.puts) {
        write(key, text);
        told.push(...keyText(key, text));
      }
      const { revision } = ledger;
      answers.push(() => feed({ kind: "committed", token, revision, tookMs: 2 }));
    }
  }

  function record(): SetRecord {
    return decodeSet(ledger.text(setKey(name)) ?? "");
  }

  feed({ kind: "ledger", entries: [], revision: 0n });
  write(clusterKey, encodeCluster({ sites: voting, incarnation: "1", at: startWall }));
  write(setKey(name), encodeSet(first));
  // They are heard, then they tell their settings.
  for (let round = 1; round <= 2; round += 1) {
    pass(beatMs);
    const asked = pending;
    pending = [];
    for (const command of asked) {
      if (command.kind === "probe") feed(answered(command));
      if (command.kind === "readSettings") feed(settled(command));
      if (command.kind === "notify")
        feed({ kind: "notified", broker: command.broker, epoch: 7, answered: true, detail: "" });
    }
  }
  pending = [];
  told = [];

  return {
    core,
    moment: () => ({ now, wall: startWall + now }),
    takeTold() {
      const all = told;
      told = [];
      return all;
    },
    say: (line) => void told.push(line),
    step() {
      now = (now + 1) as Instant;
    },
    pass,
    untilBarrier,
    feed,
    operate(request) {
      asks += 1;
      feed({ kind: "operator", ask: asks, who: "alice", request });
    },
    ask(connection, request) {
      asks += 1;
      feed({ kind: "asked", ask: asks, connection, request });
    },
    take,
    silent,
    missed,
    settings,
    record,
    changeRecord: (changes) => write(setKey(name), encodeSet({ ...record(), ...changes })),
    write,
    ledgerIs,
    watchTells,
    giveUp() {
      for (const { token } of held) feed({ kind: "unanswered", token, detail: "no answer in 2000 ms" });
    },
    decideElsewhere,
    tellEarlier(key, text) {
      const before = (untold[0]?.revision ?? ledger.revision) - 1n;
      feed({ kind: "changed", key, text, revision: before });
    },
    tellAll() {
      for (const change of untold.splice(0)) feed({ kind: "changed", ...change });
    },
  };
}

function isToldOf({ puts, deletes }: Transaction): boolean {
  return [...puts.map(({ key }) => key), ...deletes].some((key) =>
    ["set", "switch", "decision"].includes(parseKey(key)?.kind ?? ""),
  );
}

function brokerIn(command: Command): BrokerRef | undefined {
  return "broker" in command ? command.broker : undefined;
}
