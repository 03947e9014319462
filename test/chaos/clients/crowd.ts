import { setTimeout as delay } from "node:timers/promises";
import { addressesOf, type Stage } from "../../world/failover/stage.ts";
import type { SiteName } from "../../world/network/sites.ts";
import type { Histories } from "../history.ts";
import { startConsumer } from "./consumer.ts";
import { startProducer } from "./producer.ts";

const idcs = ["idc1", "idc2"] as const satisfies readonly SiteName[];
const producersPerIdc = 4;
const everyMs = 40;
/** Slow ones, of each IDC to each broker. */
const pinnedEveryMs = 250;
const canaryEveryMs = 1_000;
const caughtUpMsMax = 120_000;

export interface Crowd {
  /** All that was acknowledged so far. */
  readonly acked: number;
  /** Until of each canary something that it sent since is acknowledged; or for so long. */
  untilCanariesAcked(msMax: number): Promise<void>;
  /** @returns whether the consumers came to the end of every queue when nothing was sent any more */
  stop(): Promise<boolean>;
}

/** Everybody who sends and reads: in each IDC producers, a canary, and a consumer; and who is pinned to a broker. */
export function startCrowd(stage: Stage, histories: Histories): Crowd {
  const { network } = stage.world;
  const { set, topic, queues } = stage;
  const target = (site: SiteName) => {
    const near = stage.nameServers.toSorted((one, other) => Number(other.site === site) - Number(one.site === site));
    return { site, set, topic, queues, nameServers: addressesOf(near) };
  };
  const producers = idcs.flatMap((site) => [
    ...Array.from({ length: producersPerIdc }, (_, nth) => ({ ...target(site), name: `${site}-${nth + 1}`, everyMs })),
    { ...target(site), name: `canary-${site}`, everyMs: canaryEveryMs },
    ...stage.brokers.map(({ address, name }) => ({
      ...target(site),
      name: `pinned-${site}-${name}`,
      everyMs: pinnedEveryMs,
      pinned: address,
    })),
  ]);
  const sending = producers.map((options) => startProducer(network, histories, options));
  const canaries = () => sending.filter((_, nth) => producers[nth]?.name.startsWith("canary-"));
  const reading = idcs.map((site) => startConsumer(network, histories, { ...target(site), name: `consumer-${site}` }));
  return {
    get acked() {
      return sending.reduce((sum, { acked }) => sum + acked, 0);
    },
    async untilCanariesAcked(msMax) {
      const since = performance.now();
      // Of two that are acknowledged from now on the second one was sent from now on.
      const wanted = canaries().map(({ acked }) => acked + 2);
      const areHeard = (): boolean => canaries().every(({ acked }, nth) => acked >= (wanted[nth] ?? 0));
      while (!areHeard() && performance.now() - since < msMax) await delay(100);
    },
    async stop() {
      await Promise.all(sending.map((producer) => producer.stop()));
      const quietSince = performance.now();
      const caughtUp = (): boolean => reading.every(({ atEndSince }) => atEndSince > quietSince);
      while (!caughtUp() && performance.now() - quietSince < caughtUpMsMax) await delay(100);
      const ended = caughtUp();
      await Promise.all(reading.map((consumer) => consumer.stop()));
      return ended;
    },
  };
}
