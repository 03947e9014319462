import { resultCodes } from "#lib/remoting/codes.ts";
import { applyBrokerId, nextBrokerId } from "./broker-ids.ts";
import type { ControllerAnswer, MasterInfo, SetRequest } from "./controller-messages.ts";
import type { BrokerId, SetPolicy, SetRecord } from "./model.ts";
import { isLess, keptLevel } from "./promise.ts";
import { wishWaitMsMax } from "./timing.ts";

/**
 * What a broker's request leads to. answer: names no master, may go at once. prove: names one, and may go only after a
 * transaction has compared the record's revision (I4). commit: the record changes first. check: a transaction has to tell which
 * epoch the record has while the broker asks. wait: for a decision, or until what the policy puts off is due.
 */
export type Judgement =
  | { readonly kind: "answer"; readonly answer: ControllerAnswer }
  | { readonly kind: "prove"; readonly answer: ControllerAnswer }
  | {
      readonly kind: "commit";
      readonly next: SetRecord | null;
      readonly answer: ControllerAnswer;
      readonly why: string;
    }
  | { readonly kind: "check" }
  | { readonly kind: "wait" };

/** What a judgement may look at beside the record. */
export interface RequestContext {
  readonly cluster: string;
  readonly set: string;
  readonly record: SetRecord | null;
  /** The whole ledger was restored, and may be older than the brokers. */
  readonly restored: boolean;
  /** Ids under which brokers are heard that the record does not have: the ledger was lost, or is older than they. */
  readonly unrecorded: () => readonly BrokerId[];
  /** The caller's id, from its connection; null: unknown. */
  readonly caller: BrokerId | null;
  /** May this broker be told who is master? Not before the route shows the new one. */
  mayBeTold(id: BrokerId | null): boolean;
  /** A running replica that was away is not told before the name servers show its master: see rejoin.ts. */
  waitsForRoute(id: BrokerId | null): boolean;
  /** A question is open. */
  readonly undecided: boolean;
  /** An epoch that the record had after the request came in, and before anything that was decided for it; null: not known yet. */
  readonly askedEpoch: number | null;
  /** Some site hears it. */
  isAlive(id: BrokerId): boolean;
  idcOf(id: BrokerId): string;
  /** Since when the master wishes for an in-sync set that bears less, in ms; 0: it does not. */
  readonly degradingMs: number;
  readonly policy: SetPolicy;
}

const noMaster = (record: SetRecord): MasterInfo => ({
  master: null,
  address: null,
  epoch: record.epoch,
  inSync: record.inSync,
  inSyncEpoch: record.inSyncEpoch,
});

export function infoOf(record: SetRecord): MasterInfo {
  if (record.master === null) return noMaster(record);
  const address = record.replicas[record.master]?.address ?? null;
  return { ...noMaster(record), master: record.master, address };
}

const refused = (code: number, remark: string, of: { cluster?: string; set?: string } = {}): Judgement => ({
  kind: "answer",
  answer: { kind: "refused", code, remark, ...of },
});

export function judge(request: SetRequest, context: RequestContext): Judgement {
  switch (request.kind) {
    case "nextBrokerId":
      return nextBrokerId(context);
    case "applyBrokerId":
      return applyBrokerId(request, context);
    case "registerBroker":
      return registerBroker(request, context);
    case "electMaster":
      return electMaster(request, context);
    case "replicaInfo":
      return replicaInfo(request, context);
    case "alterInSync":
      return alterInSync(request, context);
    case "cleanBroker":
      return cleanBroker(request, context);
  }
}

/** About a set that nobody has registered. */
export function unknownSet(request: SetRequest): Extract<ControllerAnswer, { kind: "refused" }> {
  const remark = "Broker metadata is not existed";
  switch (request.kind) {
    case "alterInSync":
      return { kind: "refused", code: resultCodes.CONTROLLER_ALTER_SYNC_STATE_SET_FAILED, remark };
    case "cleanBroker":
      return {
        kind: "refused",
        code: resultCodes.CONTROLLER_INVALID_CLEAN_BROKER_METADATA,
        remark: `Broker ${request.set} is not existed,clean broker data failure.`,
      };
    default:
      return { kind: "refused", code: resultCodes.CONTROLLER_BROKER_METADATA_NOT_EXIST, remark };
  }
}

function notRegistered(set: string, cluster: string): Judgement {
  return refused(
    resultCodes.CONTROLLER_BROKER_NEED_TO_BE_REGISTERED,
    `Broker-set: ${set} hasn't been registered in controller`,
    { cluster, set },
  );
}

/**
 * A broker that starts. The recorded master gets no master: it has restarted with epoch 0, would take any epoch at its own,
 * perhaps shorter, end, and its slaves would cut theirs off. Its 1002 then elects by progress.
 */
function registerBroker(request: Extract<SetRequest, { kind: "registerBroker" }>, context: RequestContext): Judgement {
  const { cluster, set, record } = context;
  const { id, address } = request;
  if (record === null) return notRegistered(set, cluster);
  const replica = record.replicas[id];
  if (replica === undefined) {
    const remark = `BrokerId: ${id} hasn't been registered in broker-set: ${set}`;
    return refused(resultCodes.CONTROLLER_BROKER_NEED_TO_BE_REGISTERED, remark, { cluster, set });
  }
  const named = record.master !== null && record.master !== id && !context.undecided && context.mayBeTold(id);
  const answer: ControllerAnswer = {
    kind: "registerBroker",
    cluster,
    set,
    info:
      named && !isMuted(record, context)
        ? infoOf(record)
        : { ...noMaster(record), epoch: 0, inSync: [], inSyncEpoch: 0 },
  };
  if (replica.address !== address && context.isAlive(id)) {
    const remark = `Broker ${id} of ${set} is heard at ${replica.address}: two brokers have one id, or one that moved was not missed yet`;
    return refused(resultCodes.CONTROLLER_BROKER_ID_INVALID, remark, { cluster, set });
  }
  if (replica.address !== address) {
    const replicas = { ...record.replicas, [id]: { ...replica, address } };
    return { kind: "commit", next: { ...record, replicas }, answer, why: "another address" };
  }
  return named ? { kind: "prove", answer } : { kind: "answer", answer };
}

/** A broker without a master, or a tool that names one. */
function electMaster(request: Extract<SetRequest, { kind: "electMaster" }>, context: RequestContext): Judgement {
  const { record } = context;
  const { id, designate } = request;
  if (record === null || (id !== null && record.replicas[id] === undefined)) {
    return refused(resultCodes.CONTROLLER_BROKER_NEED_TO_BE_REGISTERED, "Broker hasn't been registered");
  }
  if (record.frozen !== null || context.restored) {
    const why = record.frozen?.reason ?? "the ledger was restored";
    return refused(resultCodes.CONTROLLER_ELECT_MASTER_FAILED, `The set is frozen: ${why}`);
  }
  if (designate) {
    if (id === null) return refused(resultCodes.CONTROLLER_INVALID_REQUEST, "Name the broker that is to become master");
    if (id !== record.master) return { kind: "wait" };
  } else if (record.epoch === 0 || context.undecided || record.master === null) return { kind: "wait" };
  // Nobody asks who is master as master, unless it has restarted; one that waited for this very epoch gets it.
  else if (record.master === id && context.askedEpoch === null) return { kind: "check" };
  else if (record.master === id && record.epoch === context.askedEpoch) return { kind: "wait" };
  if (!designate && !context.mayBeTold(id)) return { kind: "wait" };
  return { kind: "prove", answer: masterStillExists(record, id) };
}

/** 0 to the master itself when it was just elected, 2011 to the others: stock brokers take both as success. */
function masterStillExists(record: SetRecord, id: BrokerId | null): ControllerAnswer {
  return {
    kind: "electMaster",
    code: record.master === id ? resultCodes.SUCCESS : resultCodes.CONTROLLER_MASTER_STILL_EXIST,
    cluster: record.cluster,
    set: record.set,
    info: infoOf(record),
    members: Object.fromEntries(Object.entries(record.replicas).map(([key, { address }]) => [key, address])),
  };
}

/** The poll of each broker. Until the route shows the new master, the others are told of nothing new. */
function replicaInfo(request: Extract<SetRequest, { kind: "replicaInfo" }>, context: RequestContext): Judgement {
  const { record, caller } = context;
  const isEarly = !context.mayBeTold(caller) || context.waitsForRoute(caller);
  if (record === null) return { kind: "answer", answer: unknownSet(request) };
  if (record.epoch === 0) return { kind: "answer", answer: { kind: "replicaInfo", info: noMaster(record) } };
  if (record.master === null || isMuted(record, context) || isEarly) {
    // With no master in it a broker has nothing to follow, whatever the epoch; one below its own is safest.
    const info = { ...noMaster(record), epoch: 0, inSync: [], inSyncEpoch: 0 };
    return { kind: "answer", answer: { kind: "replicaInfo", info } };
  }
  return { kind: "prove", answer: { kind: "replicaInfo", info: infoOf(record) } };
}

/** Nobody knows who is right: no answer may name a master. */
function isMuted({ frozen }: SetRecord, { restored }: Pick<RequestContext, "restored">): boolean {
  return restored || (frozen !== null && frozen.code !== "operator");
}

/** The master's wish to change the in-sync set; refusals in the stock controller's order. @source ReplicasInfoManager 5.3.3 */
function alterInSync(request: Extract<SetRequest, { kind: "alterInSync" }>, context: RequestContext): Judgement {
  const { record } = context;
  const { master, epoch, inSync, inSyncEpoch } = request;
  const codes = resultCodes;
  if (record === null) return { kind: "answer", answer: unknownSet(request) };
  if (isMuted(record, context)) {
    const why = record.frozen?.reason ?? "the ledger was restored";
    return refused(codes.CONTROLLER_ALTER_SYNC_STATE_SET_FAILED, `The set is frozen: ${why}`);
  }
  const wanted = [...new Set(inSync)].sort((one, other) => one - other);
  if (sameIds(wanted, record.inSync)) {
    const remark = "The newSyncStateSet is equal with oldSyncStateSet, no needed to update syncStateSet";
    return refused(codes.CONTROLLER_ALTER_SYNC_STATE_SET_FAILED, remark);
  }
  const rejecting = "Rejecting alter syncStateSet request because";
  if (record.master !== master) {
    return refused(
      codes.CONTROLLER_INVALID_MASTER,
      `${rejecting} the current leader is:{${record.master}}, not {${master}}`,
    );
  }
  if (record.epoch !== epoch) {
    return refused(
      codes.CONTROLLER_FENCED_MASTER_EPOCH,
      `${rejecting} the current master epoch is:{${record.epoch}}, not {${epoch}}`,
    );
  }
  if (record.inSyncEpoch !== inSyncEpoch) {
    return refused(
      codes.CONTROLLER_FENCED_SYNC_STATE_SET_EPOCH,
      `${rejecting} the current syncStateSet epoch is:{${record.inSyncEpoch}}, not {${inSyncEpoch}}`,
    );
  }
  for (const id of wanted) {
    if (record.replicas[id] === undefined) {
      return refused(codes.CONTROLLER_INVALID_REPLICAS, `${rejecting} the replicas {${id}} don't exist`);
    }
    // The master itself is there: it asks.
    if (id !== master && !context.isAlive(id)) {
      return refused(codes.CONTROLLER_BROKER_NOT_ALIVE, `${rejecting} the replicas {${id}} don't alive`);
    }
  }
  if (!wanted.includes(master)) {
    const remark = `${rejecting} the newSyncStateSet don't contains origin leader {${master}}`;
    return refused(codes.CONTROLLER_ALTER_SYNC_STATE_SET_FAILED, remark);
  }
  const { policy, degradingMs } = context;
  const level = keptLevel(policy, record.inSync, context.idcOf);
  const bearsLess = isLess(keptLevel(policy, wanted, context.idcOf), level);
  // Replicas that are gone leave their master alone. It is where they are there that it may be the master that has a fault.
  const isKept =
    bearsLess && (level === "idc" || record.inSync.some((id) => !wanted.includes(id) && context.isAlive(id)));
  if (isKept && degradingMs < policy.degradeAfterMs) {
    // A master repeats its wish each 5 s, and waits for the answer: what is due soon is not put off until the next one.
    if (policy.degradeAfterMs - degradingMs <= wishWaitMsMax) return { kind: "wait" };
    const keeping =
      level === "idc" ? "survive: idc keeps the set across IDCs" : "rpo: zero keeps the master from being alone";
    const remark = `${rejecting} policy ${keeping} for degradeAfterMs = ${policy.degradeAfterMs} ms`;
    return refused(codes.CONTROLLER_ALTER_SYNC_STATE_SET_FAILED, remark);
  }
  // The request carries the epoch of the set that the master has: everybody in that one is confirmed.
  const added = wanted.filter((id) => !record.inSync.includes(id));
  const next = { ...record, inSync: wanted, inSyncEpoch: record.inSyncEpoch + 1, unconfirmed: added };
  return {
    kind: "commit",
    next,
    answer: { kind: "alterInSync", inSync: wanted, inSyncEpoch: next.inSyncEpoch },
    why: added.length > 0 ? "in-sync set grows" : "in-sync set shrinks",
  };
}

function cleanBroker(request: Extract<SetRequest, { kind: "cleanBroker" }>, context: RequestContext): Judgement {
  const { record, set } = context;
  if (record === null) return { kind: "answer", answer: unknownSet(request) };
  const known = Object.keys(record.replicas).map(Number);
  const gone = (request.ids ?? known).filter((id) => known.includes(id));
  const alive = gone.filter((id) => context.isAlive(id));
  if (!request.living && alive.length > 0) {
    const remark = `Broker ${alive.join(", ")} of ${set} is alive, clean broker data failure`;
    return refused(resultCodes.CONTROLLER_INVALID_CLEAN_BROKER_METADATA, remark);
  }
  const stays = (id: BrokerId): boolean => !gone.includes(id);
  if (!known.some(stays))
    return { kind: "commit", next: null, answer: { kind: "cleanBroker" }, why: "the set is cleaned away" };
  if (record.master !== null && gone.includes(record.master)) {
    const remark = `Broker ${record.master} is the recorded master of ${set}: switch first, or clean the whole set`;
    return refused(resultCodes.CONTROLLER_INVALID_CLEAN_BROKER_METADATA, remark);
  }
  const shrinks = record.inSync.some((id) => !stays(id));
  const next: SetRecord = {
    ...record,
    replicas: Object.fromEntries(Object.entries(record.replicas).filter(([id]) => stays(Number(id)))),
    inSync: record.inSync.filter(stays),
    unconfirmed: record.unconfirmed.filter(stays),
    inSyncEpoch: record.inSyncEpoch + (shrinks ? 1 : 0),
  };
  return { kind: "commit", next, answer: { kind: "cleanBroker" }, why: "brokers are cleaned away" };
}

function sameIds(one: readonly BrokerId[], other: readonly BrokerId[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}
