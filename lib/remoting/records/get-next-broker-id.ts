import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";

export interface GetNextBrokerIdRequest {
  readonly clusterName: string;
  readonly brokerName: string;
}

export interface GetNextBrokerIdResponse {
  readonly clusterName: string;
  readonly brokerName: string;
  /** Of a new set 1. Not yet the asker's: it has to apply for it. */
  readonly nextBrokerId: number;
}

const code = requestCodes.CONTROLLER_GET_NEXT_BROKER_ID;

/**
 * Which id is free.  brokerName | clusterName
 * @source RocketMQ 5.3.3 GetNextBrokerIdRequestHeader
 */
export function encodeGetNextBrokerIdRequest({ clusterName, brokerName }: GetNextBrokerIdRequest): RemotingRequest {
  return request(code, toFields({ brokerName, clusterName }));
}

export function decodeGetNextBrokerIdRequest(frame: Frame): GetNextBrokerIdRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return { clusterName: fields.text("clusterName"), brokerName: fields.text("brokerName") };
}

/**
 * brokerName | clusterName | nextBrokerId
 * @source RocketMQ 5.3.3 GetNextBrokerIdResponseHeader
 */
export function encodeGetNextBrokerIdResponse(response: GetNextBrokerIdResponse): RemotingAnswer {
  return success(toFields({ ...response }));
}

export function decodeGetNextBrokerIdResponse(frame: Frame): GetNextBrokerIdResponse {
  expectResult(frame, code);
  const fields = new FieldReader(frame.fields, `answer to ${requestName(code)}`);
  return {
    clusterName: fields.text("clusterName"),
    brokerName: fields.text("brokerName"),
    nextBrokerId: fields.brokerId("nextBrokerId"),
  };
}
