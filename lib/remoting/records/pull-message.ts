import { Reader } from "../../bytes/reader.ts";
import { Writer } from "../../bytes/writer.ts";
import { requestCodes, requestName, resultCodes } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import { type Frame, frameLimits } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request } from "../message.ts";
import { decodeStoredMessage, encodeStoredMessage, type StoredMessage } from "./stored-message.ts";

/** Answered at once, also when there is nothing. */
export interface PullMessageRequest {
  readonly consumerGroup: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: bigint;
  readonly messagesMax: number;
}

export interface PullMessageResponse {
  /** nothingThere: at the end. again: nothing that matches, go on at nextOffset. moved: the offset is outside the queue. */
  readonly kind: keyof typeof kinds;
  readonly nextOffset: bigint;
  readonly minOffset: bigint;
  readonly maxOffset: bigint;
  /** Only of found. */
  readonly messages: readonly StoredMessage[];
}

const kinds = {
  found: resultCodes.SUCCESS,
  nothingThere: resultCodes.PULL_NOT_FOUND,
  again: resultCodes.PULL_RETRY_IMMEDIATELY,
  moved: resultCodes.PULL_OFFSET_MOVED,
} as const;

const code = requestCodes.PULL_MESSAGE;
/** The request says what it subscribes to. */
const subscriptionFlag = 4;

/**
 * commitOffset | consumerGroup | expressionType | maxMsgNums | queueId | queueOffset | subVersion | subscription |
 * suspendTimeoutMillis | sysFlag | topic
 * @source RocketMQ 5.3.3 PullMessageRequestHeader
 */
export function encodePullMessageRequest(pull: PullMessageRequest): RemotingRequest {
  const { consumerGroup, topic, queueId, queueOffset, messagesMax } = pull;
  const fields = toFields({
    commitOffset: 0,
    consumerGroup,
    expressionType: "TAG",
    maxMsgNums: messagesMax,
    queueId,
    queueOffset,
    subVersion: 0,
    subscription: "*",
    suspendTimeoutMillis: 0,
    sysFlag: subscriptionFlag,
    topic,
  });
  return request(code, fields);
}

export function decodePullMessageRequest(frame: Frame): PullMessageRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    consumerGroup: fields.text("consumerGroup"),
    topic: fields.text("topic"),
    queueId: fields.int32("queueId"),
    queueOffset: fields.int64("queueOffset"),
    messagesMax: fields.int32("maxMsgNums"),
  };
}

/**
 * maxOffset | minOffset | nextBeginOffset | suggestWhichBrokerId | body: stored messages, one after the other
 * @source RocketMQ 5.3.3 PullMessageResponseHeader
 */
export function encodePullMessageResponse(response: PullMessageResponse): RemotingAnswer {
  const { kind, maxOffset, minOffset, nextOffset, messages } = response;
  const writer = new Writer({ bytesMax: frameLimits.frameBytesMax });
  for (const message of messages) encodeStoredMessage(writer, message);
  const fields = toFields({ maxOffset, minOffset, nextBeginOffset: nextOffset, suggestWhichBrokerId: 0 });
  return { code: kinds[kind], fields, body: writer.bytes };
}

export function decodePullMessageResponse(frame: Frame): PullMessageResponse {
  expectResult(frame, code, Object.values(kinds));
  const kind = (Object.keys(kinds) as (keyof typeof kinds)[]).find((each) => kinds[each] === frame.code) ?? "found";
  const fields = new FieldReader(frame.fields, `answer to ${requestName(code)}`);
  return {
    kind,
    nextOffset: fields.int64("nextBeginOffset"),
    minOffset: fields.int64("minOffset"),
    maxOffset: fields.int64("maxOffset"),
    messages: kind === "found" ? messagesOf(frame.body) : [],
  };
}

function messagesOf(body: Uint8Array): StoredMessage[] {
  const reader = new Reader(body);
  const messages: StoredMessage[] = [];
  while (reader.remaining > 0) messages.push(decodeStoredMessage(reader));
  return messages;
}
