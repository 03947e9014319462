import { requestCodes, requestName, resultCodes } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request } from "../message.ts";
import { type MessageProperties, parseMessageProperties, printMessageProperties } from "./message-properties.ts";

export interface SendMessageRequest {
  readonly producerGroup: string;
  readonly topic: string;
  readonly queueId: number;
  /** Milliseconds since 1970. */
  readonly bornTimestamp: bigint;
  readonly properties: MessageProperties;
  readonly body: Uint8Array;
}

/** Only `ok` is a promise. The others are stored in this broker, and not safe. */
export interface SendMessageResponse {
  readonly kind: keyof typeof kinds;
  readonly messageId: string;
  readonly queueId: number;
  readonly queueOffset: bigint;
}

const kinds = {
  ok: resultCodes.SUCCESS,
  flushDiskTimeout: resultCodes.FLUSH_DISK_TIMEOUT,
  slaveNotAvailable: resultCodes.SLAVE_NOT_AVAILABLE,
  flushSlaveTimeout: resultCodes.FLUSH_SLAVE_TIMEOUT,
} as const;

const code = requestCodes.SEND_MESSAGE;

/**
 * batch | bornTimestamp | defaultTopic | defaultTopicQueueNums | flag | producerGroup | properties | queueId | reconsumeTimes |
 * sysFlag | topic | unitMode | body: the message's
 * @source RocketMQ 5.3.3 SendMessageRequestHeader
 */
export function encodeSendMessageRequest(send: SendMessageRequest): RemotingRequest {
  const { producerGroup, topic, queueId, bornTimestamp, properties, body } = send;
  const fields = toFields({
    batch: false,
    bornTimestamp,
    defaultTopic: "TBW102",
    defaultTopicQueueNums: 4,
    flag: 0,
    producerGroup,
    properties: printMessageProperties(properties),
    queueId,
    reconsumeTimes: 0,
    sysFlag: 0,
    topic,
    unitMode: false,
  });
  return request(code, fields, body);
}

export function decodeSendMessageRequest(frame: Frame): SendMessageRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    producerGroup: fields.text("producerGroup"),
    topic: fields.text("topic"),
    queueId: fields.int32("queueId"),
    bornTimestamp: fields.int64("bornTimestamp"),
    properties: parseMessageProperties(fields.optionalText("properties") ?? ""),
    body: frame.body,
  };
}

/**
 * msgId | queueId | queueOffset
 * @source RocketMQ 5.3.3 SendMessageResponseHeader
 */
export function encodeSendMessageResponse(response: SendMessageResponse): RemotingAnswer {
  const { kind, messageId, queueId, queueOffset } = response;
  return { code: kinds[kind], fields: toFields({ msgId: messageId, queueId, queueOffset }), body: new Uint8Array() };
}

export function decodeSendMessageResponse(frame: Frame): SendMessageResponse {
  expectResult(frame, code, Object.values(kinds));
  const kind = (Object.keys(kinds) as (keyof typeof kinds)[]).find((each) => kinds[each] === frame.code) ?? "ok";
  const fields = new FieldReader(frame.fields, `answer to ${requestName(code)}`);
  return {
    kind,
    messageId: fields.text("msgId"),
    queueId: fields.int32("queueId"),
    queueOffset: fields.int64("queueOffset"),
  };
}
