import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";

export interface GetMetadataInfoResponse {
  readonly group: string;
  /** undefined: none is known here, and the broker asks the next address. */
  readonly leader: { readonly id: string; readonly address: string } | undefined;
  /** Whether the one that answers leads. */
  readonly isLeader: boolean;
  /** As stock controllers write it: `n0:host:port;n1:host:port;` */
  readonly peers: string;
}

const code = requestCodes.CONTROLLER_GET_METADATA_INFO;

/** Which controller leads: what a broker asks every 10 s. No fields. @source RocketMQ 5.3.3 RequestCode */
export function encodeGetMetadataInfoRequest(): RemotingRequest {
  return request(code);
}

/**
 * group | controllerLeaderAddress? | controllerLeaderId? | isLeader | peers
 * @source RocketMQ 5.3.3 GetMetaDataResponseHeader
 */
export function encodeGetMetadataInfoResponse(response: GetMetadataInfoResponse): RemotingAnswer {
  const { group, leader, isLeader, peers } = response;
  return success(
    toFields({ group, controllerLeaderAddress: leader?.address, controllerLeaderId: leader?.id, isLeader, peers }),
  );
}

export function decodeGetMetadataInfoResponse(frame: Frame): GetMetadataInfoResponse {
  expectResult(frame, code);
  const fields = new FieldReader(frame.fields, `answer to ${requestName(code)}`);
  const address = fields.optionalText("controllerLeaderAddress") ?? "";
  return {
    group: fields.optionalText("group") ?? "",
    leader: address === "" ? undefined : { id: fields.optionalText("controllerLeaderId") ?? "", address },
    isLeader: fields.bool("isLeader"),
    peers: fields.optionalText("peers") ?? "",
  };
}
