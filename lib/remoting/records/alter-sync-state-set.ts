import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import { decodeSyncStateSet, encodeSyncStateSet, type SyncStateSet } from "./sync-state-set.ts";

export interface AlterSyncStateSetRequest {
  readonly brokerName: string;
  readonly masterBrokerId: number;
  readonly masterEpoch: number;
  /** The members it wants, with the epoch of the set that it has now. */
  readonly syncStateSet: SyncStateSet;
  /** Milliseconds since 1970, by the broker's clock. */
  readonly invokeTime: bigint;
}

const code = requestCodes.CONTROLLER_ALTER_SYNC_STATE_SET;

/**
 * Change of the sync-state set, asked for by its master.  brokerName | invokeTime | masterBrokerId | masterEpoch | body: sync-state set
 * @source RocketMQ 5.3.3 AlterSyncStateSetRequestHeader
 */
export function encodeAlterSyncStateSetRequest(alter: AlterSyncStateSetRequest): RemotingRequest {
  const { syncStateSet, ...fields } = alter;
  return request(code, toFields(fields), encodeSyncStateSet(syncStateSet));
}

export function decodeAlterSyncStateSetRequest(frame: Frame): AlterSyncStateSetRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    brokerName: fields.text("brokerName"),
    masterBrokerId: fields.brokerId("masterBrokerId"),
    masterEpoch: fields.int32("masterEpoch"),
    syncStateSet: decodeSyncStateSet(frame.body, requestName(code)),
    invokeTime: fields.optionalInt64("invokeTime") ?? 0n,
  };
}

/**
 * newSyncStateSetEpoch | body: the new set, which the broker needs
 * @source RocketMQ 5.3.3 AlterSyncStateSetResponseHeader
 */
export function encodeAlterSyncStateSetResponse(set: SyncStateSet): RemotingAnswer {
  return success(toFields({ newSyncStateSetEpoch: set.epoch }), encodeSyncStateSet(set));
}

export function decodeAlterSyncStateSetResponse(frame: Frame): SyncStateSet {
  expectResult(frame, code);
  return decodeSyncStateSet(frame.body, `answer to ${requestName(code)}`);
}
