import { type Contender, raiseStage, type Stage } from "../world/failover/stage.ts";
import { lossless } from "../world/rocketmq/lossless.ts";
import type { ServerOptions } from "../world/server.ts";
import type { World } from "../world/world.ts";
import type { RouteSource } from "./clients/watchers.ts";
import { allowHiding, userOfBroker, usersOfArbiters } from "./hidden.ts";
import type { FaultName } from "./plan/names.ts";

/** Nothing old is thrown away when a disk is nearly full: all is read back in the end. */
const keepsAll = { cleanFileForciblyEnable: false } as const;
/** Of brokers: those that are recommended for sets that may lose nothing, see docs/operations.md; or RocketMQ's own. */
const settingsOf = {
  lossless: { ...lossless, ...keepsAll },
  default: keepsAll,
} as const;
/** What a set's policy lets a failover lose. */
const policyOf = {
  "best-effort": { rpo: "best-effort" },
  bounded: { rpo: "bounded", maxLostBytes: 1_000_000 },
  zero: { rpo: "zero" },
} as const;

export const settingNames = ["lossless", "default"] as const satisfies readonly (keyof typeof settingsOf)[];
export const rpoNames = ["best-effort", "bounded", "zero"] as const satisfies readonly (keyof typeof policyOf)[];

/** What is put under test: who decides, how brokers are set, and what may be lost. */
export interface Subject {
  readonly contender: Contender;
  readonly settings: (typeof settingNames)[number];
  /** Of arbiters; stock controllers have none. */
  readonly rpo: (typeof rpoNames)[number];
}
/** Each broker's, in memory. A run of half an hour needs a fifth of it. */
export const diskBytes = 2 ** 30;

/** A fault that cannot be made here, and what is in the way. */
interface Missing {
  readonly fault: FaultName;
  readonly why: string;
}

export interface Raised {
  readonly stage: Stage;
  /** Who shows a route: the name servers, and with arbiters a router in each IDC. */
  readonly sources: readonly RouteSource[];
  /** Of the faults asked for. */
  readonly able: readonly FaultName[];
  readonly missing: readonly Missing[];
}

/** Everything that the faults need: clocks, disks and users of their own only where a fault asks for them. */
export async function raiseChaos(
  world: World,
  options: Subject & { readonly faults: readonly FaultName[] },
): Promise<Raised> {
  const { contender, settings, rpo, faults } = options;
  const missing = [...missingFor(contender, faults), ...(await missingRights(world, contender, faults))];
  const able = faults.filter((fault) => !missing.some((one) => one.fault === fault));
  const hides = able.includes("broker-cut-from-arbiters");
  const stage = await raiseStage(world, {
    contender,
    settings: settingsOf[settings],
    arbiters: { policy: policyOf[rpo] },
    arbiterServers: {
      ...(able.includes("clock-skew") ? { ownClock: true } : {}),
      ...(hides ? usersOfArbiters : {}),
    },
    brokerServers: (place): ServerOptions => ({
      ...(able.includes("full-disk") ? { diskBytes } : {}),
      ...(hides ? userOfBroker(place) : {}),
    }),
  });
  const { cluster, nameServers, etcds } = stage;
  const routers = contender === "arbiter" ? await world.routers(["idc1", "idc2"], { cluster, nameServers, etcds }) : [];
  return { stage, sources: [...nameServers, ...routers], able, missing };
}

function missingFor(contender: Contender, faults: readonly FaultName[]): Missing[] {
  if (contender === "arbiter") return [];
  const reasons: Partial<Record<FaultName, string>> = {
    "broker-cut-from-arbiters": "RocketMQ's own controllers decide: there are no arbiters",
    "etcd-minority": "RocketMQ's own controllers keep their record themselves: there is no etcd",
    // A stock broker that was started with libfaketime had not come up after 150 s, twice of two.
    "clock-skew": "RocketMQ's processes do not come up with a clock of their own (libfaketime)",
  };
  return faults.flatMap((fault) => {
    const why = reasons[fault];
    return why === undefined ? [] : [{ fault, why }];
  });
}

/** What this machine does not let us do is tried, so that it is told before the run and not in it. */
async function missingRights(world: World, contender: Contender, faults: readonly FaultName[]): Promise<Missing[]> {
  const missing: Missing[] = [];
  if (contender === "arbiter" && faults.includes("broker-cut-from-arbiters")) {
    const refused = await allowHiding(world);
    if (refused !== undefined) missing.push({ fault: "broker-cut-from-arbiters", why: refused });
  }
  if (faults.includes("full-disk")) {
    const { code, said } = await tryCommand(world, ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
    if (code !== 0) missing.push({ fault: "full-disk", why: `no disk in memory can be mounted: ${said}` });
  }
  return missing;
}

async function tryCommand(world: World, command: readonly string[]): Promise<{ code: number | null; said: string }> {
  const process = world.run("clients", command);
  const { code } = await process.exit;
  return { code, said: process.output().trim() };
}
