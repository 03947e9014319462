import type { ArbiterConfig } from "#config/arbiter.ts";
import type { ExecCluster } from "#config/arbiter-exec.ts";
import { readBrokerCredentials } from "#config/clients.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/log.ts";
import type { BrokerPort } from "./brokers/broker.ts";
import { createScriptTurns } from "./brokers/exec/scripts.ts";
import { watchMembers } from "./brokers/exec/watch.ts";
import { createExecPort, type ExecPort } from "./brokers/exec.ts";
import { createRocketmqPort } from "./brokers/rocketmq.ts";
import { type SetRecord, setName } from "./core/model.ts";
import { infoOf } from "./core/requests.ts";
import type { ArbiterDaemon, DaemonDeps } from "./daemon.ts";

/** The ways to the brokers of each cluster of the config. */
export interface Ports extends AsyncDisposable {
  readonly of: DaemonDeps["brokers"];
  readonly reaches: DaemonDeps["reaches"];
  /** Members that tell nothing by themselves are asked, until the signal is aborted. */
  watch(daemon: ArbiterDaemon, signal: AbortSignal): Promise<void>;
}

export interface PortsDeps {
  /** As this site has it. */
  readonly recordOf: (name: ReturnType<typeof setName>) => SetRecord | undefined;
  readonly credentialsDirectory: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @throws {OperatorError} CONFIG_SECRET */
export function openPorts({ clusters, canary, timing }: ArbiterConfig, deps: PortsDeps): Ports {
  const { recordOf, credentialsDirectory, clock, log } = deps;
  const ports = new Map<string, BrokerPort & AsyncDisposable>();
  const turns = createScriptTurns();
  const scripted: { readonly cluster: ExecCluster; readonly port: ExecPort }[] = [];
  for (const cluster of clusters) {
    if (cluster.kind === "rocketmq") {
      const { nameservers, credentialFile } = cluster;
      const credentials = readBrokerCredentials(credentialFile, { credentialsDirectory });
      const of = { nameservers, canaryTopic: canary.topic, clock, log };
      ports.set(cluster.name, createRocketmqPort({ ...of, ...(credentials === undefined ? {} : { credentials }) }));
      continue;
    }
    const masterOf = (set: string) => {
      const record = recordOf(setName(cluster.name, set));
      return record === undefined ? null : infoOf(record);
    };
    const port = createExecPort({ cluster, turns, masterOf, clock });
    ports.set(cluster.name, port);
    scripted.push({ cluster, port });
  }
  const [any] = ports.values();
  return {
    of: (cluster) => ports.get(cluster),
    reaches: async (address, options) => (await any?.reaches(address, options)) ?? false,
    async watch(daemon, signal) {
      const { probeTimeoutMs } = timing;
      const context = () => daemon.core.context(daemon.moment());
      await Promise.all(
        scripted.map(({ cluster, port }) =>
          watchMembers({ cluster, port, probeTimeoutMs, push: daemon.push, context, clock, log }, signal),
        ),
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...ports.values()].map((port) => port[Symbol.asyncDispose]()));
    },
  };
}
