import { requestCodes } from "../codes.ts";
import { decodeSettings, encodeSettings } from "../config-text.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import type { Properties } from "../properties.ts";

const code = requestCodes.GET_BROKER_CONFIG;

/** All settings of a running broker. No fields. @source RocketMQ 5.3.3 AdminBrokerProcessor.getBrokerConfig */
export function encodeGetBrokerConfigRequest(): RemotingRequest {
  return request(code);
}

/** version: of the settings, as text | body: settings text */
export function encodeGetBrokerConfigResponse(settings: Properties): RemotingAnswer {
  return success({}, encodeSettings(settings));
}

export function decodeGetBrokerConfigResponse(frame: Frame): Properties {
  expectResult(frame, code);
  return decodeSettings(frame.body);
}
