import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { type RemotingRequest, request } from "../message.ts";

export interface BrokerHeartbeat {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerId: number;
  readonly brokerAddress: string;
  /** The last one in the broker's epoch file; -1: none. Lags behind the controller's, see docs. */
  readonly epoch: number;
  /** The end of its log; -1: not said. */
  readonly maxOffset: bigint;
  /** Up to here each member of the sync-state set has the log; -1: not said. */
  readonly confirmOffset: bigint;
  /** After this much silence the broker wants to count as dead. */
  readonly heartbeatTimeoutMs: number | undefined;
  /** Smaller is preferred. */
  readonly electionPriority: number;
}

const code = requestCodes.BROKER_HEARTBEAT;
const lowestPriority = 2_147_483_647;

/**
 * Heartbeat, one-way, each second to every controller.  brokerAddr | brokerId | brokerName | clusterName | confirmOffset? |
 * electionPriority? | epoch? | heartbeatTimeoutMills? | maxOffset?
 * @source RocketMQ 5.3.3 BrokerHeartbeatRequestHeader
 */
export function encodeBrokerHeartbeatRequest(heartbeat: BrokerHeartbeat): RemotingRequest {
  const { brokerAddress, heartbeatTimeoutMs, ...same } = heartbeat;
  return request(code, toFields({ ...same, brokerAddr: brokerAddress, heartbeatTimeoutMills: heartbeatTimeoutMs }));
}

export function decodeBrokerHeartbeatRequest(frame: Frame): BrokerHeartbeat {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    clusterName: fields.text("clusterName"),
    brokerName: fields.text("brokerName"),
    brokerId: fields.brokerId("brokerId"),
    brokerAddress: fields.text("brokerAddr"),
    epoch: fields.optionalInt32("epoch") ?? -1,
    maxOffset: fields.optionalInt64("maxOffset") ?? -1n,
    confirmOffset: fields.optionalInt64("confirmOffset") ?? -1n,
    heartbeatTimeoutMs: fields.optionalInt32("heartbeatTimeoutMills"),
    electionPriority: fields.optionalInt32("electionPriority") ?? lowestPriority,
  };
}
