import type { Clock } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { type CallOptions, createConnections } from "#lib/remoting/connections.ts";
import { decodeGetHaStatusResponse, encodeGetHaStatusRequest } from "#lib/remoting/records/get-ha-status.ts";
import type { BrokerPort } from "./broker.ts";
import { lowerBarrier, raiseBarrier } from "./rocketmq/barrier.ts";
import { sendCanary } from "./rocketmq/canary.ts";
import { notifyRole } from "./rocketmq/notify.ts";
import { probeBroker } from "./rocketmq/probe.ts";
import { reachesController } from "./rocketmq/reach.ts";
import { createRouteReader } from "./rocketmq/route.ts";
import { readIsMaster, readSettings, reregister } from "./rocketmq/settings.ts";
import { type Credentials, signRequest } from "./rocketmq/signature.ts";

export interface RocketmqPortOptions {
  /** host:port of each; they are those of one cluster. */
  readonly nameservers: readonly string[];
  /** Made on a master that has none. */
  readonly canaryTopic: string;
  /** Where the brokers have authentication on. */
  readonly credentials?: Credentials;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Of brokers and name servers together: each broker is probed every few seconds, and a new connection for each probe costs more than all else. */
const connectionsMax = 30_000;
const idleMs = 60_000;

/**
 * Stock RocketMQ 5 brokers in controller mode. What fencing is here: a broker that has answered a demotion (1008, higher
 * epoch) refuses sends; one that cannot be reached goes on as master, and only its settings (allAckInSyncStateSet) keep it from
 * acknowledging.
 */
export function createRocketmqPort(options: RocketmqPortOptions): BrokerPort & AsyncDisposable {
  const { nameservers, canaryTopic: topic, credentials, clock, log } = options;
  const connections = createConnections({
    clock,
    prepare: (request) => (credentials === undefined ? request : signRequest(request, credentials)),
    connectionsMax,
    idleMs,
  });
  const life = new AbortController();
  const routes = createRouteReader(connections, clock, nameservers, life.signal);

  /** @throws {RemotingError} when it does not answer, or is no master */
  async function readInSyncCount(address: string, callOptions: CallOptions): Promise<number> {
    const answer = await connections.read(address, encodeGetHaStatusRequest(), callOptions);
    const status = decodeGetHaStatusResponse(answer);
    if (!status.isMaster) throw notMaster(address);
    return status.inSyncSlaves + 1;
  }

  return {
    probe: (address, callOptions) => probeBroker(connections, address, callOptions),
    notify: (address, to, callOptions) => notifyRole(connections, clock, address, to, callOptions),
    routedMaster: (cluster, set, callOptions) => routes.read({ cluster, set }, callOptions),
    canary: (address, set, callOptions) => sendCanary({ connections, clock, log, topic }, address, set, callOptions),
    inSyncCount: readInSyncCount,
    settings: (address, callOptions) => readSettings(connections, log, address, callOptions),
    isMaster: (address, callOptions) => readIsMaster(connections, log, address, callOptions),
    raiseBarrier: (address, to, callOptions) => raiseBarrier(connections, address, to, callOptions),
    lowerBarrier: (address, to, callOptions) => lowerBarrier(connections, clock, address, to, callOptions),
    reaches: (controller, callOptions) => reachesController(connections, controller, callOptions),
    reregister: (address, callOptions) => reregister(connections, clock, address, callOptions),
    async [Symbol.asyncDispose]() {
      life.abort();
      await connections[Symbol.asyncDispose]();
    },
  };
}

function notMaster(address: string): OperatorError {
  return new OperatorError("ARB_NOT_MASTER", `${address} counts no replicas: it says that it is no master`, {
    hint: "Look who is: idcctl status",
  });
}
