import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#lib/errors.ts";
import type { RemotingRequest } from "#lib/remoting/message.ts";
import {
  decodeAlterSyncStateSetResponse,
  encodeAlterSyncStateSetRequest,
} from "#lib/remoting/records/alter-sync-state-set.ts";
import { decodeApplyBrokerIdResponse, encodeApplyBrokerIdRequest } from "#lib/remoting/records/apply-broker-id.ts";
import { decodeElectMasterResponse, encodeElectMasterRequest } from "#lib/remoting/records/elect-master.ts";
import {
  decodeGetMetadataInfoResponse,
  encodeGetMetadataInfoRequest,
} from "#lib/remoting/records/get-metadata-info.ts";
import {
  decodeGetNextBrokerIdResponse,
  encodeGetNextBrokerIdRequest,
} from "#lib/remoting/records/get-next-broker-id.ts";
import { decodeGetReplicaInfoResponse, encodeGetReplicaInfoRequest } from "#lib/remoting/records/get-replica-info.ts";
import { decodeRegisterBrokerResponse, encodeRegisterBrokerRequest } from "#lib/remoting/records/register-broker.ts";
import { cluster, type SimulatedBroker, startBroker } from "./broker.ts";
import type { ToBench, ToBrokers } from "./messages.ts";

/**
 * The brokers of many sets, in a process of their own; its parent says over IPC which sets, and which of them lose their masters.
 * Each does what a stock broker does each second, 5 s and 10 s.
 */

const heartbeatMs = 1_000;
const replicaInfoMs = 5_000;
const checkMs = 5_000;
const metadataMs = 10_000;
const triesMax = 60;
const retryMs = 500;
/** Sets that start at one time. */
const startingMax = 12;

const sets = new Map<string, SimulatedBroker[]>();
const leaders = new Map<SimulatedBroker, string>();
let doors: readonly string[] = [];
let askFailures = 0;

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToBrokers) => {
  switch (message.kind) {
    case "start":
      doors = message.doors;
      start(message).catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
      return;
    case "kill":
      for (const set of message.sets) {
        const master = sets.get(set)?.find(({ isMaster, alive }) => isMaster && alive);
        if (master === undefined) throw new Error(`${set} has no master to lose`);
        void master.die();
      }
      tell({ kind: "killed", at: Date.now() });
      return;
    case "askFailures":
      tell({ kind: "askFailures", count: askFailures });
  }
});

function tell(message: ToBench): void {
  process.send?.(message);
}

async function start({ places }: Extract<ToBrokers, { kind: "start" }>): Promise<void> {
  const waiting = [...places];
  const lanes = Array.from({ length: startingMax }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await startSet(next.set, next.addresses);
  });
  await Promise.all(lanes);
  tell({ kind: "started" });
}

async function startSet(set: string, addresses: readonly string[]): Promise<void> {
  const members: SimulatedBroker[] = [];
  sets.set(set, members);
  for (const [at, address] of addresses.entries()) {
    const broker = await startBroker({ set, id: at + 1, address }, doors, onMaster);
    members.push(broker);
    await again(() => register(broker));
    live(broker);
  }
  await again(async () => {
    const [master] = members;
    if (master !== undefined) await checkInSync(master, members);
    if (master?.inSync.brokerIds.length !== members.length) throw new Error(`${set} is not in sync`);
  });
}

function onMaster({ set, id, epoch, address }: SimulatedBroker): void {
  const others = (sets.get(set) ?? []).filter((other) => other.id !== id && other.alive);
  const slaves = others.map((other): [number, string] => [other.id, other.address]);
  tell({ kind: "promoted", at: Date.now(), set, epoch, id, address, slaves });
}

async function again(attempt: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries % 4 === 0) console.error(`a broker's start: ${messageOf(error)}`);
      if (tries === triesMax) throw error;
      await delay(retryMs);
    }
  }
}

async function register(broker: SimulatedBroker): Promise<void> {
  // Told who is master by a 1008 meanwhile, it needs no election.
  if (broker.epoch > 0) return;
  const { set, id, address } = broker;
  const names = { clusterName: cluster, brokerName: set };
  const leader = await findLeader(broker);
  leaders.set(broker, leader);
  const next = decodeGetNextBrokerIdResponse(await broker.ask(leader, encodeGetNextBrokerIdRequest(names)));
  if (next.nextBrokerId <= id) {
    const apply = { ...names, appliedBrokerId: id, registerCheckCode: `${address};1700000000000` };
    decodeApplyBrokerIdResponse(await broker.ask(leader, encodeApplyBrokerIdRequest(apply)));
  }
  const invokeTime = BigInt(Date.now());
  const own = { ...names, brokerId: id, brokerAddress: address, invokeTime };
  const registered = decodeRegisterBrokerResponse(await broker.ask(leader, encodeRegisterBrokerRequest(own)));
  broker.heartbeat();
  const { mastership, syncStateSet } = registered;
  if (mastership !== undefined) return broker.follow(mastership.master, mastership.masterEpoch, syncStateSet);
  const wish = { ...names, brokerId: id, designateElect: false, invokeTime };
  const elected = decodeElectMasterResponse(await broker.ask(leader, encodeElectMasterRequest(wish)));
  broker.follow(elected.master, elected.masterEpoch, elected.syncStateSet);
}

/** Each arbiter with a quorum says that it leads: the first one asked is as good as any. */
async function findLeader(broker: SimulatedBroker): Promise<string> {
  for (const door of doors.toSorted(() => Math.random() - 0.5)) {
    const { leader } = decodeGetMetadataInfoResponse(await broker.ask(door, encodeGetMetadataInfoRequest()));
    if (leader !== undefined) return leader.address;
  }
  throw new Error("no arbiter leads");
}

function live(broker: SimulatedBroker): void {
  const { set } = broker;
  every(broker, heartbeatMs, () => broker.heartbeat());
  asksEvery(broker, replicaInfoMs, encodeGetReplicaInfoRequest({ brokerName: set }), (frame) => {
    const { master, masterEpoch, syncStateSet } = decodeGetReplicaInfoResponse(frame);
    broker.follow(master, masterEpoch, syncStateSet);
  });
  asksEvery(broker, metadataMs, encodeGetMetadataInfoRequest(), (frame) => {
    const { leader } = decodeGetMetadataInfoResponse(frame);
    if (leader !== undefined) leaders.set(broker, leader.address);
  });
  every(broker, checkMs, () => {
    checkInSync(broker, sets.get(set) ?? []).catch(onFailure);
  });
}

function onFailure(): void {
  askFailures += 1;
}

/** From a moment of its own on: brokers do not start at one time. */
function every(broker: SimulatedBroker, ms: number, task: () => void): void {
  setTimeout(() => {
    const timer = setInterval(() => {
      if (broker.alive) task();
      else clearInterval(timer);
    }, ms);
  }, Math.random() * ms);
}

function asksEvery(
  broker: SimulatedBroker,
  ms: number,
  request: RemotingRequest,
  take: (frame: Parameters<typeof decodeGetReplicaInfoResponse>[0]) => void,
): void {
  every(broker, ms, () => {
    broker
      .ask(leaders.get(broker) ?? doors[0] ?? "", request)
      .then(take)
      .catch(onFailure);
  });
}

/** A master asks to have those counted that follow it, and only those. */
async function checkInSync(broker: SimulatedBroker, members: readonly SimulatedBroker[]): Promise<void> {
  if (!broker.isMaster) return;
  const { set, id, epoch, inSync } = broker;
  const wanted = members.filter((one) => one.alive && one.epoch === epoch).map((one) => one.id);
  if (wanted.length === inSync.brokerIds.length && wanted.every((one) => inSync.brokerIds.includes(one))) return;
  const request = encodeAlterSyncStateSetRequest({
    brokerName: set,
    masterBrokerId: id,
    masterEpoch: epoch,
    syncStateSet: { brokerIds: wanted, epoch: inSync.epoch },
    invokeTime: BigInt(Date.now()),
  });
  const answer = decodeAlterSyncStateSetResponse(await broker.ask(leaders.get(broker) ?? doors[0] ?? "", request));
  broker.follow({ brokerId: id, address: broker.address }, epoch, answer);
}
