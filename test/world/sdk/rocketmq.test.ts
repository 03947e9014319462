import { expect } from "vitest";
import { connect, type SdkEvent } from "../../../sdk/main.ts";
import { connectApplication } from "../../integration/harness/application.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { createCatch, startLoad } from "../../integration/sdk/load.ts";
import { createTopic, topicRoute } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";

/** A live topic moves from one RocketMQ cluster to another under load, and back: the SDK's clients go along, by gRPC through proxies. */

const topic = "orders";
/** So many are acknowledged by a cluster before the topic moves on. */
const stayMessages = 100;
const registeredMsMax = 40_000;
const sentMsMax = 60_000;
const catchUpMsMax = 90_000;
const timeoutMs = 420_000;

worldTest(
  "a topic moves between two RocketMQ clusters: sends and reads follow, nothing acknowledged is lost",
  async () => {
    await using world = await openWorld();
    const [zooKeeper] = await world.zooKeeper(["idc1"]);
    const [here, there] = await Promise.all([openCluster(world, "C1", "idc1"), openCluster(world, "C2", "idc2")]);
    if (zooKeeper === undefined) throw new Error("no ZooKeeper");
    await using application = await connectApplication((await world.door("idc1", zooKeeper.address)).address);
    await application.mkdirp(`/zms/topic/${topic}`, "clusterName=C1\n");
    const [router] = await world.routers(["idc1"], {
      nameServers: [here.nameServer],
      cluster: "C1",
      zooKeepers: [zooKeeper],
      config: {
        clusters: [here, there].map(({ cluster, nameServer, site, proxy }) => ({
          name: cluster,
          kind: "rocketmq",
          nameservers: [nameServer.address],
          proxies: { [site]: [proxy] },
        })),
      },
    });
    const http = await world.door("idc1", `${router?.address.split(":")[0]}:7403`);

    await here.makeTopic(topic);
    const events: SdkEvent[] = [];
    await using client = await connect({
      routers: [`http://${http.address}`],
      idc: "idc1",
      onEvent: (event) => events.push(event),
    });
    const got = createCatch();
    client.consumer(topic, "billing", got.handle);
    const load = startLoad(client, topic, { producers: 4, everyMs: 20 });
    const sentTo = (cluster: string): number =>
      [...load.acknowledged.values()].filter((each) => each === cluster).length;
    async function untilSentTo(cluster: string, messages: number): Promise<number> {
      const startedAt = performance.now();
      const before = sentTo(cluster);
      await eventually(
        () => expect(sentTo(cluster), JSON.stringify(events.at(-1))).toBeGreaterThanOrEqual(before + messages),
        {
          withinMs: sentMsMax,
          everyMs: 10,
        },
      );
      return performance.now() - startedAt;
    }

    await untilSentTo("C1", stayMessages);
    // The router has looked for it long ago, and it was not there.
    await there.makeTopic(topic);
    await application.set(`/zms/topic/${topic}`, "clusterName=C2\n");
    const thereMs = await untilSentTo("C2", 1);
    await untilSentTo("C2", stayMessages);
    await application.set(`/zms/topic/${topic}`, "clusterName=C1\n");
    const backMs = await untilSentTo("C1", 1);
    await untilSentTo("C1", stayMessages);
    await load.stop();
    await eventually(
      () => expect([...load.acknowledged.keys()].filter((id) => !got.counts.has(id)).slice(0, 10)).toEqual([]),
      { withinMs: catchUpMsMax, everyMs: 500 },
    );
    const twice = [...got.counts.values()].filter((count) => count > 1).length;
    console.log(
      `moved there in ${Math.round(thereMs)} ms and back in ${Math.round(backMs)} ms: ${load.acknowledged.size} acknowledged ` +
        `(${sentTo("C1")} by C1, ${sentTo("C2")} by C2), ${got.counts.size} consumed, ${twice} of them more than once; ` +
        `longest gap ${Math.round(load.gapMs)} ms`,
    );
    expect(load.failures).toEqual([]);
  },
  timeoutMs,
);

/** One broker, its name server and its proxy, and a way to the proxy for clients of this process. */
async function openCluster(world: World, cluster: string, site: "idc1" | "idc2") {
  const [nameServer] = await world.nameServers([site]);
  if (nameServer === undefined) throw new Error("no name server");
  const nameServers = [nameServer.address];
  // Proxies pop messages, which needs the timer wheel. Each thread that pops or acknowledges keeps a buffer for the largest message.
  const settings = { timerWheelEnable: true, maxMessageSize: 64 * 1024 };
  const [broker] = await world.brokers([site], {
    set: `${cluster}-bs1`,
    cluster,
    nameServers,
    controllers: [],
    settings,
  });
  if (broker === undefined) throw new Error("no broker");
  const makeTopic = (name: string): Promise<void> =>
    createTopic(world.network, "clients", broker.address, { name, queues: 4 });
  await makeTopic("first");
  // A proxy ends when it starts before the name server knows a broker.
  await eventually(() => topicRoute(world.network, "clients", nameServer.address, "first"), {
    withinMs: registeredMsMax,
  });
  const [proxy] = await world.proxies([site], { cluster, nameServers });
  return { cluster, site, nameServer, makeTopic, proxy: (await world.door(site, (proxy as Server).address)).address };
}
