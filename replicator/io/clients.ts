import { readZooKeeperOptions } from "#config/clients.ts";
import type { ZooKeeperConfig } from "#config/replicator.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/log.ts";
import { createZooKeeper } from "#lib/zookeeper/client.ts";
import type { SessionState, WatchEvent, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";

/** One side of a link: its client, from its part of the config file. Reads credentials and certificates now. */
export function openZooKeeper(
  config: ZooKeeperConfig,
  options: {
    clock: Clock;
    random: () => number;
    log: Logger;
    signal: AbortSignal;
    credentialsDirectory: string | undefined;
    onState: (state: SessionState) => void;
    onWatch: (event: WatchEvent) => void;
  },
): ZooKeeper {
  const { credentialsDirectory, ...rest } = options;
  return createZooKeeper({ ...rest, ...readZooKeeperOptions(config, { credentialsDirectory }) });
}
