import { requestCodes, requestName } from "../codes.ts";
import { RemotingError } from "../errors.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";

export interface CleanBrokerDataRequest {
  readonly clusterName: string | undefined;
  readonly brokerName: string;
  /** undefined: the whole set. */
  readonly brokerIds: readonly number[] | undefined;
  /** Also brokers that are alive. */
  readonly cleanLivingBroker: boolean;
}

const code = requestCodes.CLEAN_BROKER_DATA;

/**
 * Brokers to forget, asked for by an operator.  brokerControllerIdsToClean? ("1;2") | brokerName | clusterName? | isCleanLivingBroker
 * @source RocketMQ 5.3.3 CleanControllerBrokerDataRequestHeader
 */
export function encodeCleanBrokerDataRequest(clean: CleanBrokerDataRequest): RemotingRequest {
  const { clusterName, brokerName, brokerIds, cleanLivingBroker } = clean;
  const fields = toFields({
    brokerControllerIdsToClean: brokerIds?.join(";"),
    brokerName,
    clusterName,
    isCleanLivingBroker: cleanLivingBroker,
  });
  return request(code, fields);
}

export function decodeCleanBrokerDataRequest(frame: Frame): CleanBrokerDataRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    clusterName: fields.optionalText("clusterName"),
    brokerName: fields.text("brokerName"),
    brokerIds: brokerIdsOf(fields.optionalText(idsField) ?? ""),
    cleanLivingBroker: fields.bool("isCleanLivingBroker"),
  };
}

export function encodeCleanBrokerDataResponse(): RemotingAnswer {
  return success();
}

export function decodeCleanBrokerDataResponse(frame: Frame): void {
  expectResult(frame, code);
}

const idsField = "brokerControllerIdsToClean";

function brokerIdsOf(text: string): readonly number[] | undefined {
  if (text === "") return undefined;
  return text.split(";").map((id) => {
    if (/^\d{1,15}$/.test(id)) return Number(id);
    throw new RemotingError(
      "REMOTING_FIELD",
      `${requestName(code)}: field ${idsField} has ${JSON.stringify(id.slice(0, 80))}, where a broker id was due`,
      { field: idsField, value: text },
    );
  });
}
