import type { Instant } from "#lib/clock.ts";
import { createArbiterCore } from "./arbiter.ts";
import type { BrokerRef, Command, Event, Transaction } from "./events.ts";
import { clusterKey, parseKey, pauseKey, policyKey, setKey, siteKey, switchKey } from "./keys.ts";
import { createMemoryLedger } from "./ledger.fixture.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import { type MoveWish, planMoves } from "./moves.ts";
import { decodeSet, encodeCluster, encodePause, encodeSet, encodeSite, encodeSwitch } from "./records.ts";
import {
  addresses,
  answered,
  begunElsewhere,
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

/**
 * Stories of a planned switch as plain text, around a real core at idc1, a ledger in memory, and brokers 1 and 3 (idc1) and 2 (idc2)
 * of C1/bs1, of which 1 is master of epoch 7. A step is what happened, `----`, and what the core did then; `====` stands between
 * steps. What the core asks a broker waits until a line says how it ends. A line takes 1 ms.
 */
export interface SwitchTeller {
  tell(happened: readonly string[]): string[];
}

const voting = ["idc1", "idc2", "witness"];
const tickMs = 50;
const beatMs = 250;

export function createSwitchTeller(): SwitchTeller {
  const ledger = createMemoryLedger();
  const silent = new Set<BrokerId>();
  const settings = new Map<BrokerId, number>([1, 2, 3].map((id) => [id, 1]));
  let told: string[] = [];
  let pending: Command[] = [];
  let held: { token: number; transaction: Transaction }[] = [];
  const answers: (() => void)[] = [];
  /** Transactions that etcd, being away, does not answer: that is known at the next tick. */
  const lost: number[] = [];
  /** What the ledger has, and this site has not been told. */
  const untold: { key: string; text: string | null; revision: bigint }[] = [];
  let etcd: "there" | "slow" | "away" = "there";
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

  /** A switch begun elsewhere is decided there. The watch has it all, in the order of one transaction. */
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

  /** The named replica is read meanwhile, and stands still. */
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
          encodeSite({ site, controller: site, version: "", beat: beats, unheard: [], votes: true, why: "" }),
        );
    }
    for (const id of [1, 2, 3]) if (!silent.has(id)) heartbeat(id);
  }

  function heartbeat(id: BrokerId): void {
    const address = addresses[id] ?? "";
    const beat = { cluster: "C1", set: "bs1", id, address, epoch: 7, maxOffset: 900n, priority: 0 };
    feed({ kind: "heartbeat", connection: id, beat });
  }

  /** The oldest of these that waits. */
  function take<Kind extends Command["kind"]>(kind: Kind, id: BrokerId): Extract<Command, { kind: Kind }> {
    const found = pending.find((command) => command.kind === kind && brokerIn(command)?.id === id);
    if (found === undefined) throw new Error(`Nobody waits for ${kind} of broker ${id}`);
    pending = pending.filter((command) => command !== found);
    return found as Extract<Command, { kind: Kind }>;
  }

  const forms: readonly (readonly [RegExp, (...found: string[]) => void])[] = [
    [
      /^an operator switches to (\S+)(, to try)?$/,
      (to, dryRun) => {
        asks += 1;
        const request = { kind: "switch", set: name, to, reason: "an upgrade", dryRun: dryRun !== undefined } as const;
        feed({ kind: "operator", ask: asks, who: "alice", request });
      },
    ],
    [
      /^an operator (drains|undrains) broker (\d)$/,
      (verb, id) => {
        asks += 1;
        const drained = verb === "drains";
        const request = { kind: "drainBroker", set: name, broker: Number(id), drained, reason: "an upgrade" } as const;
        feed({ kind: "operator", ask: asks, who: "alice", request });
      },
    ],
    [
      /^an operator (drains|activates) (idc\d)$/,
      (verb, idc) => {
        asks += 1;
        const state = verb === "drains" ? "drained" : "active";
        feed({
          kind: "operator",
          ask: asks,
          who: "alice",
          request: { kind: "idc", idc, state, reason: "a power cut" },
        });
      },
    ],
    [
      /^which masters move (home|away from (idc\d)|away from broker (\d))\?$/,
      (where, idc, id) => {
        const wish: MoveWish =
          where === "home"
            ? { kind: "preferred" }
            : idc === undefined
              ? { kind: "away-from-broker", set: name, id: Number(id) }
              : { kind: "away-from-idc", idc };
        const { moves, stays } = planMoves(wish, core.context({ now, wall: startWall + now }));
        for (const { from, to, why } of moves) told.push(`move: ${from} to ${to}: ${why}`);
        for (const { master, why } of stays) told.push(`stays: ${master}: ${why}`);
        if (moves.length + stays.length === 0) told.push("none moves");
      },
    ],
    [
      /^the policy prefers (idc\d)$/,
      (idc) => write(policyKey, JSON.stringify({ policies: [{ match: "*", preferIdcs: [idc] }] })),
    ],
    [
      /^mqadmin elects (\d)$/,
      (id) => {
        asks += 1;
        const request = { kind: "electMaster", cluster: "C1", set: "bs1", id: Number(id), designate: true } as const;
        feed({ kind: "asked", ask: asks, connection: 99, request });
      },
    ],
    [
      /^(\d) asks for a master$/,
      (id) => {
        asks += 1;
        const request = { kind: "electMaster", cluster: "C1", set: "bs1", id: Number(id), designate: false } as const;
        feed({ kind: "asked", ask: asks, connection: Number(id), request });
      },
    ],
    [
      /^(\d) is read at (\d+)(, not as master)?$/,
      (id, end, idle) => {
        const { broker, sentAt } = take("probe", Number(id));
        const reading = { epoch: 7, maxOffset: BigInt(end) };
        const isActing = idle === undefined && broker.id === decodeSet(ledger.text(setKey(name)) ?? "").master;
        feed({ kind: "probed", broker, sentAt, outcome: { kind: "answered", reading, acting: isActing } });
      },
    ],
    [
      /^a probe of (\d) (times out|is refused)$/,
      (id, how) => {
        const { broker, sentAt } = take("probe", Number(id));
        const kind = how === "times out" ? "timedOut" : "refused";
        feed({ kind: "probed", broker, sentAt, outcome: { kind, detail: "" } });
      },
    ],
    [/^(\d) has minInSyncReplicas (\d+)$/, (id, value) => void settings.set(Number(id), Number(value))],
    [
      /^(\d) tells its settings$/,
      (id) => {
        const { broker } = take("readSettings", Number(id));
        const minInSyncReplicas = settings.get(Number(id)) ?? 1;
        const others = { allAckInSyncStateSet: false, flushDiskType: "ASYNC_FLUSH", brokerPermission: 6 };
        feed({ kind: "settingsSeen", broker, settings: { ...others, minInSyncReplicas } });
      },
    ],
    [/^the time for the barrier comes$/, () => untilBarrier()],
    [
      /^(\d) refuses messages$/,
      (id) => {
        const { broker, minInSyncReplicas } = take("raiseBarrier", Number(id));
        settings.set(broker.id, minInSyncReplicas);
        feed({ kind: "barrierRaised", broker, minInSyncReplicas, ok: true, detail: "" });
      },
    ],
    [
      /^(\d) does not answer its barrier$/,
      (id) => {
        const { broker, minInSyncReplicas } = take("raiseBarrier", Number(id));
        feed({ kind: "barrierRaised", broker, minInSyncReplicas, ok: false, detail: "no answer in 1500 ms" });
      },
    ],
    [
      /^(\d) has its settings again$/,
      (id) => {
        const { broker, minInSyncReplicas } = take("lowerBarrier", Number(id));
        settings.set(broker.id, minInSyncReplicas);
        feed({ kind: "barrierLowered", broker, minInSyncReplicas, ok: true, detail: "" });
      },
    ],
    [
      /^(\d) does not get its settings$/,
      (id) => {
        const { broker, minInSyncReplicas } = take("lowerBarrier", Number(id));
        feed({ kind: "barrierLowered", broker, minInSyncReplicas, ok: false, detail: "no answer in 1500 ms" });
      },
    ],
    [
      /^(\d) says that it (is a replica now|is still master)$/,
      (id, what) => {
        const { broker, sentAt } = take("readRole", Number(id));
        feed({ kind: "roleSeen", broker, sentAt, isMaster: what === "is still master" });
      },
    ],
    [
      /^(\d) answers its 1008$/,
      (id) => {
        const { broker, info } = take("notify", Number(id));
        feed({ kind: "notified", broker, epoch: info.epoch, answered: true, detail: "" });
      },
    ],
    [/^the route shows (\d)$/, (id) => feed({ kind: "routeSeen", set: name, master: addresses[Number(id)] ?? null })],
    [/^(\d) falls silent$/, (id) => void silent.add(Number(id))],
    [/^(\d) closes its connection$/, (id) => feed({ kind: "closed", connection: Number(id) })],
    [/^(\d+) ms pass$/, (ms) => pass(Number(ms))],
    [/^etcd is (slow|away|there)$/, (how) => ledgerIs(how as typeof etcd)],
    [/^the watch tells of it first$/, () => watchTells()],
    [
      /^the answer is given up$/,
      () => {
        for (const { token } of held) feed({ kind: "unanswered", token, detail: "no answer in 2000 ms" });
      },
    ],
    [/^failover is paused$/, () => write(pauseKey, encodePause({ reason: "work", at: startWall, until: null }))],
    [/^in sync: ([\d, ]+)$/, (list) => put({ inSync: list.split(", ").map(Number), inSyncEpoch: 21 })],
    [
      /^another site has begun a switch to (\d)$/,
      (to) => write(switchKey(name), encodeSwitch(begunElsewhere(Number(to)))),
    ],
    [/^another site decides for (\d), and this one is not told$/, (to) => decideElsewhere(Number(to))],
    [
      /^another site wrote the set before that, and this one is told late$/,
      () => {
        const text = encodeSet({ ...first, inSyncEpoch: 21 });
        const before = (untold[0]?.revision ?? ledger.revision) - 1n;
        feed({ kind: "changed", key: setKey(name), text, revision: before });
      },
    ],
    [
      /^this site is told$/,
      () => {
        for (const change of untold.splice(0)) feed({ kind: "changed", ...change });
      },
    ],
    [
      /^another site makes (\d) master of epoch (\d+)$/,
      (id, epoch) => put({ master: Number(id), epoch: Number(epoch), inSyncEpoch: 30, inSync: [Number(id)] }),
    ],
  ];

  function ledgerIs(how: typeof etcd): void {
    etcd = how;
    if (etcd === "slow") return;
    for (const answer of answers.splice(0)) answer();
    const waiting = held;
    held = [];
    for (const { token, transaction } of waiting) commit(token, transaction);
  }

  /** All that waits is applied, and its answers are still on their way. */
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

  function put(changes: Partial<SetRecord>): void {
    const record = decodeSet(ledger.text(setKey(name)) ?? "");
    write(setKey(name), encodeSet({ ...record, ...changes }));
  }

  feed({ kind: "ledger", entries: [], revision: 0n });
  write(clusterKey, encodeCluster({ sites: voting, incarnation: "1", at: startWall }));
  write(setKey(name), encodeSet(first));
  pass(beatMs);
  for (const command of pending) {
    if (command.kind === "probe") feed(answered(command));
    if (command.kind === "notify")
      feed({ kind: "notified", broker: command.broker, epoch: 7, answered: true, detail: "" });
  }
  pending = [];
  for (const id of [1, 2, 3]) feed(settled(id));
  pass(beatMs);
  pending = [];

  return {
    tell(happened) {
      told = [];
      for (const line of happened.filter((one) => !one.startsWith("#"))) {
        now = (now + 1) as Instant;
        const form = forms.find(([pattern]) => pattern.test(line));
        if (form === undefined) throw new Error(`Cannot read the line ${JSON.stringify(line)} of a story`);
        form[1](...(form[0].exec(line)?.slice(1) ?? []));
      }
      return told.length > 0 ? told : ["nothing"];
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
