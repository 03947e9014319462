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

const failover = "R1/sessions/2";
const firstMaster = "R1/sessions/1";

test("both decisions are listed, the newest first, with what was done", async () => {
  const { code, stdout } = await arbiters.idcctl(["decision", "list", "sessions"]);
  expect(code).toBe(0);
  const [head = "", ...rows] = stdout.trimEnd().split("\n");
  expect(head).toMatch(/^DECISION +WHEN +KIND +MASTER +BY +EFFECTS +WHY$/);
  const made = "\\d{4}-\\S+Z";
  const by = `(${sites.join("|")})`;
  expect(rows).toEqual([
    expect.stringMatching(`^${failover} +${made} +failover +1 -> 2 +${by} +all done +.*broker 1 is (dead|down)`),
    expect.stringMatching(
      `^${firstMaster} +${made} +first-master +none -> 1 +${by} +all done +there was no master yet`,
    ),
  ]);
  expect((await arbiters.idcctl(["decision", "list", "--limit", "1"])).stdout).toMatch(
    new RegExp(`\n${failover} .*\n$`),
  );
  const listed = await arbiters.idcctl(["decision", "list", "R1/sessions", "-o", "json"], ["witness"]);
  expect(listed.code).toBe(0);
  expect(JSON.parse(listed.stdout)).toMatchObject({
    decisions: [
      { id: failover, kind: "failover", from: 1, to: 2, epoch: 2, open: [] },
      { id: firstMaster, kind: "first-master", from: null, to: 1, epoch: 1, open: [] },
    ],
  });
  expect(await arbiters.idcctl(["decision", "list", "R1/others"])).toMatchObject({
    code: 0,
    stdout: "No decisions.\n",
  });
});

test("a decision is shown with each effect, and as it stands in the ledger; a set alone means its last one", async () => {
  const shown = await arbiters.idcctl(["decision", "show", failover]);
  expect(shown.code).toBe(0);
  const [head = "", row = "", ...effects] = shown.stdout.trimEnd().split("\n");
  expect(head).toMatch(/^DECISION +WHEN /);
  expect(row).toMatch(/^R1\/sessions\/2 .* failover +1 -> 2 /);
  const by = `\\((${sites.join("|")})\\): `;
  expect(effects.map((line) => line.replace(/^ {2}\S+Z {2}/, "")).toSorted()).toEqual([
    expect.stringMatching(`^demoted ${by}broker 1 is fenced: fence said yes`),
    expect.stringMatching(`^promoted ${by}broker 2 answered`),
    expect.stringMatching(`^proven ${by}its probe says that it acts as master`),
    expect.stringMatching(`^routed ${by}`),
    expect.stringMatching(`^told ${by}no other replica is heard`),
  ]);
  const { code, stdout } = await arbiters.idcctl(["decision", "show", "sessions", "-o", "json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    id: failover,
    open: [],
    record: {
      input: { master: 1, candidates: [{ id: 1 }, { id: 2 }] },
      verdict: { kind: "elect", winner: 2, epoch: 2 },
    },
  });
});

test("a decision that is replayed comes to the same verdict, and under another policy to what that would have meant", async () => {
  for (const [decision, verdict] of [
    [failover, "broker 2 under epoch 2. "],
    [firstMaster, "broker 1 under epoch 1. "],
  ] as const) {
    expect(await arbiters.idcctl(["decision", "replay", decision])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^The same: ${verdict}.*\n$`),
    });
  }
  const same = await arbiters.idcctl(["decision", "replay", failover, "-o", "json"]);
  const { recorded, replayed, ...of } = JSON.parse(same.stdout) as Record<string, unknown>;
  expect({ code: same.code, ...of }).toEqual({ code: 0, id: failover, same: true });
  expect(replayed).toEqual(recorded);
  const frozen = ["decision", "replay", failover, "--policy", "frozen=true"];
  expect(await arbiters.idcctl(frozen)).toMatchObject({
    code: 6,
    stdout: expect.stringMatching(
      /^Recorded: broker 2 under epoch 2\. .*\nReplayed: nobody, frozen\. the policy says frozen: true/,
    ),
  });
  const other = await arbiters.idcctl([...frozen, "-o", "json"]);
  expect(other.code).toBe(6);
  expect(JSON.parse(other.stdout)).toMatchObject({
    same: false,
    recorded: { kind: "elect", winner: 2 },
    replayed: { kind: "refuse", reason: "frozen" },
  });
});

test("a decision that nobody has made is neither shown nor replayed, and idcctl says where to look", async () => {
  for (const verb of ["show", "replay"]) {
    expect(await arbiters.idcctl(["decision", verb, "R1/sessions/99"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr:
        "idcctl: There is no decision R1/sessions/99 in the ledger\nidcctl decision list R1/sessions shows them\n",
    });
    expect(await arbiters.idcctl(["decision", verb, "R1/others"])).toMatchObject({
      code: 1,
      stderr: "idcctl: R1/others has no decision yet\nidcctl decision list shows all\n",
    });
    expect(await arbiters.idcctl(["decision", verb, "others"])).toMatchObject({
      code: 1,
      stderr: "idcctl: There is no set others\nWrite cluster/set. There are: R1/sessions\n",
    });
    expect(await arbiters.idcctl(["decision", verb])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`decision ${verb} needs a decision: cluster/set/epoch`),
    });
  }
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
