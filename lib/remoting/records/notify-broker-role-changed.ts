import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import { type Master, masterFields, readMaster } from "./master.ts";
import { decodeSyncStateSet, encodeSyncStateSet, type SyncStateSet } from "./sync-state-set.ts";

export interface NotifyBrokerRoleChangedRequest {
  readonly master: Master | undefined;
  readonly masterEpoch: number;
  readonly syncStateSet: SyncStateSet;
}

const code = requestCodes.NOTIFY_BROKER_ROLE_CHANGED;

/**
 * Who is master now; a broker obeys if the epoch is greater than its own.  masterAddress? | masterBrokerId? | masterEpoch |
 * syncStateSetEpoch | body: sync-state set
 * Stock controllers send it one-way. As a request it is answered when the change is done, or when nothing had to be done.
 * @source RocketMQ 5.3.3 NotifyBrokerRoleChangedRequestHeader, AdminBrokerProcessor
 */
export function encodeNotifyBrokerRoleChangedRequest(notify: NotifyBrokerRoleChangedRequest): RemotingRequest {
  const { master, masterEpoch, syncStateSet } = notify;
  const fields = toFields({ ...masterFields(master), masterEpoch, syncStateSetEpoch: syncStateSet.epoch });
  return request(code, fields, encodeSyncStateSet(syncStateSet));
}

export function decodeNotifyBrokerRoleChangedRequest(frame: Frame): NotifyBrokerRoleChangedRequest {
  const what = requestName(code);
  const fields = new FieldReader(frame.fields, what);
  return {
    master: readMaster(fields),
    masterEpoch: fields.int32("masterEpoch"),
    syncStateSet: decodeSyncStateSet(frame.body, what),
  };
}

export function encodeNotifyBrokerRoleChangedResponse(): RemotingAnswer {
  return success();
}

/** Success says only that the broker has read it: an epoch that it ignores is answered in the same way. */
export function decodeNotifyBrokerRoleChangedResponse(frame: Frame): void {
  expectResult(frame, code);
}
