import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../simulation/random.ts";
import type { ZooKeeperServer } from "../harness/zookeeper.ts";
import type { Daemon } from "./daemon.ts";
import type { EnsembleWorld, Lines } from "./ensemble-world.ts";

/** Breaks things one after the other in two lanes, each kind at least once, until stopped; each break heals itself. */
export interface Chaos {
  /** Heals what is broken and ends. */
  stop(): Promise<void>;
  /** What was done, with the time since the start. */
  readonly diary: readonly string[];
}

/** One of the replicators of the link. */
export interface Member {
  readonly name: string;
  /** The one that runs now. */
  daemon: Daemon;
  readonly start: () => Promise<Daemon>;
  readonly lines: Readonly<Record<Side, Lines>>;
}

type Side = "source" | "target";

export interface ChaosOptions {
  readonly world: EnsembleWorld;
  readonly members: readonly [Member, ...Member[]];
  readonly random: Random;
  /** Breaks are shorter or longer than this. */
  readonly sessionTimeoutMs: number;
}

const sides = ["source", "target"] as const;

/** Names of the kinds of breaks: a run meets each of them. */
export const machineBreaks = [
  "leading replicator killed",
  "leading replicator frozen",
  "leading replicator stopped",
  "waiting replicator killed",
  ...sides.flatMap((side) => [
    `${side} leader killed`,
    `${side} leader frozen`,
    `${side} follower frozen`,
    `${side} without a quorum`,
  ]),
] as const;
export const lineBreaks = ["cut", "dropped", "frozen", "frozen and dropped", "one silent", "slow"] as const;

export function startChaos(options: ChaosOptions): Chaos {
  const { world, members, random, sessionTimeoutMs } = options;
  const startedAt = performance.now();
  const diary: string[] = [];
  const stopping = new AbortController();

  /** About half of them outlast the session. */
  const span = () => random.int(50, Math.round(sessionTimeoutMs * (random.chance(0.5) ? 0.6 : 1.6)));
  const run = async (name: string, act: (ms: number) => Promise<void>): Promise<void> => {
    const ms = span();
    const at = Math.round(performance.now() - startedAt);
    await act(ms);
    diary.push(`${at} ms: ${name} for ${Math.round(performance.now() - startedAt) - at} ms`);
  };

  const breakMachine = async (name: (typeof machineBreaks)[number], ms: number): Promise<void> => {
    const [who, what] = [name.slice(0, name.lastIndexOf(" ")), name.slice(name.lastIndexOf(" ") + 1)];
    if (who.endsWith("replicator")) {
      const member = await memberOf(members, who.startsWith("leading"));
      if (what === "frozen") await frozen(member.daemon.process, ms);
      else await restarted(member, what === "killed" ? "SIGKILL" : "SIGTERM");
      return;
    }
    const trio = world[who.startsWith("source") ? "source" : "target"];
    if (what === "quorum") {
      const two = trio.servers.toSpliced(random.int(0, 2), 1);
      await Promise.all(two.map((server) => server.kill()));
      await delay(ms / 2);
      await Promise.all(two.map((server) => server.restart()));
      return;
    }
    const server = who.endsWith("leader") ? await trio.leader() : await trio.follower();
    if (what === "frozen") await frozenServer(server, ms);
    else await killedServer(server, ms / 2);
  };

  const breakLines = async (name: (typeof lineBreaks)[number], lines: Lines, ms: number): Promise<void> => {
    switch (name) {
      case "cut":
        await lines.each((line) => line.cut());
        await delay(ms);
        await lines.each((line) => line.heal());
        break;
      case "dropped":
        await lines.each((line) => line.dropConnections());
        break;
      case "frozen":
      case "frozen and dropped": {
        const direction = random.pick(["toTarget", "toClient", "both"] as const);
        await lines.each((line) => line.freeze(direction));
        await delay(name === "frozen" ? ms : ms / 2);
        if (name === "frozen and dropped") await lines.each((line) => line.dropConnections());
        await lines.each((line) => line.thaw());
        break;
      }
      case "one silent": {
        const line = lines.inUse();
        line.freeze();
        await delay(ms);
        line.thaw();
        break;
      }
      case "slow": {
        const delayMs = random.int(5, 40);
        await lines.each((line) => line.setDelay(delayMs));
        await delay(ms);
        await lines.each((line) => line.setDelay(0));
        break;
      }
    }
  };

  /** Deals the kinds like cards, so that none is left out: goes on after the stop until each has been dealt once. */
  const lane = async <T>(pauseMsMax: number, kinds: readonly T[], act: (kind: T) => Promise<void>): Promise<void> => {
    let deck: T[] = [];
    for (let dealt = 0; !stopping.signal.aborted || dealt < kinds.length; dealt += 1) {
      await delay(random.int(50, pauseMsMax), undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted && dealt >= kinds.length) return;
      if (deck.length === 0) deck = [...kinds];
      for (const kind of deck.splice(random.int(0, deck.length - 1), 1)) await act(kind);
    }
  };
  const running = Promise.all([
    lane(1_500, machineBreaks, (name) => run(name, (ms) => breakMachine(name, ms))),
    lane(1_000, lineBreaks, (name) => {
      const member = random.pick(members);
      const side = random.pick(sides);
      return run(`lines of ${member.name} to the ${side}: ${name}`, (ms) => breakLines(name, member.lines[side], ms));
    }),
  ]);
  // A failure is told at stop(); until then it must not end the process.
  running.catch(() => stopping.abort());

  return {
    diary,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The one that leads, or one that waits. Where nobody says so just now, the first. */
export async function memberOf(members: readonly [Member, ...Member[]], leads: boolean): Promise<Member> {
  for (const member of members) {
    const { phase } = await member.daemon.link();
    const isLeading = phase === "following" || phase === "comparing";
    if (isLeading === leads) return member;
  }
  return members[0];
}

async function restarted(member: Member, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  await member.daemon.process.kill(signal);
  member.daemon = await member.start();
}

async function frozen(process: { signal(name: NodeJS.Signals): void }, ms: number): Promise<void> {
  process.signal("SIGSTOP");
  await delay(ms);
  process.signal("SIGCONT");
}

async function frozenServer(server: ZooKeeperServer, ms: number): Promise<void> {
  server.stop();
  await delay(ms);
  server.cont();
}

async function killedServer(server: ZooKeeperServer, ms: number): Promise<void> {
  await server.kill();
  await delay(ms);
  await server.restart();
}
