import { readFileSync } from "node:fs";
import type { ZooKeeperConfig } from "#config/replicator.ts";
import { readSecret } from "#config/secret.ts";
import type { Clock } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
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
  const { tls } = config;
  return createZooKeeper({
    ...rest,
    servers: config.servers,
    sessionTimeoutMs: config.sessionTimeoutMs,
    connectTimeoutMs: config.connectTimeoutMs,
    ...(config.chroot === undefined ? {} : { chroot: config.chroot }),
    auth: config.auth.map(({ scheme, credentialFile }) => ({
      scheme,
      credential: Buffer.from(readSecret(credentialFile, { credentialsDirectory })),
    })),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ca: readPem(tls.ca),
            ...(tls.cert === undefined ? {} : { cert: readPem(tls.cert) }),
            ...(tls.key === undefined ? {} : { key: readPem(tls.key) }),
            ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
          },
        }),
  });
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new OperatorError("REP_TLS_FILE", `Cannot read the certificate or key ${file}`, {
      cause,
      hint: "Check the path in the config file, and that the service's user may read it",
    });
  }
}
