import { readBody } from "../body.ts";
import { requestCodes, requestName } from "../codes.ts";
import { printJson } from "../fastjson.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";

export interface BrokerEpochCache {
  readonly clusterName: string;
  readonly brokerName: string;
  /** 0 while it is master. */
  readonly brokerId: number;
  /** What its log consists of, oldest first. */
  readonly epochs: readonly EpochEntry[];
  /** The end of its log. */
  readonly maxOffset: bigint;
}

interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: bigint;
  /** Of the last one 2^63 - 1: it has no end yet. */
  readonly endOffset: bigint;
}

const code = requestCodes.GET_BROKER_EPOCH_CACHE;

/** What a broker's log consists of, and where it ends. No fields. @source RocketMQ 5.3.3 AdminBrokerProcessor */
export function encodeGetBrokerEpochCacheRequest(): RemotingRequest {
  return request(code);
}

/**
 * body: {"brokerId", "brokerName", "clusterName", "epochList": [{"endOffset", "epoch", "startOffset"}], "maxOffset"}
 * @source RocketMQ 5.3.3 EpochEntryCache, EpochEntry
 */
export function encodeGetBrokerEpochCacheResponse(cache: BrokerEpochCache): RemotingAnswer {
  const { brokerId, brokerName, clusterName, epochs, maxOffset } = cache;
  const epochList = epochs.map(({ endOffset, epoch, startOffset }) => ({ endOffset, epoch, startOffset }));
  return success({}, printJson({ brokerId, brokerName, clusterName, epochList, maxOffset }));
}

/** Code 1 is a broker that is not in controller mode. */
export function decodeGetBrokerEpochCacheResponse(frame: Frame): BrokerEpochCache {
  expectResult(frame, code);
  const body = readBody(frame.body, `answer to ${requestName(code)}`);
  return {
    clusterName: body.member("clusterName").text(),
    brokerName: body.member("brokerName").text(),
    brokerId: body.member("brokerId").brokerId(),
    epochs: body
      .member("epochList")
      .items()
      .map((entry) => ({
        epoch: entry.member("epoch").int32(),
        startOffset: entry.member("startOffset").int64(),
        endOffset: entry.member("endOffset").int64(),
      })),
    maxOffset: body.member("maxOffset").int64(),
  };
}
