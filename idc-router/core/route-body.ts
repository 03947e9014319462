import { printJson } from "#lib/remoting/fastjson.ts";
import { printBrokerData } from "#lib/remoting/records/broker-data.ts";
import type { Answer } from "./answer.ts";
import { maskRoute } from "./mask.ts";
import { masterRole, type SetEntry } from "./model.ts";

/** The body of the answer to 105, in strict JSON, for a client that sends to this level. */
export function routeBody(answer: Answer, level: number): Uint8Array {
  const { staticBody } = answer.entry;
  if (staticBody !== null) return Buffer.from(staticBody);
  const { orderConf, brokers } = maskRoute(answer, level);
  return printJson({
    brokerDatas: brokers.map(({ set }) =>
      printBrokerData({
        clusterName: set.cluster,
        brokerName: set.set,
        addresses: addressesFor(set, answer.stale),
        enableActingMaster: false,
        zoneName: undefined,
      }),
    ),
    filterServerTable: {},
    orderTopicConf: orderConf ?? undefined,
    queueDatas: brokers.map(({ queue, perm }) => ({
      brokerName: queue.set,
      perm,
      readQueueNums: queue.readQueues,
      topicSysFlag: queue.topicSysFlag,
      writeQueueNums: queue.writeQueues,
    })),
  });
}

/** Producers take a set only with an address of role 0. When nothing better is known, the last master stands there (I9). */
export function addressesFor({ addresses, master, lastMaster }: SetEntry, stale: boolean): ReadonlyMap<number, string> {
  if (master !== null || lastMaster === null || !stale) return addresses;
  return new Map([[masterRole, lastMaster], ...addresses]);
}
