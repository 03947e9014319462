import { formatMs } from "#lib/table.ts";
import { createAll, readAll, removeAll, setAll } from "../bulk.ts";
import { readBuckets } from "../lag.ts";
import { expectThat, type Story, settled } from "../story.ts";
import { watchAll } from "../watch.ts";
import { asInIdc2, clusterAt, movedOn, topicData, topicNodes, topicsRoot } from "../zms.ts";

const movedMeanwhile = 100;
const addedMeanwhile = 25;
const removedMeanwhile = 10;

/** The replicator is killed, IDC1 goes on without it, and it is started again. */
export async function crash(story: Story): Promise<void> {
  const { stage, world, lives } = story;
  const { idc1, idc2 } = world;
  stage.scene("The replicator is killed");
  lives.push(readBuckets(await world.metrics(), "idc_replicator_lag_seconds"));
  await world.killReplicator();
  stage.show("$ kill -9 <replicator>");
  stage.say(
    `While it is away, ${movedMeanwhile} topics move in IDC1, ${addedMeanwhile} are created and ${removedMeanwhile} are deleted.`,
  );
  const changed = await changeMeanwhile(story);
  const seenAt = await watchAll(idc2.application, changed);

  stage.progress("starting it again");
  const startedAt = performance.now();
  const [seen] = await Promise.all([Promise.all(seenAt.values()), world.startReplicator()]);
  const firstAt = Math.min(...seen);
  const { epoch } = await settled(story);
  const [wanted, found] = await Promise.all([
    readAll(idc1.application, [topicsRoot]),
    readAll(idc2.application, [topicsRoot]),
  ]);
  const wrong = [...wanted].filter(([path, data]) => found.get(path) !== asInIdc2(data)).length;
  expectThat(
    `the ${wanted.size} topics of IDC1 in IDC2`,
    wrong === 0 && found.size === wanted.size,
    `${found.size}, and ${wrong} differ`,
  );
  stage.say(
    `Started again, it compares both trees first. IDC2 sees the first of these changes ${formatMs(firstAt - startedAt)} after the start of the process, and the last ${formatMs(Math.max(...seen) - firstAt)} later.`,
  );
  stage.say(
    `It holds the fence of epoch ${epoch} now: had the old process come back to life, IDC2 would refuse its writes.`,
  );
}

/** Returns the paths it changed. */
async function changeMeanwhile({ world }: Story): Promise<string[]> {
  const { application } = world.idc1;
  const removed = topicNodes.slice(-removedMeanwhile).map(({ path }) => path);
  const moved = topicNodes.slice(-movedMeanwhile - removedMeanwhile, -removedMeanwhile).map(movedOn);
  const added = Array.from({ length: addedMeanwhile }, (_, index) => ({
    path: `${topicsRoot}/late-topic-${index}`,
    data: topicData(clusterAt(0)),
  }));
  await setAll(application, moved);
  await createAll(application, added);
  await removeAll(application, removed);
  return [...moved, ...added].map(({ path }) => path).concat(removed);
}
