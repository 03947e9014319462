import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";

/** A normal topic, without order. */
export interface CreateTopicRequest {
  readonly topic: string;
  readonly readQueues: number;
  readonly writeQueues: number;
  /** Bits: 4 read, 2 write. */
  readonly perm: number;
}

const code = requestCodes.UPDATE_AND_CREATE_TOPIC;

/**
 * To a master; slaves learn of it within some ten seconds.  defaultTopic | order | perm | readQueueNums | topic |
 * topicFilterType | topicSysFlag | writeQueueNums
 * @source RocketMQ 5.3.3 CreateTopicRequestHeader
 */
export function encodeCreateTopicRequest(create: CreateTopicRequest): RemotingRequest {
  const { topic, readQueues, writeQueues, perm } = create;
  const fields = toFields({
    defaultTopic: "TBW102",
    order: false,
    perm,
    readQueueNums: readQueues,
    topic,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    writeQueueNums: writeQueues,
  });
  return request(code, fields);
}

export function decodeCreateTopicRequest(frame: Frame): CreateTopicRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    topic: fields.text("topic"),
    readQueues: fields.int32("readQueueNums"),
    writeQueues: fields.int32("writeQueueNums"),
    perm: fields.int32("perm"),
  };
}

export function encodeCreateTopicResponse(): RemotingAnswer {
  return success();
}

export function decodeCreateTopicResponse(frame: Frame): void {
  expectResult(frame, code);
}
