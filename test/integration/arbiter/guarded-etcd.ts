import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeCertificates } from "../harness/certificates.ts";
import { type EtcdCluster, startEtcd } from "../harness/etcd.ts";

/** One member of etcd that takes nobody without a certificate, and lets its user "arbiter" into one prefix alone. */
export interface GuardedEtcd extends AsyncDisposable {
  readonly cluster: EtcdCluster;
  /** The part `etcd` of an arbiter's config. @param password of the user, right or wrong */
  configWith(password: string): Promise<{
    endpoints: string[];
    prefix: string;
    tls: { ca: string; cert: string; key: string };
    userFile: string;
  }>;
}

export const arbiterPassword = "its:own";
export const rootUser = "root:secret";

export async function startGuardedEtcd(prefix: string): Promise<GuardedEtcd> {
  const certificates = await makeCertificates();
  // Such tokens carry the revision of the rights they were made under.
  const tokenKey = join(dirname(certificates.files.ca), "token-key");
  await writeFile(tokenKey, "x".repeat(32));
  const tokens = ["--bcrypt-cost", "4", "--auth-token", `jwt,priv-key=${tokenKey},sign-method=HS256,ttl=10m`];
  const cluster = await startEtcd({ size: 1, certificates, args: tokens });
  await cluster.ctl("user", "add", rootUser);
  await cluster.ctl("user", "grant-role", "root", "root");
  await cluster.ctl("role", "add", "arbiter");
  await cluster.ctl("role", "grant-permission", "arbiter", "--prefix=true", "readwrite", prefix);
  await cluster.ctl("user", "add", `arbiter:${arbiterPassword}`);
  await cluster.ctl("user", "grant-role", "arbiter", "arbiter");
  await cluster.ctl("auth", "enable");

  const file = (name: string): string => join(cluster.folder, name);
  const tls = { ca: certificates.files.ca, cert: file("client.crt"), key: file("client.key") };
  let users = 0;
  return {
    cluster,
    async configWith(password) {
      users += 1;
      const userFile = file(`user-${users}`);
      await writeFile(userFile, `arbiter:${password}\n`, { mode: 0o600 });
      return { endpoints: [...cluster.endpoints], prefix: "/crossidc/", tls, userFile };
    },
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await certificates[Symbol.asyncDispose]();
    },
  };
}
