import type { Stage } from "../world/failover/stage.ts";
import { killed } from "../world/failover/strikes.ts";
import { linesOf } from "../world/lines.ts";
import type { SiteName, Way } from "../world/network/sites.ts";
import type { Server } from "../world/server.ts";
import { hideFromArbiters } from "./hidden.ts";
import type { Planned } from "./plan/schedule.ts";
import { diskBytes } from "./raise.ts";

/**
 * What is left of a full disk: a broker takes no message when less than a tenth is, and looks each 10 s. It cannot be left without a byte at
 * once: a stock broker (5.3.3) then acknowledges, and copies, messages that it has stored half (docs/reliability.md).
 * @source RocketMQ 5.3.3 DefaultMessageStore.CleanCommitLogService, diskSpaceWarningLevelRatio
 */
const freeRatio = 0.05;

/** A fault in force. */
export interface Struck {
  /** Names of servers, sites, and ways "idc1>idc2". */
  readonly targets: readonly string[];
  /** One link, or one way of it, and nothing else. */
  readonly singleLink: boolean;
  /** The master needs no successor: it lives, and a majority of the sites hears it. */
  readonly keeps: boolean;
  end(): Promise<void>;
}

/** Makes a fault; resolves when it is in force. @param master as the deciders have it on record just before */
export async function strike(stage: Stage, planned: Planned, master: Server): Promise<Struck> {
  const { world, brokers, deciders, etcds } = stage;
  const chosen = planned.brokers.flatMap((place) => brokers[place] ?? []);
  const spared = !chosen.includes(master);
  switch (planned.fault) {
    case "minor-kill":
    case "major-kill":
    case "random-kill":
    case "fixed-kill":
      return struck(names(chosen), spared, await killed(...chosen));
    case "leader-kill":
      return struck([master.name], false, await killed(master));
    case "minor-suspend":
    case "major-suspend":
    case "random-suspend":
    case "fixed-suspend":
      return struck(names(chosen), spared, suspended(chosen));
    case "leader-suspend":
      return struck([master.name], false, suspended([master]));
    case "random-partition":
    case "fixed-partition": {
      const [site = "idc1"] = planned.sites;
      const lines = world.around(site);
      await lines.cut();
      return struck([site], site !== master.site, () => lines.heal());
    }
    case "idc-lost":
      return await lostIdc(stage, planned.sites[0] ?? "idc1", master);
    case "partition-majorities-ring":
      return struck(texts(planned.ways), false, await cutWays(stage, planned.ways));
    case "bridge":
    case "one-way-cut":
      return { ...struck(texts(planned.ways), true, await cutWays(stage, planned.ways)), singleLink: true };
    case "random-loss": {
      const [site = "idc1"] = planned.sites;
      const lines = world.around(site);
      await lines.set({ lossRatio: planned.lossRatio });
      return struck([`${site} ${planned.lossRatio}`], false, () => lines.set({ lossRatio: 0 }));
    }
    case "broker-cut-from-arbiters":
      return struck(names(chosen), spared, await hideFromArbiters(stage, chosen));
    case "etcd-minority": {
      const members = planned.etcds.flatMap((place) => etcds[place] ?? []);
      return struck(names(members), true, await killed(...members));
    }
    case "clock-skew": {
      const skewed = planned.deciders.flatMap((place) => deciders[place] ?? []);
      await Promise.all(skewed.map((decider) => decider.setClock(planned.clockMs)));
      return struck(
        skewed.map(({ name }) => `${name} ${planned.clockMs / 1_000} s`),
        true,
        async () => void (await Promise.all(skewed.map((decider) => decider.setClock(0)))),
      );
    }
    case "full-disk":
      await Promise.all(chosen.map((broker) => broker.fillDisk(diskBytes * freeRatio)));
      return struck(names(chosen), spared, () => freed(chosen));
  }
}

function struck(targets: readonly string[], keeps: boolean, end: () => Promise<void>): Struck {
  return { targets, singleLink: false, keeps, end };
}

function suspended(servers: readonly Server[]): () => Promise<void> {
  for (const server of servers) server.stop();
  return async () => {
    for (const server of servers) server.cont();
  };
}

/** All of it at one time; when it comes back its servers start as an operator would start them: all together. */
async function lostIdc({ world }: Stage, site: SiteName, master: Server): Promise<Struck> {
  const lines = world.around(site);
  const servers = world.servers.filter((server) => server.site === site);
  await lines.cut();
  const back = await killed(...servers);
  return struck([site], site !== master.site, async () => {
    await lines.heal();
    await back();
  });
}

async function cutWays({ world }: Stage, ways: readonly Way[]): Promise<() => Promise<void>> {
  const lines = linesOf(world.network, ways);
  await lines.cut();
  return () => lines.heal();
}

/**
 * A stock broker that could not write loses the thread that dispatches its messages (InternalError in ReputMessageService, 5.3.3) and
 * goes on without it: it is of use again only after a restart.
 */
async function freed(brokers: readonly Server[]): Promise<void> {
  for (const broker of brokers) {
    await broker.freeDisk();
    await broker.restart();
  }
}

function names(servers: readonly Server[]): string[] {
  return servers.map(({ name }) => name);
}

function texts(ways: readonly Way[]): string[] {
  return ways.map(({ from, to }) => `${from}>${to}`);
}
