import { requestCodes } from "../codes.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import { decodeProperties, encodeProperties, type Properties } from "../properties.ts";

const code = requestCodes.UPDATE_BROKER_CONFIG;

/**
 * Settings to change in a running broker, which also writes them to its file.  body: properties text
 * @source RocketMQ 5.3.3 AdminBrokerProcessor.updateBrokerConfig
 */
export function encodeUpdateBrokerConfigRequest(settings: Properties): RemotingRequest {
  return request(code, {}, encodeProperties(settings));
}

export function decodeUpdateBrokerConfigRequest(frame: Frame): Properties {
  return decodeProperties(frame.body);
}

export function encodeUpdateBrokerConfigResponse(): RemotingAnswer {
  return success();
}

export function decodeUpdateBrokerConfigResponse(frame: Frame): void {
  expectResult(frame, code);
}
