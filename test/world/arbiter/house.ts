import { expect } from "vitest";
import type { SetReport } from "../../../arbiter/io/api-sets.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { addressesOf, raiseStage, type Stage } from "../failover/stage.ts";
import { lossless } from "../rocketmq/lossless.ts";
import type { Server } from "../server.ts";
import type { World } from "../world.ts";
import { readSet } from "./operators.ts";

/** A stage, and whom operators ask on it. */
export interface Room {
  readonly world: World;
  readonly stage: Stage;
  /** The arbiter of the first voting site. */
  readonly leader: Server;
}

/** A stage that others than its brokers come to: people with tools, a second cluster, strangers. */
export interface House extends Room {
  /** As mqadmin takes them. */
  readonly nameServers: string;
  /** The second cluster's set, which has the same name. Started at the first call: who then asks for it without its cluster is in doubt. */
  second(): Promise<readonly Server[]>;
}

/** The sets, as arbiters and idcctl name them. */
export const sets = { first: "C1/bs1", second: "C2/bs1" } as const;
export const settleMsMax = 120_000;

/** The first broker is among the clients, whose hosts count as idc1's: so it can be hidden from the arbiter of its own IDC alone. */
export async function openHouse(world: World): Promise<House> {
  const secondNameServers = await world.nameServers(["idc1"]);
  const stage = await raiseStage(world, {
    contender: "arbiter",
    settings: lossless,
    places: ["clients", "idc2", "idc2"],
    arbiters: {
      clientsIn: "idc1",
      admins: ["idc1"],
      others: [{ cluster: "C2", nameServers: secondNameServers }],
      policy: { rpo: "zero", survive: "idc", preferIdcs: ["idc1"] },
    },
  });
  const [leader] = stage.deciders;
  if (leader === undefined) throw new Error("arbiters decide on this stage");

  let second: Promise<readonly Server[]> | undefined;
  const startSecond = (): Promise<readonly Server[]> =>
    world.brokers(["idc1", "idc2", "idc2"], {
      set: stage.set,
      cluster: "C2",
      nameServers: addressesOf(secondNameServers),
      controllers: addressesOf(stage.deciders),
      settings: lossless,
    });
  return {
    world,
    stage,
    leader,
    nameServers: addressesOf(stage.nameServers).join(";"),
    second() {
      second ??= startSecond();
      // Whoever needs it hears of it.
      second.catch(() => {});
      return second;
    },
  };
}

/** Waits until all arbiters show a set so. @returns what the leader shows then */
export async function everywhere(
  { world, stage }: Room,
  set: string,
  isSo: (report: SetReport) => void,
  withinMs: number = settleMsMax,
): Promise<SetReport> {
  return await eventually(
    async () => {
      const [first, ...others] = await Promise.all(stage.deciders.map((arbiter) => readSet(world, arbiter, set)));
      if (first === undefined) throw new Error("there are arbiters");
      for (const report of [first, ...others]) isSo(report);
      return first;
    },
    { withinMs, everyMs: 200 },
  );
}

/** So many replicas are in sync, and nothing is open. */
export function isComplete(replicas: number): (set: SetReport) => void {
  return ({ phase, inSync, unconfirmed }) =>
    expect({ phase, inSync: inSync.length, unconfirmed }).toEqual({ phase: "held", inSync: replicas, unconfirmed: [] });
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
