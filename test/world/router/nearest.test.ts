import { expect } from "vitest";
import { eventually } from "../../integration/harness/eventually.ts";
import { type IdcWish, idcEntry } from "../../integration/harness/idc-entry.ts";
import { inProject } from "../../integration/harness/project.ts";
import { type StockProducer, startStockConsumer, startStockProducer } from "../clients/stock.ts";
import { addressOf } from "../network/sites.ts";
import { ports } from "../ports.ts";
import { createRemoting } from "../rocketmq/remoting.ts";
import type { Server } from "../server.ts";
import { mqadminCommand } from "../servers/rocketmq.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";
import { raiseTwoIdcs } from "./two-idcs.ts";

/**
 * Stock clients behind our name server door: two broker sets, one for each IDC, real name servers, and RocketMQ's own Java client that
 * knows nothing of us.
 */

const topic = "orders";
const pollMs = 1_000;
const everyMs = 50;
/** Short, so that the way home can be seen. */
const backAfterMs = 6_000;
/** name servers drop a dead broker at once; poll of the router, poll of the client, a send that times out; and a busy machine. */
const killedMsMax = 8_000;
/** The worst case of --check (2.5 s), poll of the client, a send that times out; and a busy machine. */
const hungMsMax = 12_000;
/** From a write in etcd to what a client is shown. */
const obeyMsMax = 500;
/** Poll of the client, and five sends. */
const drainedMsMax = 4_000;
const homeMsMax = 40_000;
const settleMsMax = 60_000;
const timeoutMs = 420_000;

worldTest(
  "stock clients send at home while home is well, abroad when it is drained, killed or hangs, and go home after the hold-down",
  async () => {
    await using world = await openWorld();
    const etcds = await world.etcd(["idc1"]);
    const { brokers, routers } = await raiseTwoIdcs(world, { topic, backAfterMs, etcds });
    const [home] = brokers;
    const [router] = routers;
    const options = { names: router.address, topic, pollMs };

    // mqadmin, as another stock client: from idc2 it sees bs1 without the write bit, and the other way round.
    const shown = (site: "idc1" | "idc2", perms: Record<string, number>): Promise<void> =>
      eventually(async () => expect(permsOf(await topicRoute(world, site, router.address))).toEqual(perms), {
        withinMs: settleMsMax,
        everyMs: 500,
      });
    await shown("idc1", { bs1: 6, bs2: 4 });
    await shown("idc2", { bs1: 4, bs2: 6 });

    let epoch = 0;
    const want = async (wish: Pick<IdcWish, "state" | "weight">, perms: Record<string, number>): Promise<number> => {
      epoch += 1;
      return await obeys(world, { ...wish, epoch, perms }, { etcd: etcds[0]?.address ?? "", router });
    };
    const obeyed: string[] = [];
    for (const { perms, ...wish } of [
      { state: "drained", weight: 100, perms: { bs1: 4, bs2: 6 } },
      { state: "active", weight: 100, perms: { bs1: 6, bs2: 4 } },
      { state: "active", weight: 0, perms: { bs1: 4, bs2: 6 } },
      { state: "active", weight: 100, perms: { bs1: 6, bs2: 4 } },
    ] as const) {
      const tookMs = await want(wish, perms);
      obeyed.push(`${wish.state} ${wish.weight}: ${Math.round(tookMs)} ms`);
      expect(tookMs).toBeLessThan(obeyMsMax);
    }
    console.log(`shown at the name server door after the write was acknowledged: ${obeyed.join(", ")}`);

    const one = await startStockProducer(world, "idc1", { ...options, everyMs });
    // It asks over HTTP where its name servers are (rocketmq.namesrv.domain).
    const door = `http://${addressOf("idc1")}:${ports.router.http}`;
    const two = await startStockProducer(world, "idc2", { ...options, names: door, everyMs });
    const consumer = await startStockConsumer(world, "clients", options);
    await sends(one, "bs1", { withinMs: settleMsMax });
    await sends(two, "bs2", { withinMs: settleMsMax });
    expect(new Set(one.sentTo())).toEqual(new Set(["bs1"]));
    expect(new Set(two.sentTo())).toEqual(new Set(["bs2"]));

    // Nothing is wrong with it: whoever sends goes abroad and comes home without a send that fails.
    await want({ state: "drained", weight: 100 }, { bs1: 4, bs2: 6 });
    await sends(one, "bs2", { withinMs: drainedMsMax });
    await want({ state: "active", weight: 100 }, { bs1: 6, bs2: 4 });
    await sends(one, "bs1", { withinMs: homeMsMax });
    expect(new Set(one.sentTo())).toEqual(new Set(["bs1", "bs2"]));

    const killedAt = performance.now();
    await home.kill();
    await sends(one, "bs2", { withinMs: killedMsMax });
    const outageKilledMs = performance.now() - killedAt;

    await home.restart();
    const backAt = performance.now();
    await sends(one, "bs1", { withinMs: homeMsMax });
    const homeMs = performance.now() - backAt;
    // "serves" is said before the broker is registered, so its hold-down begins later than that.
    expect(homeMs).toBeGreaterThan(backAfterMs - 500);

    const hungAt = performance.now();
    home.stop();
    await sends(one, "bs2", { withinMs: hungMsMax });
    const outageHungMs = performance.now() - hungAt;
    const before = one.lineCount;
    home.cont();
    await sends(one, "bs1", { withinMs: homeMsMax });
    const onTheWay = one.sentTo(before).filter((broker) => broker !== "bs1");
    expect(new Set(onTheWay)).toEqual(new Set(["bs2"]));

    console.log(
      `sends go on ${seconds(outageKilledMs)} after a kill, ${seconds(outageHungMs)} after a freeze; home after ${seconds(homeMs)}`,
    );
    expect(new Set(two.sentTo())).toEqual(new Set(["bs2"]));

    // Every queue of both sets is read: what was stored arrives, whichever set it is on.
    await one.process.kill();
    await two.process.kill();
    const stored = [...one.stored(), ...two.stored()];
    await eventually(
      () => {
        const got = consumer.got();
        expect(stored.filter((id) => !got.has(id))).toEqual([]);
      },
      { withinMs: settleMsMax, everyMs: 500 },
    );
    expect(stored.length).toBeGreaterThan(200);
  },
  timeoutMs,
);

/** Writes what operators want of idc1, and asks again and again until a client there is shown it. @returns ms after the write's end */
async function obeys(
  world: World,
  { perms, ...wish }: IdcWish & { readonly perms: Record<string, number> },
  { etcd, router }: { etcd: string; router: Server },
): Promise<number> {
  await using client = createRemoting(await world.network.dial("idc1", router.address));
  const { key, text } = idcEntry("world", "idc1", wish);
  const etcdctl = inProject(".cache/etcd/usr/bin/etcdctl");
  const put = ["--endpoints", etcd, "put", key, text];
  const { code } = await world.run("idc1", [etcdctl, ...put]).exit;
  const writtenAt = performance.now();
  expect(code).toBe(0);
  const routeCode = 105;
  const shown = async (): Promise<void> => {
    const { body } = await client.ask({ code: routeCode, fields: { topic } }, obeyMsMax);
    expect(permsOf(body.toString())).toEqual(perms);
  };
  await eventually(shown, { withinMs: settleMsMax, everyMs: 5 });
  return performance.now() - writtenAt;
}

/** Waits until the producer's last sends all went to this set, and none failed. */
async function sends(producer: StockProducer, set: string, { withinMs }: { withinMs: number }): Promise<void> {
  const inARow = 5;
  await eventually(
    () => {
      const last = producer.sentTo().slice(-inARow);
      expect(last).toEqual(Array.from({ length: inARow }, () => set));
    },
    { withinMs, everyMs: 50 },
  );
}

async function topicRoute(world: World, site: "idc1" | "idc2", names: string): Promise<string> {
  const command = [...mqadminCommand(world.network.folder), "topicRoute", "-n", names, "-t", topic];
  const tool = world.run(site, command, { name: `mqadmin-${site}` });
  await tool.exit;
  return tool.output("stdout");
}

/** By set. mqadmin prints numbers that are keys without quotes: it is no JSON. */
function permsOf(route: string): Record<string, number> {
  const found = [...route.matchAll(/"brokerName":"(\w+)",\s*"perm":(\d)/g)];
  return Object.fromEntries(found.map(([, set = "", perm]) => [set, Number(perm)]));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
