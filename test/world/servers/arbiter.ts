import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodes } from "#lib/errors.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import type { RunningProcess } from "../../integration/harness/process.ts";
import { inProject } from "../../integration/harness/project.ts";
import { networkOf, type SiteName, serverSites } from "../network/sites.ts";
import type { Recipe, Server } from "../server.ts";
import type { World } from "../world.ts";
import { daemonRecipe } from "./daemon.ts";
import type { Member } from "./members.ts";

/** What the arbiters of a world are put between. */
export interface ArbiterSetting {
  readonly etcds: readonly Server[];
  readonly nameServers: readonly Server[];
  /** Of the brokers: their brokerClusterName. */
  readonly cluster: string;
  /** Further clusters that they decide over, each with name servers of its own. */
  readonly others?: readonly { readonly cluster: string; readonly nameServers: readonly Server[] }[];
  /** Whose IDC the clients' hosts are in; without it no IDC's. */
  readonly clientsIn?: SiteName;
  /** Sites from which operators' calls of the controller protocol are taken; without any: nobody's. */
  readonly admins?: readonly SiteName[];
  /** Further keys of the config's `timing`. */
  readonly timing?: Readonly<Record<string, number>>;
  /** Further keys of every set's policy. */
  readonly policy?: Readonly<Record<string, unknown>>;
}

export function arbiterRecipes(members: readonly Member<"controller">[], setting: ArbiterSetting): Recipe[] {
  const { etcds, clientsIn, others = [], admins = [], timing = {} } = setting;
  return members.map(({ site, host, ports }) => {
    const address = `${host}:${ports.listen}`;
    const config = {
      environment: "world",
      site,
      idcs: serverSites.map((name) => ({
        name,
        cidrs: [name, ...(name === clientsIn ? ["clients" as const] : [])].map(networkOf),
      })),
      // The own site's first: it is asked while it answers.
      etcd: { endpoints: etcds.toSorted((one) => (one.site === site ? -1 : 0)).map((etcd) => etcd.address) },
      http: { listen: `${host}:${ports.http}` },
      controller: { listen: address, advertise: address, adminCidrs: admins.map(networkOf) },
      clusters: [setting, ...others].map(({ cluster, nameServers }) => ({
        name: cluster,
        kind: "rocketmq",
        nameservers: nameServers.map((nameServer) => nameServer.address),
      })),
      timing,
    };
    return daemonRecipe({ launcher: "crossidc-arbiter", site, address, config: JSON.stringify(config) });
  });
}

/** Usually at once. */
const quorumMsMax = 60_000;
/** Faults follow each other closely here: the cool-down would block the third within a minute. */
const worldPolicy = { match: "*", cooldownMs: 0 };

/** Who votes, and what sets are promised: recorded once, by a person's commands in the first site. @throws with what idcctl said */
export async function recordSites(
  members: readonly Member<"controller">[],
  { policy }: ArbiterSetting,
  run: World["run"],
): Promise<void> {
  const [first] = members;
  if (first === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), "crossidc-policies-"));
  try {
    const file = join(folder, "policies.yaml");
    await writeFile(file, JSON.stringify({ policies: [{ ...worldPolicy, ...policy }] }));
    const sites = members.map(({ site }) => site).join(",");
    for (const verb of [
      ["init", "--sites", sites],
      ["policy", "apply", file],
    ]) {
      const asked = ["--endpoint", `http://${first.host}:${first.ports.http}`, "--reason", "a new world"];
      const command = [inProject("bin/idcctl"), ...verb, ...asked];
      const { code, log } = await eventually(() => unlessNoQuorum(run(first.site, command)), { withinMs: quorumMsMax });
      if (code !== exitCodes.ok) throw new Error(`${command.join(" ")} ended with ${code}. ${log}`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** An arbiter that has just started may not have completed a write yet. */
async function unlessNoQuorum(process: RunningProcess) {
  const { code } = await process.exit;
  if (code === exitCodes.noQuorum) throw new Error(process.log());
  return { code, log: process.log() };
}
