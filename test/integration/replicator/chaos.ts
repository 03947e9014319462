import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../simulation/random.ts";
import type { Daemon } from "./daemon.ts";
import type { World } from "./room.ts";

/** Breaks things one after the other in two lanes, each kind at least once, until stopped; each break heals itself. */
export interface Chaos {
  /** Heals what is broken and ends. */
  stop(): Promise<void>;
  /** The replicator that runs now. */
  readonly daemon: Daemon;
  /** What was done, with the time since the start. */
  readonly diary: readonly string[];
}

export interface ChaosOptions {
  readonly world: World;
  readonly daemon: Daemon;
  readonly startDaemon: () => Promise<Daemon>;
  readonly random: Random;
  /** Breaks are shorter or longer than this. */
  readonly sessionTimeoutMs: number;
}

export function startChaos(options: ChaosOptions): Chaos {
  const { world, random, sessionTimeoutMs } = options;
  const startedAt = performance.now();
  const diary: string[] = [];
  const stopping = new AbortController();
  let daemon = options.daemon;

  /** About half of them outlast the session. */
  const span = () => random.int(50, Math.round(sessionTimeoutMs * (random.chance(0.5) ? 0.6 : 1.6)));
  const run = async (name: string, act: (ms: number) => Promise<void>): Promise<void> => {
    const ms = span();
    const at = Math.round(performance.now() - startedAt);
    await act(ms);
    diary.push(`${at} ms: ${name} for ${Math.round(performance.now() - startedAt) - at} ms`);
  };
  const lines = { source: world.sourceLine, target: world.targetLine } as const;

  const machines: readonly [string, (ms: number) => Promise<void>][] = [
    [
      "replicator killed",
      async () => {
        await daemon.process.kill("SIGKILL");
        daemon = await options.startDaemon();
      },
    ],
    ["replicator frozen", (ms) => frozen(daemon.process, ms)],
    ["source frozen", (ms) => frozenServer(world.source, ms)],
    ["target frozen", (ms) => frozenServer(world.target, ms)],
    [
      "target killed",
      async (ms) => {
        await world.target.kill();
        await delay(ms / 2);
        await world.target.restart();
      },
    ],
  ];
  const breaks: readonly [string, (side: "source" | "target", ms: number) => Promise<void>][] = [
    [
      "cut",
      async (side, ms) => {
        await lines[side].cut();
        await delay(ms);
        await lines[side].heal();
      },
    ],
    ["dropped", async (side) => lines[side].dropConnections()],
    [
      "frozen",
      async (side, ms) => {
        lines[side].freeze(random.pick(["toTarget", "toClient", "both"]));
        await delay(ms);
        lines[side].thaw();
      },
    ],
    [
      "frozen and dropped",
      async (side, ms) => {
        lines[side].freeze(random.pick(["toTarget", "toClient"]));
        await delay(ms / 2);
        lines[side].dropConnections();
        lines[side].thaw();
      },
    ],
    [
      "slow",
      async (side, ms) => {
        lines[side].setDelay(random.int(5, 40));
        await delay(ms);
        lines[side].setDelay(0);
      },
    ],
  ];

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
    lane(1_500, machines, ([name, act]) => run(name, act)),
    lane(1_000, breaks, ([name, act]) => {
      const side = random.pick<"source" | "target">(["source", "target"]);
      return run(`${side} line ${name}`, (ms) => act(side, ms));
    }),
  ]);
  // A failure is told at stop(); until then it must not end the process.
  running.catch(() => stopping.abort());

  return {
    diary,
    get daemon() {
      return daemon;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function frozen(process: { signal(name: NodeJS.Signals): void }, ms: number): Promise<void> {
  process.signal("SIGSTOP");
  await delay(ms);
  process.signal("SIGCONT");
}

async function frozenServer(server: { stop(): void; cont(): void }, ms: number): Promise<void> {
  server.stop();
  await delay(ms);
  server.cont();
}
