import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../simulation/random.ts";
import { eventually } from "../harness/eventually.ts";
import type { ZooKeeperServer } from "../harness/zookeeper.ts";
import { type EnsembleWorld, startEnsembleWorld, type Trio } from "./ensemble-world.ts";
import { plantSource, releasedBrake, topicData } from "./link-file.ts";
import { lagsOf, startLoad } from "./load.ts";
import { openRoom, type Room } from "./room.ts";
import { snapshot, type Tree, textsOf } from "./snapshot.ts";

const { CROSSIDC_FULL: full, SEED: seedGiven } = process.env;
const sides = ["source", "target"] as const;
type Side = (typeof sides)[number];

const sessionTimeoutMs = 2_000;
/** Longer than two servers need to notice that the third, their leader, is frozen, and to elect another. */
const longSessionMs = 12_000;
/** Of a follower behind the others. */
const caughtUpMsMax = 5_000;
/** The link leaves a frozen server, the others one that leads. */
const leftMsMax = 15_000;
/** Longest time without a change carried over. Usually it is one to four seconds. */
const outageMsMax = 25_000;
const calmMs = 500;

let world: EnsembleWorld;
beforeAll(async () => {
  world = await startEnsembleWorld();
});
// What one story left broken must not break the next.
afterEach(async () => {
  for (const side of sides) {
    for (const server of world[side].servers) server.cont();
    await healLines(world[side]);
  }
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

/** Breaks something and heals it, while applications write at the source. */
interface Story {
  readonly name: string;
  readonly act: (served: Readonly<Record<Side, ZooKeeperServer>>) => Promise<void>;
  /** Whether the link begins at the leaders; otherwise it does at followers. */
  readonly atLeaders?: boolean;
  readonly sessionMs?: number;
  /** Too much like the others to be told each time. */
  readonly onlyInFull?: boolean;
}

const stories: readonly Story[] = [
  ...sides.map((side) => ({
    name: `the leader of the ${side} is killed and comes back`,
    onlyInFull: true,
    act: async () => {
      const leader = await world[side].leader();
      await leader.kill();
      await world[side].leader();
      await leader.restart();
    },
  })),
  ...sides.map((side) => ({
    name: `the ${side}'s server that the link is connected to is frozen`,
    onlyInFull: side === "target",
    act: async (served: Readonly<Record<Side, ZooKeeperServer>>) => {
      served[side].stop();
      await leaves(world[side], served[side]);
      served[side].cont();
    },
  })),
  {
    name: "the line to the target's server falls silent",
    act: async ({ target }) => {
      const line = world.target.lineTo(target);
      line.freeze();
      await leaves(world.target, target);
      line.thaw();
    },
  },
  ...sides.map((side) => ({
    name: `the leader of the ${side}, with the link connected to it, sleeps through the election of another`,
    onlyInFull: side === "target",
    atLeaders: true,
    sessionMs: longSessionMs,
    act: async (served: Readonly<Record<Side, ZooKeeperServer>>) => {
      served[side].stop();
      await world[side].leader();
      await delay(calmMs);
      served[side].cont();
    },
  })),
  ...sides.map((side) => ({
    name: `the ${side} has no quorum for longer than a session`,
    onlyInFull: side === "source",
    act: async () => {
      const [one, other] = world[side].servers;
      if (one === undefined || other === undefined) throw new Error("there are three servers");
      await Promise.all([one.kill(), other.kill()]);
      await delay(sessionTimeoutMs * 1.5);
      await Promise.all([one.restart(), other.restart()]);
    },
  })),
  {
    name: "all servers of both sides are restarted, one after the other",
    act: async () => {
      await Promise.all(sides.map((side) => restartEach(world[side].servers)));
    },
  },
  {
    name: "the leaders of both sides are killed at once and come back",
    act: async () => {
      const leaders = await Promise.all(sides.map((side) => world[side].leader()));
      await Promise.all(leaders.map((leader) => leader.kill()));
      await delay(calmMs);
      await Promise.all(leaders.map((leader) => leader.restart()));
    },
  },
];

// Each waits for real time: as long as ZooKeeper needs to elect and to start, a few seconds.
test.for(stories.filter(({ onlyInFull }) => full === "1" || onlyInFull !== true))(
  "$name: the link goes on, the target is right and never went back",
  async (story) => {
    await using room = await openRoom(world, linkOptions(story.sessionMs ?? sessionTimeoutMs));
    const seed = seedGiven === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(seedGiven);
    await plantSource(room.source, 40);
    const before = await snapshot(room.target);
    const served = {
      source: await beginAt(world.source, story.atLeaders === true),
      target: await beginAt(world.target, story.atLeaders === true),
    };
    const daemon = await room.start();
    await daemon.idle();
    for (const side of sides) {
      expect(world[side].connected()).toEqual([served[side]]);
      await healLines(world[side]);
    }
    // Clients that are not ours never leave a frozen server.
    const load = await startLoad(room, {
      random: createRandom(seed),
      address: world.source.without(served.source),
    });
    try {
      await delay(calmMs);
      await story.act(served);
      await delay(calmMs);
      await load.stop();
      await room.carried();
      const link = await daemon.idle();
      expect(link.phase).toBe("following");
      expect(link.problemCounts).toEqual({});
    } catch (error) {
      console.log(`SEED=${seed}\n${daemon.process.log()}`);
      throw error;
    }
    await expectRight(room, before);
    const logs = { source: await logOf(room, "source"), target: await logOf(room, "target") };
    const lags = lagsOf(logs);
    console.log(`SEED=${seed} ${story.name}: ${JSON.stringify(lags)}`);
    expect(lags.maxMs).toBeLessThan(outageMsMax);
  },
);

test("a leader that was deposed in its sleep lets no new replicator in before it has caught up", async () => {
  await using room = await openRoom(world, linkOptions(sessionTimeoutMs));
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const old = await world.source.leader();
  {
    await using first = await (await room.configure(linkOptions(sessionTimeoutMs, world.source.without(old)))).start();
    await first.idle();
    old.stop();
    await using writer = await room.connectOnce("source", world.source.without(old));
    await world.source.leader();
    await eventually(() => writer.set("/zms/topic/t1", topicData("kafka-idc1")), { withinMs: leftMsMax });
    await eventually(async () => expect(await room.target.text("/zms/topic/t1")).toBe(topicData("kafka-idc2")), {
      withinMs: leftMsMax,
    });
    await first.idle();
  }
  const second = await (await room.configure(linkOptions(sessionTimeoutMs, old.address))).start();
  await delay(calmMs);
  old.cont();
  expect(await second.idle()).toMatchObject({ phase: "following", epoch: "2" });
  await room.carried();
  await expectRight(room, before);
});

test("an ensemble that was restored from a backup is found out, though its zxid is beyond all it ever was", async () => {
  await using room = await openRoom(world, linkOptions(sessionTimeoutMs));
  await plantSource(room.source);
  await room.source.create("/zms/topic/gone", topicData("rmq-idc1"));
  const { servers } = world.source;
  const backup = await mkdtemp(join(tmpdir(), "crossidc-backup-"));
  const folders = servers.map(({ dataDir, port }) => [join(dataDir, "version-2"), join(backup, String(port))] as const);
  for (const [folder, copy] of folders) await cp(folder, copy, { recursive: true });
  const first = await room.start();
  await first.idle();
  await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
  await room.source.remove("/zms/topic/gone");
  await room.carried();
  await first.idle();
  const before = textsOf(await snapshot(room.target, "/zms"));

  await Promise.all(servers.map((server) => server.kill()));
  await Promise.all(
    servers.map((server, index) => {
      const [folder, copy] = folders[index] ?? ["", ""];
      return server.wipe(() => cp(copy, folder, { recursive: true }));
    }),
  );
  await rm(backup, { recursive: true, force: true });
  const forgotten = {
    code: "source-went-back",
    detail: expect.stringContaining("The source has forgotten what it said"),
  };
  expect(await first.stopped()).toMatchObject(forgotten);
  await first.process.kill("SIGTERM");
  const second = await room.start();
  expect(await second.stopped()).toMatchObject(forgotten);
  expect(textsOf(await snapshot(room.target, "/zms"))).toEqual(before);

  // The operator's word counts, and nothing of what was heard before it is held against the source.
  expect(await room.idcctl("resume", "zms", "--source-wins", "--reason", "restored")).toMatchObject({ code: 0 });
  await room.carried();
  await second.idle();
  await eventually(async () => expect(await room.target.text("/zms/topic/t1")).toBe(topicData("rmq-idc2")), {
    withinMs: caughtUpMsMax,
  });
  expect(await room.target.text("/zms/topic/gone")).toBe(topicData("rmq-idc2"));
});

function linkOptions(sessionMs: number, sourceServers?: string) {
  return {
    source: {
      sessionTimeoutMs: sessionMs,
      ...(sourceServers === undefined ? {} : { servers: sourceServers.split(",") }),
    },
    target: { sessionTimeoutMs: sessionMs },
    link: { deletes: releasedBrake, compareEveryMs: 86_400_000 },
  };
}

/** Leaves the replicator one server to connect to, until healLines(). */
async function beginAt(trio: Trio, leader: boolean): Promise<ZooKeeperServer> {
  const server = await (leader ? trio.leader() : trio.follower());
  for (const other of trio.servers) if (other !== server) await trio.lineTo(other).cut();
  return server;
}

async function healLines(trio: Trio): Promise<void> {
  for (const server of trio.servers) {
    await trio.lineTo(server).heal();
    trio.lineTo(server).thaw();
  }
}

/** Waits until the replicator is connected to another server. */
async function leaves(trio: Trio, server: ZooKeeperServer): Promise<void> {
  await eventually(() => expect(trio.connected().filter((one) => one !== server)).toHaveLength(1), {
    withinMs: leftMsMax,
  });
}

async function restartEach(servers: readonly ZooKeeperServer[]): Promise<void> {
  for (const server of servers) {
    await server.restart();
    await delay(calmMs);
  }
}

async function expectRight(room: Room, before: Tree): Promise<void> {
  await eventually(() => room.expectEqual(before), { withinMs: caughtUpMsMax });
  await room.expectRightHistory();
}

async function logOf(room: Room, side: Side) {
  return await world.transactions(side, { below: room.chroot });
}
