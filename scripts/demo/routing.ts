import { setTimeout as delay } from "node:timers/promises";
import { formatMs } from "#lib/table.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import { startStockConsumer, startStockProducer } from "../../test/world/clients/stock.ts";
import { idcSites, raiseTwoIdcs } from "../../test/world/router/two-idcs.ts";
import { openWorld, type World } from "../../test/world/world.ts";
import { atHome, awayFromHome, homeAgain, idcctl, type RoutingStory, summary, twoIdcs } from "./scenes/routing.ts";
import type { Frame } from "./tell.ts";
import { createTraffic } from "./traffic.ts";

/** Name servers, brokers, routers: one of each in each IDC; and three clients. */
const servers = 6;
const topic = "orders";
/** What clients do: they look for changes each second, and send 20 messages a second. */
const pollMs = 1_000;
const everyMs = 50;
/** Short, so that the way home is seen; 30 s unless a file says otherwise. */
const backAfterMs = 8_000;
const lookEveryMs = 50;
const readyMsMax = 60_000;
const drawEveryMs = 1_000;

/** Two broker sets, one in each IDC; one is killed. Where do messages go? */
export async function playRouting({ stage, signal, stack }: Frame): Promise<void> {
  stage.say(
    "crossidc's routers tell clients which brokers to use. Here they are unmodified RocketMQ 5.3.3 clients, which take the router for their name server. Two IDCs, each a network of its own on this machine, each with a broker set, a name server and a router.",
  );
  const startedAt = performance.now();
  const world = stack.use(await stage.wait(() => "opening the network", openWorld()));
  const story = await stage.wait(() => settingUp(world), setUp(world, { stage, signal }));
  const upAt = performance.now();
  const { traffic } = story;
  const looking = setInterval(() => traffic.look(performance.now()), lookEveryMs);
  const drawing = setInterval(() => {
    if (story.isDrawing) stage.show(traffic.line(performance.now()));
  }, drawEveryMs);
  stack.defer(() => {
    clearInterval(looking);
    clearInterval(drawing);
  });
  const pause = (): Promise<void> => delay(stage.pauseMs, undefined, { signal });
  twoIdcs(story);
  await pause();
  await atHome(story);
  await pause();
  await awayFromHome(story);
  await pause();
  await homeAgain(story);
  await pause();
  await summary(story);
  const [setUpMs, storyMs] = [upAt - startedAt, performance.now() - upAt];
  stage.say(`Set-up took ${formatMs(setUpMs)}, the story ${formatMs(storyMs)}.`);
}

async function setUp(world: World, { stage, signal }: Pick<Frame, "stage" | "signal">): Promise<RoutingStory> {
  const idcs = await raiseTwoIdcs(world, { topic, backAfterMs });
  // A set that was slow as it started is held down for a while, like any other.
  await eventually(() => Promise.all(idcs.routers.map(({ site }) => idcctl(world, site, "route", "show"))), {
    ...{ withinMs: readyMsMax, everyMs: 500, signal },
  });
  const producers = await Promise.all(
    idcs.routers.map(({ site, address }) =>
      startStockProducer(world, site, { names: address, topic, pollMs, everyMs }),
    ),
  );
  const consumer = await startStockConsumer(world, "clients", { names: idcs.routers[0].address, topic, pollMs });
  // What was sent while both sets became known is not part of the story.
  const skipped = producers.map((producer) => producer.sentTo().length);
  const clients = producers.map((producer, nth) => ({
    title: `client in ${idcSites[nth]}`,
    sentTo: (after: number) => producer.sentTo().slice((skipped[nth] ?? 0) + after),
  }));
  const marks = [
    { set: "bs1", sign: "█", tone: "green" },
    { set: "bs2", sign: "░", tone: "yellow" },
  ] as const;
  const traffic = createTraffic(clients, marks, stage.paint, performance.now());
  return { ...idcs, stage, signal, world, producers, consumer, clients, traffic, topic, backAfterMs, isDrawing: false };
}

function settingUp({ servers: up }: World): string {
  if (up.length === servers) return "all servers run, clients start";
  return `setting up: ${up.length} of ${servers} servers run${up.length === 0 ? "" : `, the last one ${up.at(-1)?.name}`}`;
}
