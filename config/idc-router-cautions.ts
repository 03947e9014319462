import { hostOf } from "#lib/cidr.ts";
import type { IdcRouterConfig } from "./idc-router.ts";
import type { ConfigPath, Fault } from "./problems.ts";

/** Stock clients give up a name server that has not answered within this. */
const clientPatienceMs = 3_000;

/** What a router's file may say, but its operator should hear about. */
export function idcRouterCautions(config: IdcRouterConfig): Fault[] {
  const { site, idcs, near, nameserver, clusters, health, poll, lastGood, etcd } = config;
  const names = idcs.map(({ name }) => name);
  const strange = (list: readonly string[]) => list.filter((name) => !names.includes(name));
  const faults: Fault[] = [];
  const caution = (path: ConfigPath, message: string, remedy: string): void =>
    void faults.push({ path, message, remedy });
  if (!names.includes(site))
    caution(["site"], "is no IDC of `idcs`: its clients have no broker near", "add a row for it");
  for (const [idc, list] of Object.entries(near)) {
    const unknown = strange([idc, ...list]);
    if (unknown.length > 0)
      caution(["near", idc], `names ${unknown.join(", ")}, which idcs does not have`, "add rows for them");
  }
  for (const idc of strange(Object.keys(nameserver?.doors ?? {}))) {
    caution(["nameserver", "doors", idc], "is no IDC of `idcs`", "add a row for it");
  }
  for (const [nth, cluster] of clusters.entries()) {
    if (cluster.kind === "rocketmq" && new Set(cluster.nameservers.map(hostOf)).size === 1) {
      caution(["clusters", nth, "nameservers"], "are all on one host", "one in each IDC");
    }
  }
  if (health.checkTimeoutMs + health.checkEveryMs > health.outAfterMs * 2) {
    caution(
      ["health", "outAfterMs"],
      "is shorter than it takes to try twice",
      "at least half of checkEveryMs + checkTimeoutMs",
    );
  }
  if (poll.lookupTimeoutMs >= clientPatienceMs) {
    caution(["poll", "lookupTimeoutMs"], "is longer than stock clients wait", `less than ${clientPatienceMs}`);
  }
  if (lastGood === undefined)
    caution(["lastGood"], "is missing: a start with name servers away knows nothing", "name a file");
  if (etcd !== undefined && etcd.endpoints.length === 1) {
    caution(["etcd", "endpoints"], "has one member", "three, in three sites");
  }
  return faults;
}
