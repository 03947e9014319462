import { hostOf } from "#lib/cidr.ts";
import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { createRateLimit } from "#lib/rate.ts";
import { requestCodes, requestName, resultCodes } from "#lib/remoting/codes.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { createHeaderMemo } from "#lib/remoting/header-memo.ts";
import { notSupported, type RemotingAnswer, refusal } from "#lib/remoting/message.ts";
import type { ReadyAnswer } from "#lib/remoting/ready-answer.ts";
import { decodeGetRouteInfoRequest } from "#lib/remoting/records/get-route-info.ts";
import { listenRemoting } from "#lib/remoting/server.ts";
import type { RemotingConnection, RemotingServer } from "#lib/remoting/server-options.ts";
import type { Answer } from "../core/answer.ts";
import { levelAt, pointOf } from "../core/mask.ts";
import type { Slots } from "./slots.ts";

/** The door that speaks the name server protocol: 105 from the table, other reads passed on, nothing written. */

type DoorOutcome = "served" | "unknown" | "passed" | "refused" | "busy" | "failed";

export interface DoorOptions {
  readonly listen: string;
  readonly connectionsMax: number;
  readonly requestsPerSecond: number;
  readonly slots: Slots;
  /** Of a client, by its address; never "". */
  readonly callerIdc: (address: string) => string;
  /** Asks name servers for a topic that the table does not have; resolves when the table has what there is. False: none answers. */
  readonly lookUp: (topic: string, signal: AbortSignal) => Promise<boolean>;
  /** Hands a read on to a name server. undefined: there is none to ask. */
  readonly passOn: (frame: Frame, signal: AbortSignal) => Promise<Frame | undefined>;
  readonly onAnswer: (outcome: DoorOutcome, answer: Answer | undefined, level: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What is known of a client, found out once for each connection. */
interface Client {
  idc: string;
  /** Where it stands between 0 and 1. */
  point: number;
  host: string;
  isKnown: boolean;
}

/** Reads of stock tools. What changes something at a name server is not handed on: brokers and mqadmin have the real ones. */
const passedOn: ReadonlySet<number> = new Set([
  requestCodes.GET_KV_CONFIG,
  requestCodes.GET_BROKER_CLUSTER_INFO,
  requestCodes.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
  requestCodes.GET_KVLIST_BY_NAMESPACE,
  requestCodes.GET_TOPICS_BY_CLUSTER,
  requestCodes.GET_SYSTEM_TOPIC_LIST_FROM_NS,
  requestCodes.GET_UNIT_TOPIC_LIST,
  requestCodes.GET_HAS_UNIT_SUB_TOPIC_LIST,
  requestCodes.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
  requestCodes.GET_NAMESRV_CONFIG,
  requestCodes.GET_BROKER_MEMBER_GROUP,
]);

export async function openDoor(options: DoorOptions): Promise<RemotingServer<unknown>> {
  const { slots, clock, signal, onAnswer } = options;
  const rate = createRateLimit({ perSecond: options.requestsPerSecond, clock });

  function onRequest(
    frame: Frame,
    connection: RemotingConnection<Client>,
  ): RemotingAnswer | ReadyAnswer | Promise<RemotingAnswer | ReadyAnswer | undefined> {
    const client = connection.context;
    if (!client.isKnown) meet(client, connection.remoteAddress);
    if (!rate.take(client.host)) {
      onAnswer("busy", undefined, 0);
      return refusal(
        resultCodes.SYSTEM_BUSY,
        `more than ${options.requestsPerSecond} requests a second from ${client.host}`,
      );
    }
    if (frame.code === requestCodes.GET_ROUTEINFO_BY_TOPIC) {
      const { topic } = decodeGetRouteInfoRequest(frame);
      return route(topic, client) ?? lookUp(topic, client);
    }
    if (passedOn.has(frame.code)) return passOn(frame);
    onAnswer("refused", undefined, 0);
    return {
      ...notSupported(frame),
      remark: `${requestName(frame.code)} is not served by a crossidc router: ask a name server itself`,
    };
  }

  function meet(client: Client, remoteAddress: string): void {
    client.host = hostOf(remoteAddress);
    client.idc = options.callerIdc(remoteAddress);
    client.point = pointOf(remoteAddress);
    client.isKnown = true;
  }

  function route(topic: string, { idc, point, host }: Client): ReadyAnswer | undefined {
    const answer = slots.answer(topic, idc, slots.isGated(topic, host));
    if (answer === undefined) return undefined;
    const level = levelAt(answer, point);
    onAnswer("served", answer, level);
    return slots.frame(answer, level);
  }

  async function lookUp(topic: string, client: Client): Promise<RemotingAnswer | ReadyAnswer> {
    const isAnswered = await options.lookUp(topic, signal);
    const found = route(topic, client);
    if (found !== undefined) return found;
    if (!isAnswered) {
      onAnswer("failed", undefined, 0);
      return refusal(resultCodes.SYSTEM_ERROR, `no name server answers, and the topic is not known here: ${topic}`);
    }
    onAnswer("unknown", undefined, 0);
    return refusal(resultCodes.TOPIC_NOT_EXIST, `No topic route info in name server for the topic: ${topic}`);
  }

  async function passOn(frame: Frame): Promise<RemotingAnswer> {
    try {
      const answer = await options.passOn(frame, signal);
      onAnswer(answer === undefined ? "failed" : "passed", undefined, 0);
      if (answer !== undefined) return answer;
      return refusal(resultCodes.SYSTEM_ERROR, `no name server to ask ${requestName(frame.code)}`);
    } catch (error) {
      onAnswer("failed", undefined, 0);
      return refusal(
        resultCodes.SYSTEM_ERROR,
        `no name server answers ${requestName(frame.code)}: ${messageOf(error)}`,
      );
    }
  }

  return await listenRemoting<Client>({
    listen: options.listen,
    context: () => ({ idc: "", point: 0, host: "", isKnown: false }),
    onRequest,
    // Clients ask for the same topics again and again.
    readJson: createHeaderMemo(),
    // Requests of clients are small; answers may be large.
    limits: { connectionsMax: options.connectionsMax, headerBytesMax: 64 * 1024 },
    clock,
    log: options.log,
    signal,
  });
}
