import { formatCount, formatMs } from "#lib/table.ts";
import type { Application } from "../../../test/integration/harness/application.ts";
import { eachOf } from "../bulk.ts";
import { formatLags, summarizeLags } from "../lag.ts";
import { expectThat, type Story, settled } from "../story.ts";
import { watchAll } from "../watch.ts";
import { asInIdc2, clusterAt, groupNodes, movedOn, suspended, topicData, topicNodes, topicsRoot } from "../zms.ts";

const changesOfEachKind = 25;
const burstChanges = 2_000;
/** As many applications as would write in the same instant. */
const burstWriters = 64;

/** One change in IDC1, and the node's data after it, if there is a node. */
interface Change {
  readonly path: string;
  readonly after: string | undefined;
  readonly write: (application: Application) => Promise<unknown>;
}

/** Topics appear, move to another cluster and go, one at a time. */
export async function oneByOne({ stage, world, lags }: Story): Promise<void> {
  const added = Array.from({ length: changesOfEachKind }, (_, index) => `${topicsRoot}/new-topic-${index}`);
  const after = topicData(clusterAt(0));
  const kinds: readonly (readonly [string, readonly Change[]])[] = [
    ["topic created", added.map((path) => ({ path, after, write: ({ create }) => create(path, after) }))],
    ["topic moved", topicNodes.slice(0, changesOfEachKind).map(moveOf)],
    ["topic deleted", added.map((path) => ({ path, after: undefined, write: ({ remove }) => remove(path) }))],
  ];

  stage.scene("Changes, one by one");
  stage.say(
    `In IDC1 ${changesOfEachKind} topics are created, ${changesOfEachKind} move to another cluster, ${changesOfEachKind} are deleted. An application in IDC2 watches. From before the write in IDC1 to the watch's event in IDC2:`,
  );
  for (const [what, changes] of kinds) {
    const lagsMs: number[] = [];
    for (const change of changes) {
      stage.progress(`${what}: ${change.path}`);
      lagsMs.push(await lagOf(change, world));
      const found = await dataAt(world.idc2.application, change.path);
      const wanted = change.after === undefined ? undefined : asInIdc2(change.after);
      expectThat(`${what}: ${change.path}`, found === wanted, found ?? "no such node");
    }
    lags.set(what, lagsMs);
  }
  stage.show(formatLags([...lags].map(([what, lagsMs]) => [what, summarizeLags(lagsMs)])));
}

/** Thousands of changes at the same time. */
export async function burst(story: Story): Promise<void> {
  const { stage, world, lags } = story;
  const { idc1, idc2 } = world;
  const groups = groupNodes.slice(0, burstChanges);
  stage.scene("A burst");
  stage.say(
    `An operator suspends ${formatCount(groups.length)} consumer groups, ${burstWriters} writes at a time. The application in IDC2 watches every one.`,
  );
  stage.progress("setting watches");
  const seenAt = await watchAll(
    idc2.application,
    groups.map(({ path }) => path),
  );
  stage.progress("writing");
  const writtenAt = new Map<string, number>();
  const startedAt = performance.now();
  await eachOf(groups, burstWriters, async ({ path, data }) => {
    writtenAt.set(path, performance.now());
    await idc1.application.set(path, suspended(data));
  });
  const writtenMs = performance.now() - startedAt;
  const lagsMs = await Promise.all([...seenAt].map(async ([path, at]) => (await at) - (writtenAt.get(path) ?? 0)));
  const seenMs = performance.now() - startedAt;
  lags.set("group suspended, in a burst", lagsMs);
  stage.say(
    `IDC1 has acknowledged the last write ${formatMs(writtenMs)} after the first; IDC2 has seen them all after ${formatMs(seenMs)}.`,
  );
  await settled(story);
}

function moveOf(node: (typeof topicNodes)[number]): Change {
  const { path, data } = movedOn(node);
  return { path, after: data, write: ({ set }) => set(path, data) };
}

/** From before the write is sent in IDC1 to the arrival of the watch's event from IDC2, both in this process. */
async function lagOf({ path, write }: Change, { idc1, idc2 }: Story["world"]): Promise<number> {
  const seenAt = await watchAll(idc2.application, [path]);
  const startedAt = performance.now();
  await write(idc1.application);
  return ((await seenAt.get(path)) ?? Number.NaN) - startedAt;
}

async function dataAt(application: Application, path: string): Promise<string | undefined> {
  return (await application.stat(path)) === null ? undefined : await application.text(path);
}
