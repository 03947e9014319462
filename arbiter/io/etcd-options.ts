import { readFileSync } from "node:fs";
import type { ArbiterConfig } from "#config/arbiter.ts";
import { readSecret } from "#config/secret.ts";
import { OperatorError } from "#lib/errors.ts";
import type { EtcdOptions } from "./etcd/members.ts";

/**
 * How etcd is reached, from its part of the config file. Reads certificates and the password now.
 * @throws {OperatorError} ARB_TLS_FILE, CONFIG_SECRET
 */
export function readEtcdOptions(
  { endpoints, tls, userFile }: ArbiterConfig["etcd"],
  options: { credentialsDirectory: string | undefined },
): EtcdOptions {
  return {
    endpoints,
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
    ...(userFile === undefined ? {} : { user: userOf(readSecret(userFile, options)) }),
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
    throw new OperatorError("ARB_TLS_FILE", `Cannot read the certificate or key ${file}`, {
      cause,
      hint: "Check etcd.tls in the config file, and that the service's user may read it",
    });
  }
}
