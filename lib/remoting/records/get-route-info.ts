import { type BodyReader, readBody } from "../body.ts";
import { requestCodes, requestName, resultCodes } from "../codes.ts";
import { printJson } from "../fastjson.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, refusal, request, success } from "../message.ts";
import { type BrokerData, printBrokerData, readBrokerData } from "./broker-data.ts";

export interface GetRouteInfoRequest {
  readonly topic: string;
}

/** Where a topic's queues are. */
export interface TopicRoute {
  /** Of an ordered topic: its queues, whatever their permissions say. */
  readonly orderTopicConf: string | undefined;
  readonly queues: readonly QueueData[];
  readonly brokers: readonly BrokerData[];
  /** Its queues are mapped over brokers, and permissions do not count. The mapping is not kept: pass the body on as it came. */
  readonly isStatic: boolean;
}

interface QueueData {
  readonly brokerName: string;
  /** Bits: 4 read, 2 write. */
  readonly perm: number;
  readonly readQueues: number;
  readonly writeQueues: number;
  readonly topicSysFlag: number;
}

const code = requestCodes.GET_ROUTEINFO_BY_TOPIC;
const name = requestName(code);

/**
 * acceptStandardJsonOnly? | topic
 * @source RocketMQ 5.3.3 GetRouteInfoRequestHeader
 */
export function encodeGetRouteInfoRequest({ topic }: GetRouteInfoRequest): RemotingRequest {
  return request(code, toFields({ acceptStandardJsonOnly: true, topic }));
}

export function decodeGetRouteInfoRequest(frame: Frame): GetRouteInfoRequest {
  return { topic: new FieldReader(frame.fields, name).text("topic") };
}

/**
 * body: {"brokerDatas": [broker data], "filterServerTable": {}, "orderTopicConf"?, "queueDatas": [{"brokerName", "perm",
 * "readQueueNums", "topicSysFlag", "writeQueueNums"}], "topicQueueMappingByBroker"?}
 * @param route undefined: the topic is unknown
 * @source RocketMQ 5.3.3 TopicRouteData
 */
export function encodeGetRouteInfoResponse(topic: string, route: TopicRoute | undefined): RemotingAnswer {
  if (route === undefined) return refusal(resultCodes.TOPIC_NOT_EXIST, `No topic route info for the topic: ${topic}`);
  const body = {
    brokerDatas: route.brokers.map(printBrokerData),
    filterServerTable: {},
    orderTopicConf: route.orderTopicConf,
    queueDatas: route.queues.map((queue) => ({
      brokerName: queue.brokerName,
      perm: queue.perm,
      readQueueNums: queue.readQueues,
      topicSysFlag: queue.topicSysFlag,
      writeQueueNums: queue.writeQueues,
    })),
  };
  return success({}, printJson(body));
}

/** @returns undefined when the topic is unknown */
export function decodeGetRouteInfoResponse(frame: Frame): TopicRoute | undefined {
  expectResult(frame, code, [resultCodes.SUCCESS, resultCodes.TOPIC_NOT_EXIST]);
  if (frame.code === resultCodes.TOPIC_NOT_EXIST) return undefined;
  const body = readBody(frame.body, `answer to ${name}`);
  return {
    orderTopicConf: body.optional("orderTopicConf")?.text(),
    queues: body.member("queueDatas").items().map(readQueueData),
    brokers: body.member("brokerDatas").items().map(readBrokerData),
    isStatic: (body.optional("topicQueueMappingByBroker")?.entries().length ?? 0) > 0,
  };
}

function readQueueData(queue: BodyReader): QueueData {
  return {
    brokerName: queue.member("brokerName").text(),
    perm: queue.member("perm").int32(),
    readQueues: queue.member("readQueueNums").int32(),
    writeQueues: queue.member("writeQueueNums").int32(),
    topicSysFlag: queue.optional("topicSysFlag")?.int32() ?? 0,
  };
}
