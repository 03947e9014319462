import { type BodyReader, readBody } from "../body.ts";
import { requestCodes, requestName } from "../codes.ts";
import { printJson } from "../fastjson.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import type { Master } from "./master.ts";

export interface GetSyncStateDataRequest {
  readonly brokerNames: readonly string[];
}

/** What a controller knows of the broker sets asked for, by name. */
export type SyncStateData = ReadonlyMap<string, ReplicasInfo>;

interface ReplicasInfo {
  readonly master: Master | undefined;
  readonly masterEpoch: number;
  readonly syncStateSetEpoch: number;
  readonly inSync: readonly ReplicaIdentity[];
  readonly notInSync: readonly ReplicaIdentity[];
}

interface ReplicaIdentity {
  readonly brokerName: string;
  readonly brokerId: number;
  readonly brokerAddress: string;
  readonly alive: boolean;
}

const code = requestCodes.CONTROLLER_GET_SYNC_STATE_DATA;

/**
 * What an admin tool asks.  body: [broker name]
 * @source RocketMQ 5.3.3 MQClientAPIImpl.getInSyncStateData
 */
export function encodeGetSyncStateDataRequest({ brokerNames }: GetSyncStateDataRequest): RemotingRequest {
  return request(code, {}, printJson(brokerNames));
}

export function decodeGetSyncStateDataRequest(frame: Frame): GetSyncStateDataRequest {
  const names = readBody(frame.body, requestName(code)).items();
  return { brokerNames: names.map((name) => name.text()) };
}

/**
 * body: {"replicasInfoTable": {name: {"inSyncReplicas": [replica], "masterAddress"?, "masterBrokerId"?, "masterEpoch",
 * "notInSyncReplicas": [replica], "syncStateSetEpoch"}}};  replica: {"alive", "brokerAddress", "brokerId", "brokerName"}
 * @source RocketMQ 5.3.3 BrokerReplicasInfo
 */
export function encodeGetSyncStateDataResponse(data: SyncStateData): RemotingAnswer {
  const table = [...data].map(([name, info]) => [
    name,
    {
      inSyncReplicas: info.inSync.map(inOrder),
      masterAddress: info.master?.address,
      masterBrokerId: info.master?.brokerId,
      masterEpoch: info.masterEpoch,
      notInSyncReplicas: info.notInSync.map(inOrder),
      syncStateSetEpoch: info.syncStateSetEpoch,
    },
  ]);
  return success({}, printJson({ replicasInfoTable: Object.fromEntries(table) }));
}

export function decodeGetSyncStateDataResponse(frame: Frame): SyncStateData {
  expectResult(frame, code);
  const table = readBody(frame.body, `answer to ${requestName(code)}`).member("replicasInfoTable");
  return new Map(table.entries().map(([name, info]) => [name, readReplicasInfo(info)]));
}

function readReplicasInfo(info: BodyReader): ReplicasInfo {
  const address = info.optional("masterAddress")?.text() ?? "";
  const brokerId = info.optional("masterBrokerId")?.brokerId();
  return {
    master: address === "" || brokerId === undefined ? undefined : { brokerId, address },
    masterEpoch: info.member("masterEpoch").int32(),
    syncStateSetEpoch: info.member("syncStateSetEpoch").int32(),
    inSync: info.member("inSyncReplicas").items().map(readReplica),
    notInSync: info.member("notInSyncReplicas").items().map(readReplica),
  };
}

function readReplica(replica: BodyReader): ReplicaIdentity {
  return {
    brokerName: replica.member("brokerName").text(),
    brokerId: replica.member("brokerId").brokerId(),
    brokerAddress: replica.member("brokerAddress").text(),
    alive: replica.member("alive").bool(),
  };
}

function inOrder({ alive, brokerAddress, brokerId, brokerName }: ReplicaIdentity): ReplicaIdentity {
  return { alive, brokerAddress, brokerId, brokerName };
}
