import { formatCount, formatMs, formatTable } from "#lib/table.ts";
import { countChildren, createAll, eachOf } from "../bulk.ts";
import { expectThat, type Story, settled, soon } from "../story.ts";
import {
  asInIdc2,
  clusterNodes,
  clusters,
  clustersRoot,
  groupNodes,
  groupsRoot,
  hostNodes,
  hostsRoot,
  lockPaths,
  topicNodes,
  topicsRoot,
} from "../zms.ts";

const creationsAtOnce = 25;

export async function twoIdcs({ stage, world }: Story): Promise<void> {
  const { idc1, idc2 } = world;
  stage.scene("Two IDCs");
  stage.say(
    "Each IDC has a ZooKeeper of its own. Producers and consumers look there to find out which brokers are theirs.",
  );
  stage.show(
    formatTable(
      ["IDC", "ZOOKEEPER", "AT", ""],
      [
        [idc1.name, idc1.version, idc1.address, "the source: applications write here"],
        [idc2.name, idc2.version, idc2.address, "the target: still empty"],
      ],
    ),
  );
}

export async function fill({ stage, world }: Story): Promise<void> {
  const { application } = world.idc1;
  stage.scene("IDC1 has been in business for years");
  stage.progress("writing");
  const startedAt = performance.now();
  for (const root of [clustersRoot, topicsRoot, groupsRoot, hostsRoot]) await application.mkdirp(root);
  await createAll(application, [...clusterNodes, ...topicNodes, ...groupNodes, ...hostNodes]);
  await eachOf(lockPaths, creationsAtOnce, async (path) => {
    await application.create(path, "held by a session", { ephemeral: true });
  });
  const tookMs = performance.now() - startedAt;
  const rocketmq = clusters.filter(({ kind }) => kind === "rocketmq").length;
  stage.say(
    `Metadata as ZMS keeps it, written by an application with another ZooKeeper client in ${formatMs(tookMs)}:`,
  );
  stage.show(
    formatTable(
      ["PATH", "NODES", ""],
      [
        [clustersRoot, clusterNodes.length, `clusters: ${rocketmq} RocketMQ, ${clusters.length - rocketmq} Kafka`],
        [topicsRoot, topicNodes.length, "topics, each names its cluster"],
        [groupsRoot, groupNodes.length, "consumer groups, each names its cluster"],
        [hostsRoot, hostNodes.length, "machines of IDC1: none of IDC2's business"],
        [`${topicsRoot}/lock-…`, lockPaths.length, "ephemeral: they live and die with a session in IDC1"],
      ],
    ),
  );
}

export async function firstCopy(story: Story): Promise<void> {
  const { stage, world } = story;
  const { application } = world.idc2;
  const roots = [clustersRoot, topicsRoot, groupsRoot];
  const wanted = clusterNodes.length + topicNodes.length + groupNodes.length;
  stage.scene("The replicator starts in IDC2");
  stage.show(`$ bin/crossidc-replicator --config ${world.configFile}`);
  stage.say(
    "Its config says: copy clusters, topics and consumer groups; translate cluster names and addresses by the table; leave machines alone.",
  );
  const startedAt = performance.now();
  let firstAt = startedAt;
  const arrival = soon(story, `${formatCount(wanted)} nodes in IDC2`, async () => {
    const found = await countChildren(application, roots);
    stage.progress(`${formatCount(found)} of ${formatCount(wanted)} nodes`);
    if (found === 0) firstAt = performance.now();
    return { holds: found === wanted, found: `${formatCount(found)} nodes` };
  });
  const [lastAt] = await Promise.all([arrival.then(() => performance.now()), world.startReplicator()]);
  await settled(story);
  stage.say(
    `An application in IDC2 sees the first node ${formatMs(firstAt - startedAt)} after the start of the process, and all ${formatCount(wanted)} after another ${formatMs(lastAt - firstAt)}.`,
  );
  stage.show(`log: ${world.logFile}`);
  for (const path of [hostsRoot, ...lockPaths]) {
    expectThat(`no ${path} in IDC2`, (await application.stat(path)) === null, "it is there");
  }
}

export async function lookAtOne(story: Story): Promise<void> {
  const { stage, world } = story;
  stage.scene("The same names, each IDC's own brokers");
  stage.say(
    "An application that moves to IDC2 asks for the topic it knows, and finds the cluster and the addresses that stand in for its own.",
  );
  await bothSides(story, topicNodes[0]?.path ?? "", (path) => path);
  await bothSides(story, clusterNodes[0]?.path ?? "", asInIdc2);
  stage.say("Why? The replicator explains each path, by the rules it runs with:");
  const { command, code, text } = await world.idcctl("link", "explain", clusterNodes[0]?.path ?? "");
  stage.show(`$ ${command}\n${text}`);
  expectThat("idcctl link explain succeeds", code === 0, `exit code ${code}`);
}

async function bothSides({ stage, world }: Story, path: string, toTarget: (path: string) => string): Promise<void> {
  const { idc1, idc2 } = world;
  const [before, after] = await Promise.all([idc1.application.text(path), idc2.application.text(toTarget(path))]);
  stage.sideBySide({ title: `IDC1 ${path}`, text: before }, { title: `IDC2 ${toTarget(path)}`, text: after });
  expectThat(`${path} translated`, after === asInIdc2(before), after);
}
