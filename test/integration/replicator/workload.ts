import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#lib/errors.ts";
import type { Random } from "../../simulation/random.ts";
import type { Application, ApplicationOp } from "../harness/application.ts";
import { topicData } from "./link-file.ts";

/** Applications that write metadata at the source all at once and do not know of each other. */
export interface Workload {
  readonly writers: readonly Application[];
  /** For a session that comes, shows itself, and goes. */
  readonly connect: () => Promise<Application>;
  readonly random: Random;
  /** Requests that write, refused ones too. */
  readonly ops: number;
  /** The values of two workloads on one tree must differ, too. */
  readonly firstSeq: number;
  readonly opsPerSecond: number;
}

export async function runWorkload(workload: Workload): Promise<void> {
  const { writers, random, ops, firstSeq, opsPerSecond } = workload;
  const startedAt = performance.now();
  let done = 0;
  const next = (): number => {
    done += 1;
    return firstSeq + done;
  };
  await Promise.all(
    writers.map(async (writer) => {
      while (done < ops) {
        const aheadMs = (done / opsPerSecond) * 1_000 - (performance.now() - startedAt);
        if (aheadMs > 0) await delay(aheadMs);
        await pickTask(random)({ ...workload, writer, next });
      }
    }),
  );
}

/** `next` counts a request, and gives the number that makes its value different from every other. */
interface Task extends Workload {
  readonly writer: Application;
  readonly next: () => number;
}

type Work = (task: Task) => Promise<void>;

const topics = 80;
const branches = 12;
const clusters = ["rmq-idc1", "kafka-idc1"] as const;

const tasks: readonly (readonly [share: number, work: Work])[] = [
  [34, setTopic],
  [10, createInTwoSteps],
  [10, removeTopic],
  [16, setBranch],
  [7, removeBranch],
  [3, replaceTree],
  [9, changeTogether],
  [6, setEphemeral],
  [1, comeAndGo],
  [2, setCluster],
  [2, setUnruled],
];

function pickTask(random: Random): Work {
  let left = random.next() * tasks.reduce((sum, [share]) => sum + share, 0);
  for (const [share, work] of tasks) {
    left -= share;
    if (left < 0) return work;
  }
  return setTopic;
}

/** Also moves it to another cluster. */
async function setTopic({ writer, random, next }: Task): Promise<void> {
  const path = topicPath(random);
  const data = dataOfTopic(random, next());
  if (await tried(writer.set(path, data))) return;
  next();
  await tried(writer.create(path, data));
}

/** As ZMS does it: the node first, then what it is. */
async function createInTwoSteps({ writer, random, next }: Task): Promise<void> {
  const path = topicPath(random);
  next();
  if (!(await tried(writer.create(path, random.chance(0.5) ? null : "")))) return;
  if (random.chance(0.2)) await delay(random.int(0, 30));
  await tried(writer.set(path, dataOfTopic(random, next())));
}

async function removeTopic({ writer, random, next }: Task): Promise<void> {
  next();
  await tried(writer.remove(topicPath(random)));
}

async function setBranch({ writer, random, next }: Task): Promise<void> {
  const path = branchPath(random, random.int(1, 4));
  const data = `seq=${next()}`;
  if (await tried(writer.set(path, data))) return;
  next();
  await tried(writer.create(path, data));
}

async function removeBranch({ writer, random, next }: Task): Promise<void> {
  next();
  await tried(writer.remove(branchPath(random, random.int(2, 4))));
}

/** All of a branch goes, and comes back at once with other data. */
async function replaceTree({ writer, random, next }: Task): Promise<void> {
  const root = branchPath(random, 1);
  let paths: string[] = [];
  // Others write there meanwhile: what is half gone already is left alone.
  await tried(writer.tree(root).then((tree) => (paths = Object.keys(tree))));
  for (const path of paths.toReversed()) {
    next();
    await tried(writer.remove(path));
  }
  for (const path of paths) await tried(writer.create(path, `seq=${next()}`));
}

/** All or nothing, some of it on the same node. */
async function changeTogether({ writer, random, next }: Task): Promise<void> {
  const ops: ApplicationOp[] = [];
  for (let left = random.int(2, 6); left > 0; left -= 1) {
    const path = topicPath(random);
    const data = dataOfTopic(random, next());
    if (random.chance(0.6)) ops.push({ kind: "set", path, data });
    else if (random.chance(0.5)) ops.push({ kind: "remove", path }, { kind: "create", path, data });
    else ops.push({ kind: "remove", path });
  }
  await tried(writer.multi(ops));
}

/** Where at other times a node stands that stays. */
async function setEphemeral({ writer, random, next }: Task): Promise<void> {
  const path = random.chance(0.5) ? topicPath(random) : branchPath(random, 2);
  if (!(await tried(writer.create(path, `alive=${next()}`, { ephemeral: true })))) return;
  await delay(random.int(0, 20));
  await tried(writer.set(path, `alive=${next()}`));
  next();
  if (random.chance(0.9)) await tried(writer.remove(path));
}

async function comeAndGo({ connect, random, next }: Task): Promise<void> {
  await tried(
    (async () => {
      await using visitor = await connect();
      await visitor.create(topicPath(random), `alive=${next()}`, { ephemeral: true });
    })(),
  );
}

async function setCluster({ writer, random, next }: Task): Promise<void> {
  const addresses = random.pick(["10.1.0.21:9876", "10.1.0.22:9876;10.1.0.21:9876", ""]);
  await tried(writer.set("/zms/cluster/rmq-idc1", `bootAddr=${addresses}\nseq=${next()}\n`));
}

async function setUnruled({ writer, random, next }: Task): Promise<void> {
  await tried(writer.set(random.pick(["/zms/host/h1", "/zms/topic", "/other"]), `seq=${next()}`));
}

/** Refused for what another writer has done meanwhile, or without an answer because its server went. */
export function isRefusedOrLost(error: unknown): boolean {
  return /NO_NODE|NODE_EXISTS|NOT_EMPTY|NO_CHILDREN_FOR_EPHEMERALS|CONNECTION_LOSS|no answer in/.test(messageOf(error));
}

/** False when the request was refused, or nobody knows whether it was done. */
async function tried(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (!isRefusedOrLost(error)) throw error;
    return false;
  }
}

function topicPath(random: Random): string {
  return random.chance(0.8) ? `/zms/topic/t${random.int(0, topics)}` : `/zms/consumergroup/g${random.int(0, topics)}`;
}

function branchPath(random: Random, depth: number): string {
  const names = Array.from({ length: depth }, (_, level) => `b${random.int(0, level === 0 ? branches : 2)}`);
  return `/app/${names.join("/")}`;
}

function dataOfTopic(random: Random, seq: number): string {
  return topicData(
    random.pick(clusters),
    `gatedCluster=${random.pick(["", "rmq-idc1", "rmq-idc1;kafka-idc1"])}\nseq=${seq}\n`,
  );
}
