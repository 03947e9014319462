import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EtcdCluster, startEtcd } from "../harness/etcd.ts";
import { eventually } from "../harness/eventually.ts";
import { inProject } from "../harness/project.ts";
import { type Redis, startRedis } from "../harness/redis.ts";
import { type Arbiters, sites, startArbiters } from "./processes.ts";

/**
 * Three arbiters over a real etcd, and a pair of real Redis servers behind the example's scripts. The tests follow one another:
 * a life of the pair.
 */

const withinMs = 30_000;
/** Nobody is promoted for so long after a fence said no. */
const unfencedMs = 5_000;

let etcd: EtcdCluster;
let one: Redis;
let two: Redis;
let arbiters: Arbiters;
/** What the hooks of all three were told, a line each. */
let toldFile: string;

beforeAll(async () => {
  etcd = await startEtcd({ size: 1 });
  one = await startRedis();
  two = await startRedis();
  const script = inProject("config/examples/exec-redis/redis.sh");
  const names = ["probe", "offsets", "promote", "fence", "follow"];
  const members = [one, two].map(({ address }, index) => ({ id: index + 1, address }));
  toldFile = join(etcd.folder, "told");
  arbiters = await startArbiters(etcd.endpoints, {
    hooks: [{ name: "record", command: ["/bin/sh", "-c", 'printf "%s\\n" "$(cat)" >>"$1"', "sh", toldFile] }],
    clusters: [
      {
        name: "R1",
        kind: "exec",
        scripts: Object.fromEntries(names.map((name) => [name, [script, name]])),
        sets: [{ name: "sessions", members }],
      },
    ],
  });
  const policy = join(arbiters.folder, "policy.yaml");
  await writeFile(policy, 'policies:\n  - { match: "R1/*", rpo: best-effort, cooldownMs: 0 }\n');
  await idcctl("init", "--sites", sites.join(","));
  await eventually(() => idcctl("policy", "apply", policy, "--reason", "test"), { withinMs });
}, 120_000);

afterAll(async () => {
  await arbiters?.[Symbol.asyncDispose]();
  await Promise.all([one, two, etcd].map((each) => each?.[Symbol.asyncDispose]()));
});

async function idcctl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await arbiters.idcctl(args);
  // 6: something is not well, as the test wants it.
  expect([0, 6], `${stdout}${stderr}`).toContain(code);
  return stdout;
}

interface SetShown {
  readonly phase: string;
  readonly why: string;
  readonly epoch: number;
  readonly master: { readonly id: number } | null;
  readonly inSync: readonly number[];
  readonly unconfirmed: readonly number[];
}

async function show(): Promise<SetShown> {
  return JSON.parse(await idcctl("set", "show", "R1/sessions", "-o", "json")) as SetShown;
}

const held = (master: number, epoch: number, inSync: readonly number[]) =>
  eventually(
    async () =>
      expect(await show()).toMatchObject({ phase: "held", epoch, master: { id: master }, inSync, unconfirmed: [] }),
    { withinMs, everyMs: 200 },
  );

test("a pair of which none is master gets its first one, and the other follows", async () => {
  await held(1, 1, [1, 2]);
  expect([await one.role(), await two.role()]).toEqual(["master", "slave"]);
  await one.cli("SET", "colour", "blue");
  await eventually(async () => expect(await two.cli("GET", "colour")).toBe("blue"), { withinMs });
});

test("a master that is killed is fenced, then the replica is promoted, with what it had", async () => {
  await one.kill();
  await eventually(async () => expect(await two.role()).toBe("master"), { withinMs, everyMs: 50 });
  expect(await two.cli("GET", "colour")).toBe("blue");
  await held(2, 2, [2]);
  const lines = await idcctl("decision", "explain", "R1/sessions");
  expect(lines).toMatch(/demoted +after .*: broker 1 is fenced: fence said yes/);
  expect(lines.indexOf("demoted")).toBeLessThan(lines.indexOf("promoted"));
  await two.cli("SET", "colour", "green");
});

test("the old one comes back as a replica, although it was master when it died", async () => {
  await one.start();
  await held(2, 2, [1, 2]);
  expect(await one.role()).toBe("slave");
  await eventually(async () => expect(await one.cli("GET", "colour")).toBe("green"), { withinMs });
});

test("a master that hangs cannot be fenced: nobody is promoted, the set is blocked, and an operator sees why", async () => {
  two.stop();
  try {
    await eventually(
      async () =>
        expect(await show()).toMatchObject({
          phase: "blocked",
          epoch: 3,
          why: expect.stringMatching(/^broker 2 is not fenced: fence said that nothing came back/),
        }),
      { withinMs, everyMs: 200 },
    );
    expect(await idcctl("set", "list")).toMatch(/R1\/sessions is blocked: broker 2 is not fenced/);
    for (const { endpoint } of Object.values(arbiters.of)) {
      const metrics = await (await fetch(new URL("/metrics", endpoint))).text();
      expect(metrics).toMatch(/idc_arbiter_set_blocked\{.*reason="not-fenced".*\} 1/);
    }
    const startedAt = performance.now();
    while (performance.now() - startedAt < unfencedMs) expect(await one.role()).toBe("slave");
    expect(await arbiters.idcctl(["set", "recover", "R1/sessions", "--reason", "test"])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("may still act as master"),
    });
  } finally {
    two.cont();
  }
});

test("as soon as it can be fenced it is, and the replica takes over", async () => {
  await eventually(async () => expect(await one.role()).toBe("master"), { withinMs, everyMs: 50 });
  await held(1, 3, [1, 2]);
  expect(await two.role()).toBe("slave");
  expect(await one.cli("GET", "colour")).toBe("green");
  expect(await idcctl("decision", "explain", "R1/sessions")).toMatch(/demoted +after .*: broker 2 is fenced/);
});

test("the hooks were told of all of it, with ids by which what was told twice is one", async () => {
  const set = "R1/sessions";
  const wanted = [
    ...[1, 2, 3].flatMap((epoch) => [`commit/${set}/${epoch}`, `done/${set}/${epoch}`]),
    `blocked/${set}/${set}/3/not-fenced`,
  ];
  const told = await eventually(
    async () => {
      const lines = (await readFile(toldFile, "utf8")).trim().split("\n");
      const found = lines.map((line) => JSON.parse(line) as { id: string; event: string; epoch: number });
      expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(wanted));
      return found;
    },
    { withinMs },
  );
  expect(new Set(told.map(({ event }) => event))).toEqual(new Set(["suspect", "commit", "done", "blocked"]));
  expect(new Set(told.map(({ id, event, epoch }) => `${id} ${event} ${epoch}`)).size).toBe(
    new Set(told.map(({ id }) => id)).size,
  );
});

test("a planned switch is refused by name", async () => {
  const switching = ["set", "switch", "R1/sessions", "--to", "2", "--reason", "test"];
  expect(await arbiters.idcctl(switching)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("of kind exec"),
  });
});
