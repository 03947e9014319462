import { type ProcessOptions, type RunningProcess, startProcess } from "../integration/harness/process.ts";
import type { ZooKeeperVersion } from "../integration/harness/zookeeper.ts";
import { type Lines, linesOf, waysAround, waysBetween } from "./lines.ts";
import type { Reach } from "./network/control.ts";
import { type Door, type Network, openNetwork } from "./network/network.ts";
import { type SiteName, ways } from "./network/sites.ts";
import { type Recipe, type Server, type ServerOptions, startServer } from "./server.ts";
import { type ArbiterSetting, arbiterRecipes, recordSites } from "./servers/arbiter.ts";
import { etcdRecipes } from "./servers/etcd.ts";
import { kafkaRecipes } from "./servers/kafka.ts";
import { createRegister } from "./servers/members.ts";
import {
  type BrokerSet,
  brokerRecipes,
  controllerRecipes,
  nameServerRecipe,
  proxyRecipes,
} from "./servers/rocketmq.ts";
import { type RouterSetting, routerRecipes } from "./servers/router.ts";
import { zooKeeperRecipes } from "./servers/zookeeper.ts";

/**
 * Three sites and their clients on this machine, with real servers in them and a WAN between them that can be worse than
 * usual. Everything in it ends with it.
 */
export interface World extends AsyncDisposable {
  readonly network: Network;
  /** In the order of their start. */
  readonly servers: readonly Server[];

  /** Both ways between two sites. */
  between(one: SiteName, other: SiteName): Lines;
  /** One way only. */
  from(one: SiteName): { to(other: SiteName): Lines };
  /** Every way into a site and out of it. */
  around(site: SiteName): Lines;
  /** Every way there is. */
  readonly everywhere: Lines;
  /** Measures who reaches whom. */
  reach(): Promise<readonly Reach[]>;

  /** One cluster, a member for each site named. */
  etcd(sites: readonly SiteName[]): Promise<Server[]>;
  /** One ensemble, a server for each site named; a single one is one of its own. */
  zooKeeper(sites: readonly SiteName[], options?: ServerOptions & { version?: ZooKeeperVersion }): Promise<Server[]>;
  nameServers(sites: readonly SiteName[]): Promise<Server[]>;
  /** RocketMQ's own controllers, one group. */
  controllers(sites: readonly SiteName[]): Promise<Server[]>;
  /** crossidc's arbiters, one for each site named, which is the electorate: `idcctl init` records it once they are up. */
  arbiters(sites: readonly SiteName[], setting: ArbiterSetting, options?: ServerOptions): Promise<Server[]>;
  /** crossidc's routers, one for each site named. */
  routers(sites: readonly SiteName[], setting: RouterSetting): Promise<Server[]>;
  /** The replicas of one broker set, a broker for each site named. Who becomes master is the controllers' choice. */
  brokers(
    sites: readonly SiteName[],
    brokerSet: BrokerSet,
    options?: ServerOptions | ((place: number) => ServerOptions),
  ): Promise<Server[]>;
  /** RocketMQ's gRPC proxies of one cluster. */
  proxies(
    sites: readonly SiteName[],
    of: Pick<BrokerSet, "cluster" | "nameServers">,
    options?: ServerOptions,
  ): Promise<Server[]>;
  /** One Kafka cluster, a node for each site named. */
  kafka(sites: readonly SiteName[]): Promise<Server[]>;
  /** Any server. */
  start(recipe: Recipe, options?: ServerOptions): Promise<Server>;
  /** A program in a site: a client, a tool. It is killed with the world, if it still runs then. */
  run(site: SiteName, command: readonly string[], options?: ProcessOptions): RunningProcess;
  /** A port on loopback for clients of this process, which are then in that site. */
  door(site: SiteName, address: string): Promise<Door>;
}

/** Opens a world in which nothing runs yet and every line is perfect. */
export async function openWorld(): Promise<World> {
  await using opening = new AsyncDisposableStack();
  const network = opening.use(await openNetwork());
  const running = new AsyncDisposableStack();
  opening.defer(() => running.disposeAsync());
  const register = createRegister();
  const servers: Server[] = [];

  const start = async (recipe: Recipe, options?: ServerOptions): Promise<Server> => {
    const server = running.use(await startServer(network, recipe, options));
    servers.push(server);
    return server;
  };
  const startAll = (
    recipes: readonly Recipe[],
    options?: ServerOptions | ((place: number) => ServerOptions),
  ): Promise<Server[]> =>
    Promise.all(
      recipes.map((recipe, place) => start(recipe, typeof options === "function" ? options(place) : options)),
    );

  const run = (site: SiteName, command: readonly string[], options?: ProcessOptions): RunningProcess => {
    const [enter = "", ...rest] = network.enter(site);
    const name = `${command[0]?.split("/").at(-1)}-${site}`;
    return running.use(startProcess(enter, [...rest, ...command], { name, ...options }));
  };

  const all = opening.move();
  return {
    network,
    servers,
    between: (one, other) => linesOf(network, waysBetween(one, other)),
    from: (from) => ({ to: (to) => linesOf(network, [{ from, to }]) }),
    around: (site) => linesOf(network, waysAround(site)),
    everywhere: linesOf(network, ways),
    reach: () => network.reach(),

    etcd: (sites) => startAll(etcdRecipes(register.place("etcd", sites))),
    zooKeeper: (sites, { version = "3.9", ...options } = {}) =>
      startAll(zooKeeperRecipes(register.place("zookeeper", sites), version), options),
    nameServers: (sites) => startAll(register.place("nameServer", sites, "nameserver").map(nameServerRecipe)),
    controllers: (sites) => startAll(controllerRecipes(register.place("controller", sites))),
    async arbiters(sites, setting, options) {
      const members = register.place("controller", sites, "arbiter");
      const arbiters = await startAll(arbiterRecipes(members, setting), options);
      await recordSites(members, setting, run);
      return arbiters;
    },
    routers: (sites, setting) => startAll(routerRecipes(register.place("router", sites), setting)),
    brokers: (sites, brokerSet, options) =>
      startAll(brokerRecipes(register.place("broker", sites, `broker-${brokerSet.set}`), brokerSet), options),
    proxies: (sites, of, options) => startAll(proxyRecipes(register.place("proxy", sites), of), options),
    kafka: (sites) => startAll(kafkaRecipes(register.place("kafka", sites))),
    start,
    run,
    door: async (site, address) => running.use(await network.door(site, address)),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
