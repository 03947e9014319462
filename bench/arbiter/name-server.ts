import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes } from "#lib/remoting/codes.ts";
import { notSupported, type RemotingAnswer } from "#lib/remoting/message.ts";
import type { BrokerData } from "#lib/remoting/records/broker-data.ts";
import { encodeGetBrokerClusterInfoResponse } from "#lib/remoting/records/get-broker-cluster-info.ts";
import { listenRemoting } from "#lib/remoting/server.ts";
import { cluster } from "./broker.ts";

export interface NameServer extends AsyncDisposable {
  readonly address: string;
  /** How often it was asked for all that it knows (106). */
  readonly asked: number;
  show(set: string, master: string, slaves: readonly (readonly [id: number, address: string])[]): void;
}

/** Knows of brokers what it is told, and answers 106. */
export async function startNameServer(): Promise<NameServer> {
  const brokerSets = new Map<string, BrokerData>();
  let answer: RemotingAnswer | undefined;
  let asked = 0;
  const server = await listenRemoting({
    listen: "127.0.0.1:0",
    context: () => undefined,
    onRequest(frame) {
      if (frame.code !== requestCodes.GET_BROKER_CLUSTER_INFO) return notSupported(frame);
      asked += 1;
      const clusters = new Map([[cluster, [...brokerSets.keys()]]]);
      answer ??= encodeGetBrokerClusterInfoResponse({ brokerSets, clusters });
      return answer;
    },
    clock: systemClock,
    log: silentLogger,
    signal: new AbortController().signal,
  });
  return {
    address: server.address,
    get asked() {
      return asked;
    },
    show(set, master, slaves) {
      answer = undefined;
      brokerSets.set(set, {
        clusterName: cluster,
        brokerName: set,
        addresses: new Map([[0, master], ...slaves]),
        enableActingMaster: false,
        zoneName: undefined,
      });
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}
