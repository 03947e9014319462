import { formatCount } from "#lib/table.ts";
import { readAll } from "../bulk.ts";
import { addBuckets, formatLags, readBuckets, summarizeBuckets, summarizeLags } from "../lag.ts";
import { expectThat, type Story } from "../story.ts";
import { asInIdc2, clustersRoot, groupsRoot, topicsRoot } from "../zms.ts";

/** Are both sides equal? Asked of the replicator, and looked at without it. */
export async function verify({ stage, world }: Story): Promise<void> {
  const roots = [clustersRoot, topicsRoot, groupsRoot];
  stage.scene("Is IDC2 right, after all this?");
  const { command, code, text } = await world.idcctl("link", "verify");
  stage.show(`$ ${command}\n${text}`);
  expectThat("idcctl link verify finds both sides equal", code === 0, `exit code ${code}`);

  const [before, after] = await Promise.all([
    readAll(world.idc1.application, roots),
    readAll(world.idc2.application, roots),
  ]);
  const wrong = [...before].filter(([path, data]) => after.get(asInIdc2(path)) !== asInIdc2(data));
  expectThat("the same nodes, translated", wrong.length === 0, `${wrong.length} differ, ${wrong[0]?.[0]} for one`);
  expectThat("not a node more", after.size === before.size, `${after.size} in IDC2, ${before.size} in IDC1`);
  stage.say(
    `The demo has read both sides with the other ZooKeeper client, too: ${formatCount(before.size)} nodes, each as it should be.`,
  );
}

/** How long changes took, as IDC2 saw it and as the replicator measured it. */
export async function lagTable({ stage, world, lags, lives }: Story): Promise<void> {
  stage.scene("How long it took");
  const life = readBuckets(await world.metrics(), "idc_replicator_lag_seconds");
  const own = summarizeBuckets([...lives, life].reduce(addBuckets));
  const rows = [...lags].map(([what, lagsMs]) => [what, summarizeLags(lagsMs)] as const);
  stage.show(formatLags([...rows, ["all, by the replicator's own clock", own]]));
  stage.say(
    "The first rows run from before the write in IDC1 to a watch's event in IDC2. The last row is the replicator's histogram, from a change's event to IDC2's acknowledgement, read off its buckets; it counts the wipe and the restore as well. Everything shared the cores of this machine, and a WAN adds its round trips.",
  );
  expectThat("the replicator counts at least the changes the demo watched", own.count >= watched(lags), `${own.count}`);
}

function watched(lags: Story["lags"]): number {
  return [...lags.values()].reduce((sum, { length }) => sum + length, 0);
}
