import { type BodyReader, readBody } from "../body.ts";
import { printJson } from "../fastjson.ts";

/** The replicas that have all that the master has promised, the master included. */
export interface SyncStateSet {
  readonly brokerIds: readonly number[];
  /** Of this set, not of its master. Rises with each change. */
  readonly epoch: number;
}

/**
 * Sync-state set, the body of several messages.  {"syncStateSet": [id], "syncStateSetEpoch": i32}
 * @source RocketMQ 5.3.3 SyncStateSet
 */
export function encodeSyncStateSet(set: SyncStateSet): Uint8Array {
  return printJson({ syncStateSet: set.brokerIds, syncStateSetEpoch: set.epoch });
}

export function decodeSyncStateSet(body: Uint8Array, what: string): SyncStateSet {
  const set = readBody(body, what);
  return { brokerIds: readBrokerIds(set.member("syncStateSet")), epoch: set.member("syncStateSetEpoch").int32() };
}

export function readBrokerIds(list: BodyReader): number[] {
  return list.items().map((id) => id.brokerId());
}
