import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { SiteName } from "../network/sites.ts";
import type { Server } from "../server.ts";
import { type Contender, leaderOf, type Stage } from "./stage.ts";

/**
 * What is broken, what ends it, and what must hold meanwhile; for tests and benches, arbiters and stock controllers alike. Lines
 * between sites can be cut, not those within one: its processes share an address. So no fault hides a master from the arbiter
 * of its own site alone.
 */
export const faultNames = [
  "kill",
  "freeze",
  "restart",
  "leader",
  "etcd-leader",
  "both",
  "rolling",
  "link",
  "link-witness",
  "link-idc2",
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
  /** Only one link is cut: whoever replaces a master then has believed a single witness. */
  readonly singleLink?: true;
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
  both: {
    what: "the master and who leads the arbiters or controllers are killed together",
    must: "switch",
    lastsMs: answerMsMax,
    strike: async (stage, master) => await killed(master, await leaderOf(stage)),
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
  link: {
    what: "the link between the master's site and who leads the arbiters or controllers is cut; if that is one site, to the witness",
    must: "keep",
    singleLink: true,
    lastsMs: keepMs,
    async strike(stage, master) {
      const { site } = await leaderOf(stage);
      return await cut(stage, both(master.site, site === master.site ? "witness" : site));
    },
  },
  "link-witness": {
    what: "the witness hears nothing from the master's site any more; it is heard there",
    must: "keep",
    singleLink: true,
    lastsMs: keepMs,
    strike: (stage, master) => cut(stage, [{ from: master.site, to: "witness" }]),
  },
  "link-idc2": {
    what: "the link between the two IDCs is cut",
    must: "keep",
    singleLink: true,
    lastsMs: keepMs,
    strike: (stage) => cut(stage, both("idc1", "idc2")),
  },
  site: {
    what: "the master's IDC is cut off, with its clients in it",
    must: "switch",
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

async function killed(...servers: readonly Server[]): Promise<() => Promise<void>> {
  await Promise.all(servers.map((server) => server.kill()));
  return async () => void (await Promise.all(servers.map((server) => server.restart())));
}

interface OneWay {
  readonly from: SiteName;
  readonly to: SiteName;
}

function both(one: SiteName, other: SiteName): OneWay[] {
  return [
    { from: one, to: other },
    { from: other, to: one },
  ];
}

async function cut({ world }: Stage, ways: readonly OneWay[]): Promise<() => Promise<void>> {
  const lines = ways.map(({ from, to }) => world.from(from).to(to));
  await Promise.all(lines.map((line) => line.cut()));
  return async () => void (await Promise.all(lines.map((line) => line.heal())));
}

function otherIdc(site: SiteName): SiteName {
  return site === "idc1" ? "idc2" : "idc1";
}

async function etcdLeaderOf({ world, etcds }: Stage): Promise<Server> {
  for (const member of etcds) {
    const socket = await world.network.dial(member.site, member.address);
    socket.write("GET /metrics HTTP/1.0\r\n\r\n");
    if (/^etcd_server_is_leader 1$/m.test(await text(socket))) return member;
  }
  throw new Error("no etcd member leads");
}
