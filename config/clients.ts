import { readFileSync } from "node:fs";
import type { z } from "zod";
import { OperatorError } from "#lib/errors.ts";
import type { EtcdOptions } from "#lib/etcd/members.ts";
import type { ZooKeeperOptions } from "#lib/zookeeper/options.ts";
import { readSecret } from "./secret.ts";
import type { etcdSchema, tlsClientSchema, zooKeeperSchema } from "./shared.ts";

/** From parts of a config file to what the clients in lib/ take. Reads certificates and credentials now. */

interface Secrets {
  /** systemd's, see readSecret. */
  readonly credentialsDirectory: string | undefined;
}

/** @throws {OperatorError} CONFIG_TLS_FILE, CONFIG_SECRET */
export function readEtcdOptions(
  { endpoints, tls, userFile }: z.output<typeof etcdSchema>,
  secrets: Secrets,
): EtcdOptions {
  return {
    endpoints,
    ...(tls === undefined ? {} : { tls: readTls(tls) }),
    ...(userFile === undefined ? {} : { user: userOf(readSecret(userFile, secrets)) }),
  };
}

/** @throws {OperatorError} CONFIG_SECRET */
export function readBrokerCredentials(
  credentialFile: string | undefined,
  secrets: Secrets,
): { readonly accessKey: string; readonly secretKey: string } | undefined {
  if (credentialFile === undefined) return undefined;
  const { name, password } = userOf(readSecret(credentialFile, secrets));
  return { accessKey: name, secretKey: password };
}

type ZooKeeperPart = "servers" | "chroot" | "sessionTimeoutMs" | "connectTimeoutMs" | "auth" | "tls";

/** @throws {OperatorError} CONFIG_TLS_FILE, CONFIG_SECRET */
export function readZooKeeperOptions(
  config: z.output<typeof zooKeeperSchema>,
  secrets: Secrets,
): Pick<ZooKeeperOptions, ZooKeeperPart> {
  const { servers, chroot, sessionTimeoutMs, connectTimeoutMs, auth, tls } = config;
  return {
    servers,
    sessionTimeoutMs,
    connectTimeoutMs,
    ...(chroot === undefined ? {} : { chroot }),
    auth: auth.map(({ scheme, credentialFile }) => ({
      scheme,
      credential: Buffer.from(readSecret(credentialFile, secrets)),
    })),
    ...(tls === undefined ? {} : { tls: readTls(tls) }),
  };
}

/** @throws {OperatorError} CONFIG_TLS_FILE */
export function readTls({
  ca,
  cert,
  key,
  serverName,
}: z.output<typeof tlsClientSchema>): NonNullable<EtcdOptions["tls"]> {
  return {
    ca: readPem(ca),
    ...(cert === undefined ? {} : { cert: readPem(cert) }),
    ...(key === undefined ? {} : { key: readPem(key) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function userOf(line: string): { name: string; password: string } {
  const colon = line.indexOf(":");
  return { name: line.slice(0, colon), password: line.slice(colon + 1) };
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new OperatorError("CONFIG_TLS_FILE", `Cannot read the certificate or key ${file}`, {
      cause,
      hint: "Check the path under tls in the config file, and that the service's user may read it",
    });
  }
}
