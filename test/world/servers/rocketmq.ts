import { inProject } from "../../integration/harness/project.ts";
import { javaCommand, propertiesText } from "../java.ts";
import type { Recipe } from "../server.ts";
import type { Member } from "./members.ts";

const readyMsMax = 150_000;
/** Beside the heap: what the network and the mapped files need. */
const directMemory = "-XX:MaxDirectMemorySize=128m";
/** Nobody here speaks TLS to them, and the certificates that they would make for themselves at each start take up to ten seconds. */
const withoutTls = "-Dtls.server.mode=disabled";

type Settings = Readonly<Record<string, string | number | boolean>>;

export function nameServerRecipe({ name, site, host, ports }: Member<"nameServer">): Recipe {
  return {
    name,
    site,
    address: `${host}:${ports.listen}`,
    files: () => ({ "namesrv.conf": propertiesText({ listenPort: ports.listen, bindAddress: host }) }),
    command: (folder) => rocketmqCommand(name, folder, "namesrv.NamesrvStartup", 64, "namesrv.conf"),
    ready: ({ process }) => lineOf(process, /The Name Server boot success/),
  };
}

/** The controller that comes with RocketMQ: the peer that the arbiter is compared with. One group (DLedger). */
export function controllerRecipes(members: readonly Member<"controller">[], settings: Settings = {}): Recipe[] {
  const peers = members.map(({ host, ports }, index) => `n${index}-${host}:${ports.listen}`).join(";");
  return members.map(({ name, site, host, ports }, index) => ({
    name,
    site,
    address: `${host}:${ports.listen}`,
    files: (folder) => ({
      "controller.conf": propertiesText({
        controllerDLegerGroup: "controllers",
        controllerDLegerPeers: peers,
        controllerDLegerSelfId: `n${index}`,
        controllerStorePath: `${folder}/data`,
        mappedFileSize: 16 * 1024 * 1024,
        bindAddress: host,
        ...settings,
      }),
    }),
    command: (folder) => rocketmqCommand(name, folder, "controller.ControllerStartup", 96, "controller.conf"),
    ready: ({ process }) => lineOf(process, /The Controller Server boot success/),
  }));
}

/** RocketMQ's gRPC proxies of one cluster, beside the brokers. They look at routes each second: clients see a switch soon. */
export function proxyRecipes(
  members: readonly Member<"proxy">[],
  { cluster, nameServers }: Pick<BrokerSet, "cluster" | "nameServers">,
): Recipe[] {
  return members.map(({ name, site, host, ports }) => ({
    name,
    site,
    address: `${host}:${ports.listen}`,
    files: () => ({
      "proxy.json": JSON.stringify({
        rocketMQClusterName: cluster,
        namesrvAddr: nameServers.join(";"),
        proxyMode: "CLUSTER",
        grpcServerPort: ports.listen,
        remotingListenPort: ports.remoting,
        topicRouteServiceCacheRefreshSeconds: 1,
        // Clients come through a door, whose port is another one: it tells them that port again.
        useEndpointPortFromRequest: true,
      }),
    }),
    command: (folder) => rocketmqCommand(name, folder, "proxy.ProxyStartup", 256, "proxy.json", "-pc"),
    ready: ({ process }) => lineOf(process, /rocketmq-proxy startup successfully/),
  }));
}

export interface BrokerSet {
  /** Of the broker set: its brokerName. */
  readonly set: string;
  readonly cluster: string;
  /** HOST:PORT of each. */
  readonly nameServers: readonly string[];
  /** HOST:PORT of each: of the stock controller, or of arbiters. Without any: a plain master, and nobody decides. */
  readonly controllers: readonly string[];
  /** Further lines of broker.conf; they win. */
  readonly settings?: Settings;
}

/**
 * The replicas of one broker set, in controller mode. Ready says that the process serves; whether the set has a master and
 * who is in sync is another question, see rocketmq/status.ts.
 */
export function brokerRecipes(members: readonly Member<"broker">[], brokerSet: BrokerSet): Recipe[] {
  const { set, cluster, nameServers, controllers, settings = {} } = brokerSet;
  const mode =
    controllers.length === 0 ? plainMaster : { enableControllerMode: true, controllerAddr: controllers.join(";") };
  return members.map(({ name, site, host, ports }) => ({
    name,
    site,
    address: `${host}:${ports.listen}`,
    files: (folder) => ({
      "broker.conf": propertiesText({
        brokerClusterName: cluster,
        brokerName: set,
        brokerIP1: host,
        brokerIP2: host,
        bindAddress: host,
        listenPort: ports.listen,
        haListenPort: ports.ha,
        namesrvAddr: nameServers.join(";"),
        ...mode,
        storePathRootDir: `${folder}/data`,
        storePathCommitLog: `${folder}/data/commitlog`,
        storePathEpochFile: `${folder}/data/epoch`,
        storePathBrokerIdentity: `${folder}/data/brokerIdentity`,
        mappedFileSizeCommitLog: 16 * 1024 * 1024,
        mappedFileSizeConsumeQueue: 600_000,
        maxIndexNum: 50_000,
        maxHashSlotNum: 10_000,
        timerWheelEnable: false,
        diskMaxUsedSpaceRatio: 98,
        autoCreateTopicEnable: true,
        ...settings,
      }),
    }),
    command: (folder) => rocketmqCommand(name, folder, "broker.BrokerStartup", 192, "broker.conf"),
    ready: ({ process }) => lineOf(process, /The broker\[.*\] boot success/),
  }));
}

const plainMaster = { brokerId: 0, brokerRole: "ASYNC_MASTER" };

/** What mqadmin is called with, up to its own arguments. */
export function mqadminCommand(folder: string): readonly string[] {
  const flags = [`-Duser.home=${folder}`, `-Drocketmq.client.logRoot=${folder}`];
  const command = javaCommand("rocketmq-5.3.3", "org.apache.rocketmq.tools.command.MQAdminStartup", {
    heapMb: 96,
    flags,
  });
  return ["env", `ROCKETMQ_HOME=${folder}`, ...command];
}

/** ROCKETMQ_HOME must be set and nothing is read from it. Its logs go below user.home. */
function rocketmqCommand(
  name: string,
  folder: string,
  main: string,
  heapMb: number,
  config: string,
  option = "-c",
): readonly string[] {
  const home = inProject(`.cache/test-logs/${folder.split("/").at(-2)}-${name}`);
  const flags = [directMemory, withoutTls, `-Duser.home=${home}`];
  const command = javaCommand("rocketmq-5.3.3", `org.apache.rocketmq.${main}`, { heapMb, flags });
  return ["env", `ROCKETMQ_HOME=${folder}`, ...command, option, `${folder}/${config}`];
}

async function lineOf(
  process: { waitForLine(pattern: RegExp, options: { timeoutMs: number }): Promise<unknown> },
  pattern: RegExp,
) {
  await process.waitForLine(pattern, { timeoutMs: readyMsMax });
}
