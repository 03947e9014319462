import { exitCodes } from "#lib/errors.ts";
import { formatCount, formatMs, formatTable } from "#lib/table.ts";
import { eventually } from "../../../test/integration/harness/eventually.ts";
import { inProject } from "../../../test/integration/harness/project.ts";
import type { StockConsumer, StockProducer } from "../../../test/world/clients/stock.ts";
import { addressOf, type SiteName } from "../../../test/world/network/sites.ts";
import { ports } from "../../../test/world/ports.ts";
import type { TwoIdcs } from "../../../test/world/router/two-idcs.ts";
import type { World } from "../../../test/world/world.ts";
import type { Stage } from "../stage.ts";
import { expectThat } from "../story.ts";
import type { Client, Traffic } from "../traffic.ts";

export interface RoutingStory extends TwoIdcs {
  readonly stage: Stage;
  readonly signal: AbortSignal;
  readonly world: World;
  /** Of idc1 and idc2, like the next. */
  readonly producers: readonly StockProducer[];
  readonly consumer: StockConsumer;
  readonly clients: readonly Client[];
  readonly traffic: Traffic;
  readonly topic: string;
  readonly backAfterMs: number;
  /** A line a second. */
  isDrawing: boolean;
}

/** So many messages in a row make it plain where they go: five seconds of them. */
const settledMessages = 100;
const settleMsMax = 60_000;
const consumedMsMax = 60_000;
const ownSets = ["bs1", "bs2"] as const;

/** Where everything runs. */
export function twoIdcs({ stage, nameServers, brokers, routers, topic }: RoutingStory): void {
  stage.scene("Two IDCs, a broker set in each");
  const rows = routers.map(({ site, address }, nth) => {
    const [host = "", port = ""] = address.split(":");
    return [
      site,
      host,
      ownSets[nth] ?? "",
      brokers[nth]?.address.split(":")[1] ?? "",
      nameServers[nth]?.address.split(":")[1] ?? "",
      port,
    ];
  });
  stage.show(formatTable(["SITE", "ADDRESS", "BROKER SET", "BROKER", "NAME SERVER", "ROUTER"], rows));
  stage.say(
    `The topic ${topic} is in both sets. Each IDC has a producer that sends 20 messages a second and knows nothing but its router's address; a consumer elsewhere reads all queues of both sets.`,
  );
}

/** Everybody sends to the own IDC. */
export async function atHome(story: RoutingStory): Promise<void> {
  const { stage, traffic } = story;
  stage.scene("Messages stay at home");
  stage.say("Each character is a message, in the order in which they were sent.");
  stage.show(traffic.header());
  await drawUntil(story, ["bs1", "bs2"]);
  await explain(story);
}

/** The set of IDC1 is killed. */
export async function awayFromHome(story: RoutingStory): Promise<void> {
  const { stage, brokers } = story;
  stage.scene("The broker of IDC1 is killed");
  stage.say(
    "Its set has no other. What its client has on its way fails; the router of IDC1 then leads it to IDC2. A stock client looks for changes every 30 s unless it is told otherwise: these look each second.",
  );
  stage.show(`$ kill -9 ${brokers[0].pid}`);
  await brokers[0].kill();
  stage.show(story.traffic.header());
  await drawUntil(story, ["bs2", "bs2"]);
  await explain(story);
}

/** It is started again; after the hold-down its client goes home. */
export async function homeAgain(story: RoutingStory): Promise<void> {
  const { stage, brokers, backAfterMs } = story;
  stage.scene("It is started again");
  stage.say(
    `Out fast, back slowly: the set has to be well for ${formatMs(backAfterMs)} (backAfterMs; 30 s unless a file says otherwise) before messages go there again.`,
  );
  stage.show(story.traffic.header());
  story.isDrawing = true;
  await brokers[0].restart();
  await drawUntil(story, ["bs1", "bs2"]);
}

/** Every message that was acknowledged was read, by a consumer that never noticed. */
export async function summary({ stage, producers, consumer, traffic, signal }: RoutingStory): Promise<void> {
  stage.scene("What it came to");
  for (const { process } of producers) await process.kill();
  traffic.look(performance.now());
  const stored = producers.flatMap((producer) => producer.stored());
  const missing = (): string[] => {
    const got = consumer.got();
    return stored.filter((id) => !got.has(id));
  };
  await stage.wait(
    () => `${missing().length} messages are still to be read`,
    eventually(() => expectThat("all read", missing().length === 0, `${missing().length} are not`), {
      ...{ withinMs: consumedMsMax, everyMs: 200, signal },
    }),
  );
  stage.show(
    formatTable(
      ["CLIENT", "TO BS1", "TO BS2", "FAILED", "LONGEST TIME WITHOUT AN ACKNOWLEDGEMENT"],
      traffic
        .tallies()
        .map(({ title, sent, failed, gapMs }) => [
          title.replace("client in ", ""),
          sent.get("bs1") ?? 0,
          sent.get("bs2") ?? 0,
          failed,
          formatMs(gapMs),
        ]),
    ),
  );
  stage.say(`${formatCount(stored.length)} messages were acknowledged, and the consumer has read every one.`);
}

/** Draws until each client's last messages went to its set. @throws when they do not */
async function drawUntil(story: RoutingStory, sets: readonly string[]): Promise<void> {
  const { clients, signal } = story;
  story.isDrawing = true;
  try {
    const before = clients.map((client) => client.sentTo(0).length);
    await eventually(
      () => {
        for (const [nth, client] of clients.entries()) {
          const last = client.sentTo(before[nth] ?? 0).slice(-settledMessages);
          const there = last.filter((set) => set === sets[nth]).length;
          expectThat(
            `the ${client.title} sends to ${sets[nth]}`,
            there === settledMessages,
            `${there} of its last ${settledMessages} messages went there`,
          );
        }
      },
      { withinMs: settleMsMax, everyMs: 100, signal },
    );
  } finally {
    story.isDrawing = false;
  }
}

async function explain({ stage, world, topic }: RoutingStory): Promise<void> {
  const { command, text } = await idcctl(world, "idc1", "route", "explain", topic, "--idc", "idc1");
  stage.show(`$ ${command}\n${text}`);
}

/** As a person calls it at a router. @throws when it says that something is not well */
export async function idcctl(world: World, site: SiteName, ...args: readonly string[]) {
  const words = ["bin/idcctl", "--endpoint", `http://${addressOf(site)}:${ports.router.http}`, ...args];
  const called = world.run(site, [inProject("bin/idcctl"), ...words.slice(1)]);
  const { code } = await called.exit;
  const command = words.join(" ");
  if (code !== exitCodes.ok) throw new Error(`${command} ended with ${code}: ${called.output()}`);
  return { command, text: called.output("stdout") };
}
