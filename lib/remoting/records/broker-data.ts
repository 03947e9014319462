import type { BodyReader } from "../body.ts";

/** A broker set as a name server knows it. */
export interface BrokerData {
  readonly clusterName: string;
  readonly brokerName: string;
  /** By role id: 0 is the master, a slave has its own id. */
  readonly addresses: ReadonlyMap<number, string>;
  readonly enableActingMaster: boolean;
  readonly zoneName: string | undefined;
}

/**
 * Within a body.  {"brokerAddrs": {id: address}, "brokerName", "cluster", "enableActingMaster"?, "zoneName"?}
 * @source RocketMQ 5.3.3 BrokerData
 */
export function printBrokerData(data: BrokerData): object {
  return {
    brokerAddrs: Object.fromEntries(data.addresses),
    brokerName: data.brokerName,
    cluster: data.clusterName,
    enableActingMaster: data.enableActingMaster,
    zoneName: data.zoneName,
  };
}

export function readBrokerData(data: BodyReader): BrokerData {
  return {
    clusterName: data.member("cluster").text(),
    brokerName: data.member("brokerName").text(),
    addresses: data.member("brokerAddrs").addresses(),
    enableActingMaster: data.optional("enableActingMaster")?.bool() ?? false,
    zoneName: data.optional("zoneName")?.text(),
  };
}
