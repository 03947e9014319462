import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import type { SetReport } from "../../../arbiter/io/api-sets.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { ackTimesOf, longestBetween } from "../checkers/gap.ts";
import { raiseStage, type Settings, serverAt } from "../failover/stage.ts";
import type { SiteName } from "../network/sites.ts";
import { worldRefusal } from "../rights.ts";
import { lossless } from "../rocketmq/lossless.ts";
import { changeSettings } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";
import { everywhere, isComplete, type Room, seconds, sets, settleMsMax } from "./house.ts";
import { applyPolicy, idcctl, readDecision, readMetric } from "./operators.ts";
import { loadOf, lossesOf } from "./policy-losses.ts";

/**
 * What each key of a policy promises, and what it costs, on stock brokers, one after the other in one world: the set's first broker is
 * in idc1, the others are in idc2.
 */
const raiseMsMax = 480_000;
const testMsMax = 420_000;

let opened: World;
let room: Room;

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  opened = await openWorld();
  const stage = await raiseStage(opened, { contender: "arbiter", settings: {}, places: ["idc1", "idc2", "idc2"] });
  const [leader] = stage.deciders;
  if (leader === undefined) throw new Error("arbiters decide on this stage");
  room = { world: opened, stage, leader };
}, raiseMsMax);
afterAll(async () => await opened?.[Symbol.asyncDispose]());

const set = sets.first;
/** A stock broker that has to cut off a tail of its log may wait up to 90 s before it copies again. */
const completeMsMax = 180_000;
const warmMs = 3_000;
/** How long replicas are kept from what the master acknowledges. */
const lagMs = 3_000;
/** A blocked set that stays so for this long is left alone. */
const leftMs = 3_000;

/** Prefers an IDC: of two replicas that are level the preferred one's wins, also against the smaller id. */
policyTest("preferIdcs: of replicas that are level the preferred IDC's is elected", async () => {
  const before = await completeIn("idc2");
  const [low, high] = before.brokers.filter(({ role }) => role === "in-sync").toSorted((a, b) => a.id - b.id);
  if (low === undefined || high === undefined) throw new Error("there are two replicas");
  await applyPolicy(room.world, room.leader, { preferIdcs: [high.idc, low.idc] });
  const old = masterOf(before);
  await old.kill();
  const after = await untilMaster(before);
  expect(after.master?.id).toBe(high.id);
  const { output } = await idcctl(room.world, room.leader, "decision", "explain", `${set}/${after.epoch}`);
  expect(output).toContain(`but in ${low.idc}; ${high.idc} is preferred`);
  await old.restart();
});

/**
 * rpo: bounded. A replica that is known to lack more than maxLostBytes is not elected: nobody can write until somebody decides
 * what may be lost. What the old master acknowledged after its last word, in the second before its death, comes on top.
 */
policyTest("rpo: bounded elects nobody who is known to lack more than maxLostBytes", async () => {
  const { world, stage, leader } = room;
  const [boundBytes, wideBytes] = [10_000, 100_000_000];
  await applyPolicy(world, leader, { rpo: "bounded", maxLostBytes: boundBytes });
  const before = await completeIn("idc1");
  const old = masterOf(before);
  const load = loadOf(stage);
  await delay(warmMs);
  const lines = world.between("idc1", "idc2");
  await lines.cut();
  let diedAt = Number.POSITIVE_INFINITY;
  try {
    await delay(lagMs);
    diedAt = performance.now();
    await old.kill();
    const blocked = await untilBlocked("loss-too-large");
    expect(blocked.blocked?.why).toMatch(
      /rpo: bounded lets 10,000 bytes be lost, and broker \d+ has told of [\d,]+ bytes more/,
    );
    await delay(leftMs);
    expect((await untilBlocked("loss-too-large")).epoch).toBe(before.epoch);
    await applyPolicy(world, leader, { rpo: "bounded", maxLostBytes: wideBytes });
    // As long as the line is cut, the old master's site cannot hear the new one.
    await everywhere(room, set, ({ epoch }) => expect(epoch).toBeGreaterThan(before.epoch));
  } finally {
    await lines.heal();
  }

  const after = await untilMaster(before);
  const { knownLag, why } = await readDecision(world, leader, `${set}/${after.epoch}`);
  expect(why).toContain("more, which are lost unless they were never acknowledged");
  expect(knownLag).toBeGreaterThan(BigInt(boundBytes));
  expect(knownLag).toBeLessThanOrEqual(BigInt(wideBytes));
  await delay(warmMs);
  await expectLosses(load, { before, after, diedAt, knownLag: knownLag ?? 0n });
  await old.restart();
});

/** unclean: allow elects whoever is there when nobody in sync is, and says what is lost; without it the set waits for the master. */
policyTest(
  "unclean: allow elects one that is not in sync, and says what is lost; deny waits for the master",
  async () => {
    const { world, stage, leader } = room;
    await applyPolicy(world, leader, {});
    const before = await completeIn("idc1");
    const old = masterOf(before);
    const others = stage.brokers.filter((broker) => broker !== old);
    const load = loadOf(stage);
    await delay(warmMs);
    await Promise.all(others.map((broker) => broker.kill()));
    await everywhere(room, set, ({ inSync }) => expect(inSync).toEqual([before.master?.id]));
    await delay(lagMs);
    const diedAt = performance.now();
    await old.kill();
    await Promise.all(others.map((broker) => broker.launch()));

    const blocked = await untilBlocked("no-candidate");
    const reasons = blocked.blocked?.rejected.filter(({ id }) => id !== before.master?.id).map(({ reason }) => reason);
    expect(reasons).toEqual(["not-in-sync", "not-in-sync"]);
    await delay(leftMs);
    expect((await untilBlocked("no-candidate")).epoch).toBe(before.epoch);

    await applyPolicy(world, leader, { unclean: "allow" });
    const after = await untilMaster(before);
    const { knownLag, why } = await readDecision(world, leader, `${set}/${after.epoch}`);
    expect(why).toMatch(/unclean \(not-in-sync: .* more, which are lost unless they were never acknowledged$/);
    await delay(warmMs);
    await expectLosses(load, { before, after, diedAt, knownLag: knownLag ?? 0n });
    await applyPolicy(world, leader, {});
    await old.restart();
  },
);

/**
 * rpo: zero with survive: idc. The other IDC's replica is kept in the in-sync set for degradeAfterMs: so long nobody can write.
 * Then writes go on within one IDC, and everything says that an IDC may not be lost; one broker still may.
 */
policyTest("degradeAfterMs: writes go on within one IDC after that time, and everything says so", async () => {
  const { world, stage, leader } = room;
  const degradeAfterMs = 10_000;
  // A master wishes to go on without a replica that has been behind for so long (15 s by default), and looks each 5 s: with degradeAfterMs
  // the bound below, but for a second. A wish that is granted with the next one alone goes beyond it.
  const settings = { ...lossless, haMaxTimeSlaveNotCatchup: 14_000 };
  for (const { address } of stage.brokers) await change(address, settings);
  await applyPolicy(world, leader, { rpo: "zero", survive: "idc", degradeAfterMs });
  const before = await completeIn("idc2");
  await everywhere(room, set, ({ protection }) => expect(protection).toMatchObject({ level: "idc", kept: true }));
  const alone = stage.brokers.find(({ site }) => site === "idc1");
  if (alone === undefined) throw new Error("there is a broker in idc1");
  const load = loadOf(stage);
  await delay(warmMs);
  const killedAt = performance.now();
  await alone.kill();
  // A master repeats its wish each 5 s.
  const narrow = await everywhere(room, set, ({ inSync, protection }) => {
    expect(inSync).toHaveLength(2);
    expect(protection).toMatchObject({ level: "broker", promised: "idc", kept: false });
  });
  expect(narrow.epoch).toBe(before.epoch);
  for (const arbiter of stage.deciders) {
    expect(await readMetric(world, arbiter, "idc_arbiter_set_promise_kept", { set })).toBe(0);
    expect(await readMetric(world, arbiter, "idc_arbiter_set_in_sync_replicas", { set })).toBe(2);
  }
  await delay(warmMs);
  const later = ackTimesOf(load.history().sends).filter((at) => at > killedAt);
  const { ms: gapMs } = longestBetween([killedAt, ...later]);
  console.log(`degraded: no writes for ${seconds(gapMs)} with degradeAfterMs ${seconds(degradeAfterMs)}`);
  expect(gapMs).toBeGreaterThan(degradeAfterMs - 1_000);
  expect(gapMs).toBeLessThan(degradeAfterMs + 20_000);

  // One broker may be lost: its death is positive, and the other one in sync has everything.
  const old = masterOf(before);
  const diedAt = performance.now();
  await old.kill();
  const after = await untilMaster(before);
  await delay(warmMs);
  const { acked, lost } = await lossesOf(stage, load, {
    master: after.master?.address ?? "",
    old: old.address,
    diedAt,
  });
  console.log(`degraded, then the master killed: ${acked} acked, ${lost.length} lost`);
  expect(lost).toEqual([]);
  await Promise.all([alone.restart(), old.restart()]);
});

/**
 * returnAfterMs: after a failover the master goes home by itself, under load and without loss, once the set has been quiet so long;
 * not while somebody has frozen it.
 */
policyTest("returnAfterMs: a master goes home by itself when its set was quiet for so long, without loss", async () => {
  const { world, stage, leader } = room;
  const returnAfterMs = 8_000;
  const away = await completeIn("idc1");
  const load = loadOf(stage);
  await delay(warmMs);
  const ask = (...args: readonly string[]) => idcctl(world, leader, ...args, "--reason", "a test");
  expect(await ask("set", "freeze", set)).toMatchObject({ code: 0 });
  await applyPolicy(world, leader, { rpo: "zero", preferIdcs: ["idc2"], returnAfterMs });
  await delay(returnAfterMs + 2 * warmMs);
  expect(await everywhere(room, set, ({ phase }) => expect(phase).toBe("frozen"))).toMatchObject({ epoch: away.epoch });
  expect(await readMetric(world, leader, "idc_arbiter_set_away", { set })).toBe(1);

  const thawedAt = performance.now();
  expect(await ask("set", "unfreeze", set)).toMatchObject({ code: 0 });
  const home = await untilMaster(away);
  const tookMs = performance.now() - thawedAt;
  console.log(`home again ${seconds(tookMs)} after the thaw, with returnAfterMs ${seconds(returnAfterMs)}`);
  expect(tookMs).toBeGreaterThan(returnAfterMs - 100);
  expect(masterOf(home).site).toBe("idc2");
  expect(await readDecision(world, leader, `${set}/${home.epoch}`)).toMatchObject({
    kind: "switch",
    why: expect.stringContaining("home again: its master is in idc1, and the policy prefers idc2"),
  });
  await eventually(
    async () => {
      expect(await readMetric(world, leader, "idc_arbiter_returns_total", { set, outcome: "done" })).toBe(1);
      expect(await readMetric(world, leader, "idc_arbiter_set_away", { set })).toBe(0);
    },
    { withinMs: settleMsMax, everyMs: 200 },
  );
  const { output } = await idcctl(world, leader, "audit", "list", "--limit", "20");
  expect(output).toMatch(/switch +.*arbiter idc1.*home again/);
  await delay(warmMs);
  const of = { master: home.master?.address ?? "", old: away.master?.address ?? "", diedAt: thawedAt };
  const { acked, lost } = await lossesOf(stage, load, of);
  console.log(`${acked} acked, ${lost.length} lost`);
  expect(lost).toEqual([]);
});

/** The set complete, led from that site, and nothing open. */
async function completeIn(site: SiteName): Promise<SetReport> {
  const { world, stage, leader } = room;
  const complete = await everywhere(room, set, isComplete(stage.brokers.length), completeMsMax);
  if (masterOf(complete).site === site) return complete;
  const { code, output } = await idcctl(world, leader, "set", "switch", set, "--to", site, "--reason", "a test");
  expect(code, output).toBe(0);
  return await everywhere(
    room,
    set,
    (report) => {
      isComplete(stage.brokers.length)(report);
      expect(masterOf(report).site).toBe(site);
    },
    completeMsMax,
  );
}

function masterOf({ master }: SetReport): Server {
  return serverAt(room.stage.brokers, master?.address ?? "");
}

/** Another master under a later epoch serves. */
async function untilMaster(before: SetReport): Promise<SetReport> {
  return await everywhere(room, set, ({ phase, epoch, master }) => {
    expect({ phase, later: epoch > before.epoch }).toEqual({ phase: "held", later: true });
    expect(master?.id).not.toBe(before.master?.id);
  });
}

/** Every arbiter says so, and its metric. */
async function untilBlocked(reason: string): Promise<SetReport> {
  const blocked = await everywhere(room, set, (report) =>
    expect({ phase: report.phase, reason: report.blocked?.reason }).toEqual({ phase: "blocked", reason }),
  );
  expect(await readMetric(room.world, room.leader, "idc_arbiter_set_blocked", { set, reason })).toBe(1);
  return blocked;
}

async function expectLosses(
  load: ReturnType<typeof loadOf>,
  of: {
    readonly before: SetReport;
    readonly after: SetReport;
    readonly diedAt: number;
    readonly knownLag: bigint;
  },
): Promise<void> {
  const { before, after, diedAt, knownLag } = of;
  const [old, master] = [before.master?.address ?? "", after.master?.address ?? ""];
  const { acked, lost, lostBytesMin, untoldBytesMax } = await lossesOf(room.stage, load, { master, old, diedAt });
  console.log(
    `${acked} acked, ${lost.length} lost: ${lostBytesMin} bytes at least, ${knownLag} on record, ${untoldBytesMax} untold at most`,
  );
  // A scenario that loses nothing would show nothing; and what is on record is the most that is lost, but for the last second.
  expect(lost.length).toBeGreaterThan(0);
  expect(lost.every(({ broker }) => broker === old)).toBe(true);
  expect(lostBytesMin).toBeLessThanOrEqual(knownLag + untoldBytesMax);
}

async function change(address: string, settings: Settings): Promise<void> {
  await changeSettings(room.world.network, "clients", address, settings);
}

function policyTest(rule: string, run: () => Promise<void>): void {
  worldTest(rule, run, testMsMax);
}
