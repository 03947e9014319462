import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createLink } from "./core/link.ts";
import type { LinkNote } from "./core/link-events.ts";
import { compileRules } from "./core/rules/rules.ts";
import type { LinkWorld } from "./io/link-world.ts";
import { createLinkRunner, type LinkRunner } from "./link-runner.ts";

/** Waits for real time: 1 s before a link starts over, and ticks of 200 ms. */
const boundMs = 10_000;

const compiled = compileRules({
  clusters: {},
  rules: [{ match: "/a/{x}", action: "copy", to: "/a/{x}" }],
  unmapped: "error",
  onBadData: "copy",
});
if (!compiled.ok) throw new Error("the rules are right");
const { rules } = compiled;

/** A world in which both sides are empty. */
const emptyWorld: LinkWorld = {
  lead: async () => ({ kind: "leading", kept: false }),
  leaveToOthers: async () => {},
  claim: async () => ({
    kind: "claimed",
    fence: { epoch: 1n, name: "e-1-00000001" },
    checkpoint: undefined,
    pause: undefined,
  }),
  arm: async () => "recursive",
  read: async (_side, requests) => ({
    results: requests.map(() => ({ kind: "error", code: -101 })),
    zxid: 0n as Zxid,
  }),
  readAcls: async () => {
    throw new Error("no ACL is to be read");
  },
  writeAcls: async () => {
    throw new Error("no ACL is to be set");
  },
  write: async ({ ops }) => {
    if (ops.length > 0) throw new Error("nothing but the checkpoint is to be written");
    return { kind: "applied", results: [], zxid: 0n as Zxid };
  },
};

function connect({ push }: LinkRunner): void {
  for (const side of ["source", "target"] as const) push({ kind: "connected", side, resumed: true });
}

function start(world: LinkWorld, notes: LinkNote[]) {
  const link = createLink({
    rules,
    deletes: { mode: "mirror", maxDeletes: 10, maxDeleteRatio: 0.5, windowMs: 1_000 },
    acl: [],
    compareEveryMs: 60_000,
    pollEveryMs: 60_000,
    yieldAfterMs: 10_000,
  });
  const runner = createLinkRunner({ link, world, clock: systemClock, onNote: (note) => void notes.push(note) });
  return {
    runner,
    async follows() {
      const stop = new AbortController();
      const running = runner.run(stop.signal);
      connect(runner);
      await runner.until(({ idle }) => idle, AbortSignal.timeout(boundMs));
      stop.abort();
      await running;
    },
  };
}

test.for(["lead", "claim", "arm", "read"] as const)(
  "a %s that fails while both sessions stand makes the link start over, not stand still",
  async (failing) => {
    let failures = 1;
    const world: LinkWorld = {
      ...emptyWorld,
      [failing]: async (...args: never[]) => {
        if (failures-- > 0) throw new Error("throttled");
        return await (emptyWorld[failing] as (...args: never[]) => Promise<unknown>)(...args);
      },
    };
    const notes: LinkNote[] = [];
    await start(world, notes).follows();
    expect(notes).toContainEqual(expect.objectContaining({ kind: "phase", to: "connecting", detail: "throttled" }));
    expect(notes.at(-1)).toMatchObject({ kind: "compared" });
  },
);

test("a claim that is still under way is given up when another one begins", async () => {
  let claims = 0;
  let firstGivenUp = false;
  const world: LinkWorld = {
    ...emptyWorld,
    claim: async (held, signal) => {
      claims += 1;
      if (claims > 1) return await emptyWorld.claim(held, signal);
      reconnect();
      return await new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          firstGivenUp = true;
          reject(signal.reason);
        });
      });
    },
  };
  const { runner, follows } = start(world, []);
  const reconnect = (): void => {
    runner.push({ kind: "disconnected", side: "source" });
    runner.push({ kind: "connected", side: "source", resumed: true });
  };
  await follows();
  expect({ claims, firstGivenUp }).toEqual({ claims: 2, firstGivenUp: true });
});

test("a link with much to do lets others have their turn", async () => {
  // Changes of paths under a rule, queued at once: many turns' worth.
  const changes = 50_000;
  const { runner } = start(emptyWorld, []);
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  connect(runner);
  await runner.until(({ idle }) => idle, AbortSignal.timeout(boundMs));
  let turns = 0;
  const others = setInterval(() => {
    turns += 1;
  }, 1);
  try {
    for (let index = 0; index < changes; index++)
      runner.watched({ kind: "created", path: `/a/${index}`, zxid: 0n as Zxid });
    const seen = ({ counts }: { counts: { events: number } }): boolean => counts.events === changes;
    await runner.until(seen, AbortSignal.timeout(boundMs));
    expect(turns).toBeGreaterThan(5);
  } finally {
    clearInterval(others);
    stop.abort();
    await running;
  }
});

test("what comes in one turn of the event loop is read together", async () => {
  const asked: number[] = [];
  const { runner } = start(
    {
      ...emptyWorld,
      read(side, requests, signal) {
        asked.push(requests.length);
        return emptyWorld.read(side, requests, signal);
      },
    },
    [],
  );
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  connect(runner);
  await runner.until(({ idle }) => idle, AbortSignal.timeout(boundMs));
  asked.length = 0;
  for (const name of ["one", "two", "three"]) runner.watched({ kind: "created", path: `/a/${name}`, zxid: 0n as Zxid });
  await runner.until(({ idle, counts }) => idle && counts.events === 3, AbortSignal.timeout(boundMs));
  stop.abort();
  await running;
  // The root that must not be empty is asked about beside them.
  expect(asked).toEqual([4]);
});

test("a world that never answers does not keep the loop from turning", async () => {
  const silent = () => new Promise<never>(() => {});
  const { runner } = start({ ...emptyWorld, claim: silent, arm: silent, read: silent, write: silent }, []);
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  connect(runner);
  const before = runner.lastStepAt;
  const signal = AbortSignal.timeout(boundMs);
  while (runner.lastStepAt < before + 500) await systemClock.sleep(50, { signal });
  stop.abort();
  await running;
});
