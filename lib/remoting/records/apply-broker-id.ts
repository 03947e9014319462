import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";

export interface ApplyBrokerIdRequest {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly appliedBrokerId: number;
  /** `address;milliseconds` of the broker's first start: who asks again with the same one gets the same id. */
  readonly registerCheckCode: string;
}

export interface ApplyBrokerIdResponse {
  readonly clusterName: string;
  readonly brokerName: string;
}

const code = requestCodes.CONTROLLER_APPLY_BROKER_ID;

/**
 * A new broker takes an id, for ever.  appliedBrokerId | brokerName | clusterName | registerCheckCode
 * @source RocketMQ 5.3.3 ApplyBrokerIdRequestHeader
 */
export function encodeApplyBrokerIdRequest(apply: ApplyBrokerIdRequest): RemotingRequest {
  return request(code, toFields({ ...apply }));
}

export function decodeApplyBrokerIdRequest(frame: Frame): ApplyBrokerIdRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    clusterName: fields.text("clusterName"),
    brokerName: fields.text("brokerName"),
    appliedBrokerId: fields.brokerId("appliedBrokerId"),
    registerCheckCode: fields.text("registerCheckCode"),
  };
}

/**
 * brokerName | clusterName
 * @source RocketMQ 5.3.3 ApplyBrokerIdResponseHeader
 */
export function encodeApplyBrokerIdResponse({ clusterName, brokerName }: ApplyBrokerIdResponse): RemotingAnswer {
  return success(toFields({ brokerName, clusterName }));
}

export function decodeApplyBrokerIdResponse(frame: Frame): ApplyBrokerIdResponse {
  expectResult(frame, code);
  const fields = new FieldReader(frame.fields, `answer to ${requestName(code)}`);
  return { clusterName: fields.text("clusterName"), brokerName: fields.text("brokerName") };
}
