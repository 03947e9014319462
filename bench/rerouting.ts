/**
 * A broker set dies or hangs, and the router leads its clients to the other IDC: how long until they send there. Stock Java clients that
 * look for changes each second, and each 30 s as they do unless told otherwise; and a watch as the SDK keeps it, beside the moment at
 * which the router decided. Times count from the fault. Usage: ./run bench rerouting [--runs N] [--faults kill,freeze]
 */
import { cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { RouteReport } from "../idc-router/io/api.ts";
import { connect, type Route } from "../sdk/main.ts";
import { eventually } from "../test/integration/harness/eventually.ts";
import { type StockProducer, startStockProducer } from "../test/world/clients/stock.ts";
import { addressOf } from "../test/world/network/sites.ts";
import { ports } from "../test/world/ports.ts";
import { raiseTwoIdcs } from "../test/world/router/two-idcs.ts";
import { openWorld } from "../test/world/world.ts";
import { formatSpread, markdownTable, quantile } from "./measure.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "10" }, faults: { type: "string", default: "kill,freeze" } },
});
const topic = "orders";
const backAfterMs = 5_000;
const everyMs = 20;
const lookEveryMs = 5;
/** A client that looks each 30 s has gone home by then. */
const homeMsMax = 120_000;
const movedMsMax = 90_000;
const inARow = 10;
const stop = new AbortController();
const loadBefore = loadavg()[0] ?? 0;

await using world = await openWorld();
const { brokers } = await raiseTwoIdcs(world, { topic, backAfterMs });
const [home] = brokers;
const names = `${addressOf("idc1")}:${ports.router.listen}`;
const polls = [1_000, 30_000] as const;
const producers = await Promise.all(
  polls.map((pollMs) => startStockProducer(world, "idc1", { names, topic, pollMs, everyMs })),
);
const door = await world.door("idc1", `${addressOf("idc1")}:${ports.router.http}`);
await using client = await connect({ routers: [`http://${door.address}`], idc: "idc1" });
/** What the watch tells, and when; and since when the router decides so, asked for at once: later its reasons may be others. */
const routes: { readonly at: number; readonly route: Route; readonly decidedAt: Promise<number> }[] = [];
const watching = follow();
watching.catch((error: unknown) => {
  if (!stop.signal.aborted) throw error;
});

const rows: string[][] = [];
for (const fault of values.faults.split(",")) {
  const runs: Awaited<ReturnType<typeof play>>[] = [];
  for (let run = 1; run <= Number(values.runs); run += 1) {
    runs.push(await play(fault));
    console.error(`${fault} ${run}: ${JSON.stringify(runs.at(-1))}`);
  }
  const row = (who: string, ms: readonly number[]): string[] => {
    const seconds = (share: number): string => (quantile(ms, share) / 1_000).toFixed(2);
    return [fault, who, String(ms.length), seconds(0.5), seconds(0.95), seconds(1)];
  };
  rows.push(
    row(
      "the router decides",
      runs.map(({ decidedMs }) => decidedMs),
    ),
    row(
      "a watch of the SDK has the route",
      runs.map(({ heardMs }) => heardMs),
    ),
    ...polls.map((pollMs, nth) =>
      row(
        `stock client, looks each ${pollMs / 1_000} s: first message elsewhere`,
        runs.map(({ movedMs }) => movedMs[nth] ?? 0),
      ),
    ),
  );
  const after = runs.map(({ heardMs, decidedMs }) => heardMs - decidedMs);
  console.error(`${fault}: from the decision to the watch ${formatSpread(after, (ms) => `${ms.toFixed(0)} ms`)}`);
}
console.log(
  `${cpus().length} cores, load ${loadBefore.toFixed(0)} at the start, Node ${process.version}; seconds from the fault\n`,
);
console.log(markdownTable(["fault", "what", "n", "p50 s", "p95", "max"], rows));
stop.abort();
await client.close();
await world[Symbol.asyncDispose]();
process.exit();

async function follow(): Promise<void> {
  for await (const route of client.watch(topic, { signal: stop.signal })) {
    const asked = decidedAt();
    // Whoever looks at it hears of it.
    asked.catch(() => {});
    routes.push({ at: Date.now(), route, decidedAt: asked });
  }
}

async function decidedAt(): Promise<number> {
  const asked = await fetch(`http://${door.address}/v1/topics/${topic}/route?idc=idc1`);
  return Date.parse(((await asked.json()) as RouteReport).decision.since);
}

async function play(fault: string) {
  await Promise.all(producers.map((producer) => sends(producer, "bs1", homeMsMax)));
  await eventually(() => assertRoute("idc1"), { withinMs: homeMsMax, everyMs: 50 });
  // Not in step with anybody's clock.
  await delay(Math.random() * 2_000);
  const before = producers.map((producer) => producer.lineCount);
  const heard = routes.length;
  const faultAt = Date.now();
  if (fault === "kill") await home.kill();
  else home.stop();
  const movedMs = await Promise.all(
    producers.map(async (producer, nth) => {
      await eventually(() => assertSent(producer, before[nth] ?? 0), { withinMs: movedMsMax, everyMs: lookEveryMs });
      return Date.now() - faultAt;
    }),
  );
  const led = routes.slice(heard).find(({ route }) => route.chosen === "idc2");
  if (led === undefined) throw new Error("the watch has not heard of it");
  const decidedMs = (await led.decidedAt) - faultAt;
  if (fault === "kill") await home.restart();
  else home.cont();
  return { decidedMs, heardMs: led.at - faultAt, movedMs };
}

function assertSent(producer: StockProducer, after: number): void {
  if (!producer.sentTo(after).includes("bs2")) throw new Error("nothing was sent to bs2");
}

function assertRoute(idc: string): void {
  const last = routes.at(-1)?.route.chosen;
  if (last !== idc) throw new Error(`the watch leads to ${last}`);
}

async function sends(producer: StockProducer, set: string, withinMs: number): Promise<void> {
  await eventually(
    () => {
      const last = producer.sentTo().slice(-inARow);
      if (last.length < inARow || last.some((one) => one !== set))
        throw new Error(`last messages went to ${last.join()}`);
    },
    { withinMs, everyMs: 100 },
  );
}
