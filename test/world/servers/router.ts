import { serverSites } from "../network/sites.ts";
import type { Recipe, Server } from "../server.ts";
import { daemonRecipe } from "./daemon.ts";
import type { Member } from "./members.ts";

/** What the routers of a world lead clients to. */
export interface RouterSetting {
  readonly nameServers: readonly Server[];
  /** Of the brokers: their brokerClusterName. */
  readonly cluster: string;
  readonly etcds?: readonly Server[];
  readonly zooKeepers?: readonly Server[];
  /** Further keys of the config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Of a router's place: where its HTTP door is. */
function httpOf({ host, ports }: Member<"router">): string {
  return `${host}:${ports.http}`;
}

/** Its address is its name server door. */
export function routerRecipes(members: readonly Member<"router">[], setting: RouterSetting): Recipe[] {
  const { nameServers, cluster, etcds = [], zooKeepers = [], config: further = {} } = setting;
  const nearFirst = (servers: readonly Server[], site: string): string[] =>
    servers.toSorted((one) => (one.site === site ? -1 : 0)).map(({ address }) => address);
  return members.map((member) => {
    const { site, host, ports } = member;
    const address = `${host}:${ports.listen}`;
    const config = (folder: string) => ({
      environment: "world",
      site,
      idcs: serverSites.map((name, nth) => ({ name, cidrs: [`10.${nth + 1}.0.0/16`] })),
      ...(etcds.length === 0 ? {} : { etcd: { endpoints: nearFirst(etcds, site) } }),
      ...(zooKeepers.length === 0
        ? {}
        : { topics: { servers: zooKeepers.map((server) => server.address), path: "/zms/topic/{topic}" } }),
      http: { listen: httpOf(member) },
      nameserver: { listen: address, doors: { [site]: [address] } },
      clusters: [{ name: cluster, kind: "rocketmq", nameservers: nearFirst(nameServers, site) }],
      lastGood: `${folder}/data/table.json`,
      ...further,
    });
    return daemonRecipe({
      launcher: "crossidc-router",
      site,
      address,
      config: (folder) => JSON.stringify(config(folder)),
    });
  });
}
