import { requestCodes } from "../codes.ts";
import { decodeSettings, encodeSettings } from "../config-text.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import { decodeProperties, encodeProperties, type Properties } from "../properties.ts";

/**
 * Settings to change in a running controller.  body: properties text
 * @source RocketMQ 5.3.3 ControllerRequestProcessor.handleUpdateControllerConfig
 */
export function encodeUpdateControllerConfigRequest(settings: Properties): RemotingRequest {
  return request(requestCodes.UPDATE_CONTROLLER_CONFIG, {}, encodeProperties(settings));
}

export function decodeUpdateControllerConfigRequest(frame: Frame): Properties {
  return decodeProperties(frame.body);
}

export function encodeUpdateControllerConfigResponse(): RemotingAnswer {
  return success();
}

export function decodeUpdateControllerConfigResponse(frame: Frame): void {
  expectResult(frame, requestCodes.UPDATE_CONTROLLER_CONFIG);
}

/** All settings of a running controller. No fields. @source RocketMQ 5.3.3 ControllerRequestProcessor.handleGetControllerConfig */
export function encodeGetControllerConfigRequest(): RemotingRequest {
  return request(requestCodes.GET_CONTROLLER_CONFIG);
}

/** body: settings text */
export function encodeGetControllerConfigResponse(settings: Properties): RemotingAnswer {
  return success({}, encodeSettings(settings));
}

export function decodeGetControllerConfigResponse(frame: Frame): Properties {
  expectResult(frame, requestCodes.GET_CONTROLLER_CONFIG);
  return decodeSettings(frame.body);
}
