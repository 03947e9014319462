import { readBody } from "../body.ts";
import { requestCodes, requestName } from "../codes.ts";
import { printJson } from "../fastjson.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import { type BrokerData, printBrokerData, readBrokerData } from "./broker-data.ts";

/** All that a name server knows of brokers. */
export interface BrokerClusterInfo {
  /** By name. */
  readonly brokerSets: ReadonlyMap<string, BrokerData>;
  /** The names of each cluster's broker sets. */
  readonly clusters: ReadonlyMap<string, readonly string[]>;
}

const code = requestCodes.GET_BROKER_CLUSTER_INFO;

/** No fields. @source RocketMQ 5.3.3 DefaultRequestProcessor.getBrokerClusterInfo */
export function encodeGetBrokerClusterInfoRequest(): RemotingRequest {
  return request(code);
}

/**
 * body: {"brokerAddrTable": {name: broker data}, "clusterAddrTable": {cluster: [name]}}
 * @source RocketMQ 5.3.3 ClusterInfo
 */
export function encodeGetBrokerClusterInfoResponse({ brokerSets, clusters }: BrokerClusterInfo): RemotingAnswer {
  const brokerAddrTable = [...brokerSets].map(([name, data]) => [name, printBrokerData(data)]);
  const body = { brokerAddrTable: Object.fromEntries(brokerAddrTable), clusterAddrTable: Object.fromEntries(clusters) };
  return success({}, printJson(body));
}

export function decodeGetBrokerClusterInfoResponse(frame: Frame): BrokerClusterInfo {
  expectResult(frame, code);
  const body = readBody(frame.body, `answer to ${requestName(code)}`);
  const brokerSets = body.optional("brokerAddrTable")?.entries() ?? [];
  const clusters = body.optional("clusterAddrTable")?.entries() ?? [];
  return {
    brokerSets: new Map(brokerSets.map(([name, data]) => [name, readBrokerData(data)])),
    clusters: new Map(clusters.map(([name, sets]) => [name, sets.items().map((set) => set.text())])),
  };
}
