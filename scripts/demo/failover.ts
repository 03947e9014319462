import { setTimeout as delay } from "node:timers/promises";
import { formatMs } from "#lib/table.ts";
import { raiseStage } from "../../test/world/failover/stage.ts";
import { lossless } from "../../test/world/rocketmq/lossless.ts";
import { openWorld, type World } from "../../test/world/world.ts";
import { failover, hung, killed, summary, threeSites } from "./scenes/failover.ts";
import type { Frame } from "./tell.ts";

/** etcd, name servers, arbiters and brokers: three of each. */
const servers = 12;

/** A master is killed, another hangs; who is master then, and is anything lost? */
export async function playFailover({ stage, signal, stack }: Frame): Promise<void> {
  stage.say(
    "crossidc's arbiters decide who is master of a RocketMQ broker set that spans two IDCs. The brokers are unmodified RocketMQ 5.3.3, etcd and the name servers are real, and each site is a network of its own on this machine.",
  );
  const startedAt = performance.now();
  const world = stack.use(await stage.wait(() => "opening the network", openWorld()));
  const sites = await stage.wait(
    () => settingUp(world),
    raiseStage(world, { contender: "arbiter", settings: lossless }),
  );
  const upAt = performance.now();
  const story = { stage, sites, signal };
  const pause = (): Promise<void> => delay(stage.pauseMs, undefined, { signal });
  await threeSites(story);
  await pause();
  const first = await failover(story, killed);
  await pause();
  const second = await failover(story, hung);
  await pause();
  summary(story, [first, second]);
  const [setUpMs, storyMs] = [upAt - startedAt, performance.now() - upAt];
  stage.say(
    `Set-up took ${formatMs(setUpMs)}, the story ${formatMs(storyMs)}. To try it by hand: ./run world up arbiter`,
  );
}

function settingUp({ servers: up }: World): string {
  if (up.length === servers) return "all servers run, the replicas get in sync and learn of the topic";
  return `setting up: ${up.length} of ${servers} servers run${up.length === 0 ? "" : `, the last one ${up.at(-1)?.name}`}`;
}
