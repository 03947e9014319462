import { exitCodes } from "#lib/errors.ts";
import { formatCount, formatMs } from "#lib/table.ts";
import { countChildren, createAll, readAll, removeAll } from "../bulk.ts";
import { expectThat, pause, type Story, settled, soon } from "../story.ts";
import { maxDeletes } from "../world.ts";
import { topicsRoot } from "../zms.ts";

/** All topics of IDC1 are deleted by mistake, and a backup brings them back. */
export async function accident(story: Story): Promise<void> {
  const backup = await readAll(story.world.idc1.application, [topicsRoot]);
  await wipe(story, backup);
  await pause(story);
  await restore(story, backup);
}

async function wipe(story: Story, backup: ReadonlyMap<string, string>): Promise<void> {
  const { stage, world } = story;
  const { idc1, idc2 } = world;
  stage.scene("An accident in IDC1");
  stage.say(`A script goes wrong and deletes all ${formatCount(backup.size)} topics of IDC1.`);
  stage.progress("deleting");
  await removeAll(idc1.application, [...backup.keys()]);
  await soon(story, "the delete brake engages and nothing is pending", async () => {
    const { brake, pending } = await world.link();
    return { holds: brake.engaged && pending === 0, found: `engaged: ${brake.engaged}, ${pending} pending` };
  });
  const kept = await countChildren(idc2.application, [topicsRoot]);
  const { brake } = await world.link();
  stage.say(
    `IDC2 keeps ${formatCount(kept)} of them: more than ${maxDeletes} deletes in ten minutes are no longer believed.`,
  );
  expectThat(
    `all topics kept but for at most ${maxDeletes}, and held`,
    kept >= backup.size - maxDeletes && kept === brake.held,
    `${kept} topics, ${brake.held} deletes held`,
  );
  const { command, code, text } = await world.idcctl("link", "status");
  stage.show(`$ ${command}\n${text}`);
  expectThat("idcctl link status says that not all is well", code === exitCodes.different, `exit code ${code}`);
}

async function restore(story: Story, backup: ReadonlyMap<string, string>): Promise<void> {
  const { stage, world } = story;
  stage.scene("The backup is restored");
  stage.say("Whoever runs IDC1 puts the topics back from a backup. Nobody touches the replicator.");
  const startedAt = performance.now();
  await createAll(
    world.idc1.application,
    [...backup].map(([path, data]) => ({ path, data })),
  );
  await soon(story, "the delete brake is released and all topics are in IDC2", async () => {
    const { brake } = await world.link();
    const found = await countChildren(world.idc2.application, [topicsRoot]);
    return { holds: !brake.engaged && found === backup.size, found: `engaged: ${brake.engaged}, ${found} topics` };
  });
  await settled(story);
  stage.say(
    `All ${formatCount(backup.size)} topics are in IDC2 and the brake has released itself, ${formatMs(performance.now() - startedAt)} after the restore began.`,
  );
}
