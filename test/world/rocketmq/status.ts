import { propertiesText } from "../java.ts";
import type { Network } from "../network/network.ts";
import type { SiteName } from "../network/sites.ts";
import { type Answer, createRemoting, parseBody, type Remoting, type Request } from "./remoting.ts";

const answerMsMax = 3_000;
const codes = {
  createTopic: 17,
  route: 105,
  changeSettings: 25,
  settings: 26,
  topic: 351,
  electMaster: 1002,
  controllerMetadata: 1005,
  syncState: 1006,
  epochs: 1007,
} as const;

/** What a controller has on record about one broker set. */
export interface SetStatus {
  readonly masterAddress: string;
  readonly masterEpoch: number;
  readonly inSyncEpoch: number;
  /** The master included. */
  readonly inSync: readonly { readonly id: number; readonly address: string }[];
}

/** Asks one thing over a connection of its own. @throws when the answer is no success */
async function askOnce(network: Network, from: SiteName, address: string, request: Request): Promise<Answer> {
  await using client = createRemoting(await network.dial(from, address));
  const answer = await client.ask(request, answerMsMax);
  if (answer.code !== 0) throw new Error(`${address} answers ${request.code} with ${answer.code}: ${answer.remark}`);
  return answer;
}

/** The controller that leads, as the one asked sees it. @throws when it knows none */
export async function leadingController(network: Network, from: SiteName, controller: string): Promise<string> {
  const { fields } = await askOnce(network, from, controller, { code: codes.controllerMetadata });
  const leader = fields["controllerLeaderAddress"] ?? "";
  if (leader === "") throw new Error(`${controller} knows no leading controller`);
  return leader;
}

/** @throws when the set is not known, or has no master */
export async function setStatus(network: Network, from: SiteName, controller: string, set: string): Promise<SetStatus> {
  const leader = await leadingController(network, from, controller);
  await using client = createRemoting(await network.dial(from, leader));
  const status = await askSetStatus(client, set, answerMsMax);
  if (status === undefined) throw new Error(`${leader} knows no master of ${set}`);
  return status;
}

/** The same, over a connection that stands. undefined: it knows no master, or does not lead. @throws when it is silent */
export async function askSetStatus(
  controller: Remoting,
  set: string,
  timeoutMs: number,
): Promise<SetStatus | undefined> {
  const body = Buffer.from(JSON.stringify([set]));
  const answer = await controller.ask({ code: codes.syncState, body }, timeoutMs);
  if (answer.code !== 0) return undefined;
  const { replicasInfoTable } = parseBody(answer.body) as { replicasInfoTable: Record<string, ReplicasInfo> };
  const found = replicasInfoTable[set];
  if (found === undefined || (found.masterAddress ?? "") === "") return undefined;
  return {
    masterAddress: found.masterAddress,
    masterEpoch: found.masterEpoch,
    inSyncEpoch: found.syncStateSetEpoch,
    inSync: found.inSyncReplicas.map(({ brokerId, brokerAddress }) => ({ id: brokerId, address: brokerAddress })),
  };
}

/** What a broker says of itself. */
export async function actsAsMaster(network: Network, from: SiteName, broker: string): Promise<boolean> {
  const { body } = await askOnce(network, from, broker, { code: codes.epochs });
  // A slave gives the id that controllers know it by, which is never 0.
  return (parseBody(body) as { brokerId: number }).brokerId === 0;
}

interface ReplicasInfo {
  readonly masterAddress: string;
  readonly masterEpoch: number;
  readonly syncStateSetEpoch: number;
  readonly inSyncReplicas: readonly { readonly brokerId: number; readonly brokerAddress: string }[];
}

/** On the master; slaves learn of it within some ten seconds. */
export async function createTopic(
  network: Network,
  from: SiteName,
  master: string,
  topic: { name: string; queues: number },
): Promise<void> {
  await askOnce(network, from, master, {
    code: codes.createTopic,
    fields: {
      topic: topic.name,
      defaultTopic: "TBW102",
      readQueueNums: topic.queues,
      writeQueueNums: topic.queues,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: 0,
      order: false,
    },
  });
}

/** A slave learns of a new topic within about ten seconds. @throws when one of the brokers does not know it yet */
export async function expectTopic(
  network: Network,
  from: SiteName,
  brokers: readonly string[],
  topic: string,
): Promise<void> {
  await Promise.all(brokers.map((broker) => askOnce(network, from, broker, { code: codes.topic, fields: { topic } })));
}

/** The topic's route, as a name server has it. @throws when it has none */
export async function topicRoute(network: Network, from: SiteName, nameServer: string, topic: string): Promise<string> {
  const { body } = await askOnce(network, from, nameServer, { code: codes.route, fields: { topic } });
  return body.toString();
}

/** Of a broker, in force at once; it writes them into its file. */
export async function changeSettings(
  network: Network,
  from: SiteName,
  broker: string,
  settings: Readonly<Record<string, string | number | boolean>>,
): Promise<void> {
  await askOnce(network, from, broker, { code: codes.changeSettings, body: Buffer.from(propertiesText(settings)) });
}

/** Asks the controllers to make a member of the in-sync set master. @throws when they refuse */
export async function electMaster(
  network: Network,
  from: SiteName,
  controller: string,
  wanted: { cluster: string; set: string; id: number },
): Promise<void> {
  const leader = await leadingController(network, from, controller);
  const { cluster, set, id } = wanted;
  await askOnce(network, from, leader, {
    code: codes.electMaster,
    fields: { clusterName: cluster, brokerName: set, brokerId: id, designateElect: true, invokeTime: Date.now() },
  });
}

/** A broker's settings as they run, by name. */
export async function brokerSettings(
  network: Network,
  from: SiteName,
  broker: string,
): Promise<ReadonlyMap<string, string>> {
  const { body } = await askOnce(network, from, broker, { code: codes.settings });
  const pairs = body
    .toString()
    .split("\n")
    .filter((line) => line.includes("="))
    .map((line): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  return new Map(pairs);
}
