import { readBody } from "../body.ts";
import { requestCodes, requestName, resultCodes } from "../codes.ts";
import { printJson } from "../fastjson.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request } from "../message.ts";
import type { Master } from "./master.ts";
import { readBrokerIds, type SyncStateSet } from "./sync-state-set.ts";

export interface ElectMasterRequest {
  readonly clusterName: string;
  readonly brokerName: string;
  /** Who asks, or who shall be master. */
  readonly brokerId: number | undefined;
  /** This broker or none. */
  readonly designateElect: boolean;
  /** Milliseconds since 1970, by the asker's clock. */
  readonly invokeTime: bigint;
}

export interface ElectMasterResponse {
  /** stillExists: nothing was changed. Brokers take both alike. */
  readonly kind: "elected" | "stillExists";
  readonly master: Master;
  readonly masterEpoch: number;
  readonly syncStateSet: SyncStateSet;
  /** Only of an election. */
  readonly members: BrokerMembers | undefined;
}

/** The brokers of a set, dead ones as well. */
interface BrokerMembers {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly addresses: ReadonlyMap<number, string>;
}

const code = requestCodes.CONTROLLER_ELECT_MASTER;
const nobody = -1n;

/**
 * Wish for a master.  brokerId (-1: nobody) | brokerName | clusterName | designateElect | invokeTime
 * @source RocketMQ 5.3.3 ElectMasterRequestHeader
 */
export function encodeElectMasterRequest(elect: ElectMasterRequest): RemotingRequest {
  return request(code, toFields({ ...elect, brokerId: elect.brokerId ?? nobody }));
}

export function decodeElectMasterRequest(frame: Frame): ElectMasterRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    clusterName: fields.text("clusterName"),
    brokerName: fields.text("brokerName"),
    brokerId: (fields.optionalInt64("brokerId") ?? nobody) === nobody ? undefined : fields.brokerId("brokerId"),
    designateElect: fields.bool("designateElect"),
    invokeTime: fields.optionalInt64("invokeTime") ?? 0n,
  };
}

/**
 * masterAddress | masterBrokerId | masterEpoch | syncStateSetEpoch |
 * body: {"brokerMemberGroup"?: {"brokerAddrs": {id: address}, "brokerName", "cluster"}, "syncStateSet": [id]}
 * @source RocketMQ 5.3.3 ElectMasterResponseHeader, ElectMasterResponseBody
 */
export function encodeElectMasterResponse(response: ElectMasterResponse): RemotingAnswer {
  const { kind, master, masterEpoch, syncStateSet, members } = response;
  const brokerMemberGroup = members && {
    brokerAddrs: Object.fromEntries(members.addresses),
    brokerName: members.brokerName,
    cluster: members.clusterName,
  };
  return {
    code: kind === "elected" ? resultCodes.SUCCESS : resultCodes.CONTROLLER_MASTER_STILL_EXIST,
    remark: kind === "elected" ? undefined : `The old master ${master.brokerId} is still alive`,
    fields: toFields({
      masterAddress: master.address,
      masterBrokerId: master.brokerId,
      masterEpoch,
      syncStateSetEpoch: syncStateSet.epoch,
    }),
    body: printJson({ brokerMemberGroup, syncStateSet: syncStateSet.brokerIds }),
  };
}

export function decodeElectMasterResponse(frame: Frame): ElectMasterResponse {
  expectResult(frame, code, [resultCodes.SUCCESS, resultCodes.CONTROLLER_MASTER_STILL_EXIST]);
  const what = `answer to ${requestName(code)}`;
  const fields = new FieldReader(frame.fields, what);
  const body = readBody(frame.body, what);
  const group = body.optional("brokerMemberGroup");
  return {
    kind: frame.code === resultCodes.SUCCESS ? "elected" : "stillExists",
    master: { brokerId: fields.brokerId("masterBrokerId"), address: fields.text("masterAddress") },
    masterEpoch: fields.int32("masterEpoch"),
    syncStateSet: {
      brokerIds: readBrokerIds(body.member("syncStateSet")),
      epoch: fields.int32("syncStateSetEpoch"),
    },
    members: group && {
      clusterName: group.member("cluster").text(),
      brokerName: group.member("brokerName").text(),
      addresses: group.member("brokerAddrs").addresses(),
    },
  };
}
