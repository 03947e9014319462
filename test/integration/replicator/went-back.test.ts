import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";

/** The link sees its servers hang up for this long before it asks them for a new session. */
const sessionTimeoutMs = 1_500;

let world: World;
let backup: string;
beforeAll(async () => {
  world = await startWorld({ source: "3.9", target: "3.8" });
  backup = await mkdtemp(join(tmpdir(), "crossidc-backup-"));
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await rm(backup, { recursive: true, force: true });
});

test.for(["restored from a backup", "wiped"] as const)(
  "a source that is %s while the link follows it stops the link as soon as it serves again, with nothing written",
  async (accident) => {
    await using room = await openRoom(world, { source: { sessionTimeoutMs } });
    await plantSource(room.source);
    await cp(join(world.source.dataDir, "version-2"), backup, { recursive: true });
    const daemon = await room.start();
    await daemon.idle();
    await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
    await room.source.remove("/zms/topic/t2");
    await room.carried();
    await daemon.idle();
    const before = await snapshot(room.target);

    await world.source.wipe(async () => {
      if (accident === "wiped") return;
      await cp(backup, join(world.source.dataDir, "version-2"), { recursive: true });
    });
    expect(await daemon.stopped()).toMatchObject({
      code: "source-went-back",
      detail: expect.stringMatching(/The source is at zxid 0x[0-9a-f]+, but the target already has what it said at 0x/),
    });
    expect(await snapshot(room.target)).toEqual(before);
    expect(daemon.process.output()).toContain("zookeeper may have gone back: session begun anew");
  },
);
