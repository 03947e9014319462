/**
 * What an arbiter's core alone costs in calm: sockets, etcd and their formats aside, on a virtual clock, so that what else the machine
 * does hardly counts. The site that leads, three brokers in each set, heartbeats each second, 1004 each 5 s from a third of them.
 * Usage: ./run bench arbiter-core [--sets N] [--seconds S]
 */
import { parseArgs } from "node:util";
import { arbiterSchema } from "#config/arbiter.ts";
import { createIdcOf } from "#config/idc.ts";
import type { Instant } from "#lib/clock.ts";
import { createArbiterCore } from "../arbiter/core/arbiter.ts";
import type { Command, Event } from "../arbiter/core/events.ts";
import { clusterKey, setKey, siteKey } from "../arbiter/core/keys.ts";
import { setName } from "../arbiter/core/model.ts";
import { encodeCluster, encodeSet, encodeSite } from "../arbiter/core/records.ts";

const { values } = parseArgs({
  options: { sets: { type: "string", default: "1000" }, seconds: { type: "string", default: "30" } },
});
const setCount = Number(values.sets);
const warmUpMs = 10_000;
const endMs = warmUpMs + Number(values.seconds) * 1_000;
const sites = ["idc1", "idc2", "idc3"];
const tickMs = 50;
const ticksOf = (ms: number): number => ms / tickMs;
const wallStart = 1_700_000_000_000;

const { timing, idcs } = arbiterSchema.parse({
  site: "idc1",
  idcs: sites.map((name, at) => ({ name, cidrs: [`10.${at + 1}.0.0/16`] })),
  etcd: { endpoints: ["a:1", "b:1", "c:1"] },
  http: { listen: "127.0.0.1:1" },
  controller: { listen: "127.0.0.1:1", advertise: "127.0.0.1:1" },
  clusters: [{ name: "C1", kind: "rocketmq", nameservers: ["a:1"] }],
});
const core = createArbiterCore({
  ...{ site: "idc1", controller: "idc1:9878", version: "bench", clusters: ["C1"], timing, canary: true },
  idcOf: createIdcOf(idcs),
});
let now = 10_000;
let revision = 100n;
let asks = 0;
const steps: Record<string, { count: number; ms: number }> = {};

const addressOf = (set: number, id: number): string => `10.${id}.${Math.floor(set / 250)}.${(set % 250) + 1}:10911`;
const brokers = Array.from({ length: setCount * 3 }, (_, at) => ({ set: Math.floor(at / 3), id: (at % 3) + 1, at }));

function step(event: Event): void {
  const beganAt = performance.now();
  const commands = core.step(event, { now: now as Instant, wall: wallStart + now });
  steps[event.kind] ??= { count: 0, ms: 0 };
  const of = steps[event.kind] ?? { count: 0, ms: 0 };
  of.count += 1;
  of.ms += performance.now() - beganAt;
  for (const command of commands) carryOut(command);
}

/** Everything is answered at once, and well. */
function carryOut(command: Command): void {
  switch (command.kind) {
    case "commit": {
      revision += 1n;
      const at = revision;
      step({ kind: "committed", token: command.token, revision: at, tookMs: 1 });
      for (const { key, text } of command.transaction.puts) step({ kind: "changed", key, text, revision: at });
      return;
    }
    case "probe": {
      const { broker, sentAt } = command;
      const reading = { epoch: 7, maxOffset: 1_000_000n };
      step({ kind: "probed", broker, sentAt, outcome: { kind: "answered", reading, acting: broker.id === 1 } });
      return;
    }
    case "readSettings": {
      const settings = {
        ...{ allAckInSyncStateSet: true, minInSyncReplicas: 1, flushDiskType: "ASYNC_FLUSH", brokerPermission: 6 },
        spins: false,
      };
      const { broker, sentAt } = command;
      step({ kind: "settingsSeen", broker, sentAt, settings });
      return;
    }
    case "notify":
      step({ kind: "notified", broker: command.broker, epoch: command.info.epoch, answered: true, detail: "" });
      return;
    // Nothing else is asked for where all is well, or nobody waits for it.
    default:
  }
}

function others(): void {
  for (const site of sites.slice(1)) {
    revision += 1n;
    const record = { site, controller: `${site}:9878`, version: "bench", beat: Number(revision), votes: true };
    step({ kind: "changed", key: siteKey(site), text: encodeSite({ ...record, why: "", unheard: [] }), revision });
  }
}

const records = Array.from({ length: setCount }, (_, at) => ({
  key: setKey(setName("C1", `bs${at}`)),
  revision,
  text: encodeSet({
    ...{ cluster: "C1", set: `bs${at}`, epoch: 7, inSyncEpoch: 9, master: 1, inSync: [1, 2, 3], unconfirmed: [] },
    replicas: Object.fromEntries([1, 2, 3].map((id) => [id, { address: addressOf(at, id), checkCode: "c;1" }])),
    ...{ decision: null, frozen: null, failoversAt: [] },
  }),
}));
step({
  kind: "ledger",
  entries: [
    { key: clusterKey, revision, text: encodeCluster({ sites, incarnation: "one", at: wallStart }) },
    ...records,
  ],
  revision,
});

let cpu = process.cpuUsage();
for (let tick = 0; tick * tickMs < endMs; tick += 1) {
  now += tickMs;
  if (tick === ticksOf(warmUpMs)) {
    cpu = process.cpuUsage();
    for (const name of Object.keys(steps)) delete steps[name];
  }
  if (tick % ticksOf(250) === 0) others();
  for (const { set, id, at } of brokers) {
    if (tick % ticksOf(1_000) === at % ticksOf(1_000)) {
      const own = { cluster: "C1", set: `bs${set}`, id, address: addressOf(set, id) };
      step({ kind: "heartbeat", connection: at, beat: { ...own, epoch: 7, maxOffset: 1_000_000n, priority: 1 } });
    }
    // A third of the brokers ask here.
    if (at % 3 === set % 3 && tick % ticksOf(5_000) === at % ticksOf(5_000)) {
      asks += 1;
      step({ kind: "asked", ask: asks, connection: at, request: { kind: "replicaInfo", set: `bs${set}` } });
    }
  }
  step({ kind: "tick" });
}
const { user, system } = process.cpuUsage(cpu);
const seconds = Number(values.seconds);
console.log(
  `${setCount} sets: ${((user + system) / 10_000 / seconds).toFixed(1)}% of a core over ${seconds} virtual seconds`,
);
for (const [kind, { count, ms }] of Object.entries(steps)) {
  console.log(
    `${kind}: ${(count / seconds).toFixed(0)} a second, ${((1_000 * ms) / count).toFixed(1)} µs each, what follows included`,
  );
}
