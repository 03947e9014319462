import { setTimeout as delay } from "node:timers/promises";
import type { SiteName } from "../network/sites.ts";
import type { Server } from "../server.ts";
import { type Contender, driverOf, leaderOf, type Stage, untilComplete, untilFewer } from "./stage.ts";
import { both, cut, etcdLeaderOf, killed, restarted } from "./strikes.ts";

/**
 * What is broken, what ends it, and what must hold meanwhile; for tests and benches, arbiters and stock controllers alike. Lines
 * between sites can be cut, not those within one: its processes share an address. A master that is to be hidden from the arbiter
 * of its own IDC is put among the clients, who then belong to that IDC (`clientsIn`).
 */
export const faultNames = [
  "kill",
  "freeze",
  "restart",
  "alone",
  "expanding",
  "leader",
  "etcd-leader",
  "etcd-frozen",
  "both",
  "rolling",
  "in-turn",
  "all-deciders",
  "all-etcd",
  "link",
  "deaf-idc1",
  "deaf-idc2",
  "deaf-witness",
  "link-idc1",
  "link-idc2",
  "link-witness",
  "site",
  "minority",
  "no-quorum",
] as const;

export type FaultName = (typeof faultNames)[number];

export interface Fault {
  /** For people. */
  readonly what: string;
  /** What must become of the master while it lasts: another one, the same or another under a higher epoch, or nothing at all. */
  readonly must: "switch" | "new-epoch" | "keep";
  /** Only one link is cut: whoever replaces a master then has believed a single site. */
  readonly singleLink?: true;
  /** The one site that does not hear the master; each arbiter must show that it doubts, and that no other does. */
  readonly doubter?: SiteName;
  /** The master has only its own IDC left: it must acknowledge nothing that is sent while that lasts. */
  readonly mute?: true;
  /** It makes sense only while the master is in the stage's home; the others are played wherever the one before has left it. */
  readonly fromHome?: true;
  /** The longest it is let last. One that must keep the master lasts so long, another ends soon after it has been answered. */
  readonly lastsMs: number;
  /** Those that it makes sense for; all without it. */
  readonly only?: Contender;
  /** Makes it; resolves when it is in force. @returns what ends it */
  strike(stage: Stage, master: Server): Promise<() => Promise<void>>;
}

/** The slowest answer seen, of the stock controller to silence, takes 17 s. */
const answerMsMax = 35_000;
const keepMs = 15_000;
const rollingPauseMs = 3_000;
/** Long enough for the arbiters to see that they have no quorum. */
const quorumGoneMs = 3_000;
const restoredMs = 5_000;
/** Those who decide, not the brokers; each lasts longer than it takes to notice a silence and to decide. */
const inTurn = ["leader", "etcd-leader", "etcd-frozen", "rolling"] as const satisfies readonly FaultName[];
const inTurnMs = 5_000;
const noticedEveryMs = 10;

export const faults: Record<FaultName, Fault> = {
  kill: {
    what: "the master is killed",
    must: "switch",
    lastsMs: answerMsMax,
    strike: (_, master) => killed(master),
  },
  freeze: {
    what: "the master is frozen until after its silence was noticed, then it goes on",
    must: "switch",
    lastsMs: answerMsMax,
    async strike(_, master) {
      master.stop();
      return async () => master.cont();
    },
  },
  restart: {
    what: "the master is killed and started again at once",
    must: "new-epoch",
    lastsMs: answerMsMax,
    async strike(_, master) {
      await master.launch();
      return async () => {};
    },
  },
  alone: {
    what: "the other replicas are killed; the master, alone in sync then, is killed and started again at once",
    must: "new-epoch",
    lastsMs: answerMsMax,
    async strike(stage, master) {
      const back = await killed(...stage.brokers.filter((broker) => broker !== master));
      await untilFewer(stage, 2);
      await master.launch();
      return back;
    },
  },
  expanding: {
    what: "a replica is killed and started again, and the master is killed as soon as that one is in sync on record",
    must: "switch",
    lastsMs: 2 * answerMsMax,
    async strike(stage, master) {
      const [replica] = stage.brokers.filter((broker) => broker !== master);
      if (replica === undefined) throw new Error("the master has no replica");
      await replica.kill();
      await untilFewer(stage, stage.brokers.length);
      await replica.launch();
      await untilComplete(stage, noticedEveryMs);
      return await killed(master);
    },
  },
  leader: {
    what: "who leads the arbiters or controllers is killed",
    must: "keep",
    lastsMs: keepMs,
    strike: async (stage) => await killed(await leaderOf(stage)),
  },
  "etcd-leader": {
    what: "etcd's leader is killed",
    must: "keep",
    only: "arbiter",
    lastsMs: keepMs,
    strike: async (stage) => await killed(await etcdLeaderOf(stage)),
  },
  "etcd-frozen": {
    what: "the etcd member in the master's IDC is frozen: whoever decides has a quorum without it",
    must: "keep",
    only: "arbiter",
    lastsMs: keepMs,
    async strike({ etcds }, master) {
      const member = etcds.find(({ site }) => site === master.site);
      if (member === undefined) throw new Error(`no etcd member is in ${master.site}`);
      member.stop();
      return async () => member.cont();
    },
  },
  both: {
    what: "the master and the arbiter or controller that would replace it are killed together",
    must: "switch",
    lastsMs: answerMsMax,
    strike: async (stage, master) => await killed(master, await driverOf(stage)),
  },
  rolling: {
    what: "all arbiters or controllers are restarted, one after the other",
    must: "keep",
    lastsMs: keepMs,
    async strike({ deciders }) {
      for (const decider of deciders) {
        await decider.restart();
        await delay(rollingPauseMs);
      }
      return async () => {};
    },
  },
  "in-turn": {
    what: `${inTurn.join(", ")}, one after the other, each for a shorter time`,
    must: "keep",
    only: "arbiter",
    lastsMs: keepMs,
    async strike(stage, master) {
      for (const name of inTurn) {
        const end = await faults[name].strike(stage, master);
        await delay(inTurnMs);
        await end();
      }
      return async () => {};
    },
  },
  "all-deciders": {
    what: "all arbiters or controllers are killed at one time, and started again",
    must: "keep",
    lastsMs: keepMs,
    strike: async ({ deciders }) => await restarted(deciders, 0),
  },
  "all-etcd": {
    what: "all etcd members are killed at one time, and started again when that was noticed",
    must: "keep",
    only: "arbiter",
    lastsMs: keepMs,
    strike: async ({ etcds }) => await restarted(etcds, quorumGoneMs),
  },
  link: {
    what: "the link between the master's site and that of the arbiter or controller that would replace it is cut; if that is one site, to the witness",
    must: "keep",
    singleLink: true,
    fromHome: true,
    lastsMs: keepMs,
    async strike(stage, master) {
      const { site } = await driverOf(stage);
      return await cut(stage, both(master.site, site === master.site ? "witness" : site));
    },
  },
  "deaf-idc1": deaf("idc1"),
  "deaf-idc2": deaf("idc2"),
  "deaf-witness": deaf("witness"),
  "link-idc1": linkTo("idc1"),
  "link-idc2": linkTo("idc2"),
  "link-witness": linkTo("witness"),
  site: {
    what: "the master's IDC is cut off, with its clients in it",
    must: "switch",
    fromHome: true,
    mute: true,
    lastsMs: answerMsMax,
    async strike({ world }, master) {
      const lines = world.around(master.site);
      await lines.cut();
      return () => lines.heal();
    },
  },
  minority: {
    what: "the master's site is cut off from the other two, so that its etcd is a minority; clients reach all",
    must: "switch",
    fromHome: true,
    mute: true,
    lastsMs: answerMsMax,
    strike: (stage, master) =>
      cut(stage, [...both(master.site, otherIdc(master.site)), ...both(master.site, "witness")]),
  },
  "no-quorum": {
    what: "two of three etcd members are killed, then the master: nobody may decide until they are back",
    must: "keep",
    only: "arbiter",
    lastsMs: keepMs,
    async strike({ etcds }, master) {
      const others = etcds.filter(({ site }) => site !== master.site);
      const back = await killed(...others);
      await delay(quorumGoneMs);
      const masterBack = await killed(master);
      return async () => {
        await back();
        await delay(restoredMs);
        await masterBack();
      };
    },
  },
};

function deaf(doubter: SiteName): Fault {
  return {
    what: `${doubter} hears nothing from the master's site any more; it is heard there`,
    must: "keep",
    singleLink: true,
    fromHome: true,
    doubter,
    lastsMs: keepMs,
    strike: (stage, master) => cut(stage, [{ from: master.site, to: doubter }]),
  };
}

function linkTo(doubter: SiteName): Fault {
  return {
    what: `the link between the master's site and ${doubter} is cut`,
    must: "keep",
    singleLink: true,
    fromHome: true,
    doubter,
    lastsMs: keepMs,
    strike: (stage, master) => cut(stage, both(master.site, doubter)),
  };
}

function otherIdc(site: SiteName): SiteName {
  return site === "idc1" ? "idc2" : "idc1";
}
