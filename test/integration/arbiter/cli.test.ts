import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EtcdCluster, startEtcd } from "../harness/etcd.ts";
import { eventually } from "../harness/eventually.ts";
import { runProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";
import { type Arbiters, sites, startArbiters } from "./processes.ts";

/** Three arbiters over a real etcd, and idcctl as people call it. The tests follow one another: a life from init to the end. */

const withinMs = 30_000;
const etcdctlMsMax = 30_000;

let etcd: EtcdCluster;
let arbiters: Arbiters;

beforeAll(async () => {
  etcd = await startEtcd({ size: 1 });
  arbiters = await startArbiters(etcd.endpoints);
}, 120_000);

afterAll(async () => {
  await arbiters?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

const record = {
  schema: 1,
  cluster: "C1",
  set: "bs1",
  epoch: 0,
  inSyncEpoch: 0,
  master: null,
  inSync: [],
  unconfirmed: [],
  replicas: { 1: { address: "127.0.0.1:1", checkCode: "127.0.0.1:1;1" } },
  decision: null,
  frozen: null,
  failoversAt: [],
};

async function etcdctl(command: "put" | "del", key: string, ...rest: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess(
    inProject(".cache/etcd/usr/bin/etcdctl"),
    ["--endpoints", etcd.endpoints.join(","), command, `/crossidc/prod/${key}`, ...rest],
    { timeoutMs: etcdctlMsMax, env: { ETCDCTL_API: "3" } },
  );
  expect(code, stderr).toBe(0);
}

const put = (key: string, value: object): Promise<void> => etcdctl("put", key, JSON.stringify(value));

test("--check prints the config with its defaults, and what its times imply", async () => {
  const { configFile } = arbiters.of.idc1;
  const { code, stdout, stderr } = await runProcess(
    inProject("bin/crossidc-arbiter"),
    ["--config", configFile, "--check"],
    {
      timeoutMs: withinMs,
    },
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^(warning: .*\n)*$/) });
  expect(stdout).toContain("suspectAfterMs: 2500");
  expect(stdout).toContain("# What follows from it, in the worst case:");
});

test("before init no arbiter is ready, and idcctl says what to do", async () => {
  const ready = await eventually(
    async () => {
      const found = await arbiters.idcctl(["ready"]);
      expect(found.stdout).not.toContain("no quorum");
      return found;
    },
    { withinMs },
  );
  expect(ready).toMatchObject({ code: 6, stdout: expect.stringContaining("idcctl init") });
});

test("init names the voting sites once; the first of them leads", async () => {
  expect(await arbiters.idcctl(["init", "--sites", "idc1,idc2"])).toMatchObject({ code: 1 });
  const first = await arbiters.idcctl(["init", "--sites", sites.join(",")]);
  expect(first).toMatchObject({ code: 0, stdout: "voting sites: idc1, idc2, witness\n" });
  expect(await arbiters.idcctl(["init", "--sites", "a,b,c"])).toMatchObject({ code: 3 });
  await eventually(async () => expect(await arbiters.idcctl(["ready"])).toMatchObject({ code: 0, stdout: "ready\n" }), {
    withinMs,
  });
  const status = await arbiters.idcctl(["status"]);
  expect(status.stdout).toMatch(/^SITE +VOTES +BEAT +LEADS .*\nidc1 +yes +\d+ ms ago +yes /);
  expect(status.code, status.stdout).toBe(0);
  expect((await fetch(new URL("/leader", arbiters.of.idc1.endpoint))).status).toBe(200);
  expect((await fetch(new URL("/leader", arbiters.of.idc2.endpoint))).status).toBe(503);
});

test("doctor finds nothing wrong but the one etcd member's own faults", async () => {
  await eventually(
    async () => {
      const { stdout } = await arbiters.idcctl(["doctor", "-o", "json"]);
      const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string }[] };
      expect(findings.filter(({ level }) => level === "bad")).toEqual([]);
      expect(findings.some(({ what }) => what.startsWith("quorum in etcd"))).toBe(true);
    },
    { withinMs },
  );
});

test("a set is listed, shown, frozen for a time and thawed", async () => {
  await put("sets/C1/bs1", record);
  await eventually(
    async () => {
      const { stdout } = await arbiters.idcctl(["set", "list"]);
      expect(stdout).toMatch(
        /^SET +PHASE +MASTER +EPOCH +IN SYNC +PROTECTION +VOTES\nC1\/bs1 +new +- +0 +0 of 1: - +none +-\n/,
      );
    },
    { withinMs },
  );
  expect((await arbiters.idcctl(["set", "show", "bs1"])).stdout).toContain("127.0.0.1:1");
  expect(await arbiters.idcctl(["set", "freeze", "bs1"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("needs --reason"),
  });
  const dry = await arbiters.idcctl(["set", "freeze", "bs1", "--for", "1h", "--reason", "work", "--dry-run"]);
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("would be frozen for 1 h 0 min") });
  expect(await arbiters.idcctl(["set", "freeze", "bs1", "--for", "1h", "--reason", "work"])).toMatchObject({ code: 0 });
  const frozen = await arbiters.idcctl(["set", "list"], ["idc2"]);
  expect(frozen).toMatchObject({ code: 6, stdout: expect.stringMatching(/frozen \(operator\) since .*: work\./) });
  expect(await arbiters.idcctl(["set", "unfreeze", "C1/bs1", "--reason", "done"])).toMatchObject({ code: 0 });
  expect(await arbiters.idcctl(["set", "show", "bs9"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("There is no set bs9"),
  });
});

test("policies are tried, applied with a reason and shown", async () => {
  const file = join(arbiters.folder, "policy.yaml");
  await writeFile(file, "policies:\n  - { match: C1/*, rpo: zero, survive: idc }\n");
  const dry = await arbiters.idcctl(["policy", "apply", file, "--dry-run"]);
  expect(dry).toMatchObject({ code: 6, stdout: expect.stringContaining("C1/bs1: rpo: best-effort -> zero") });
  expect(dry.stdout).toContain("promised idc, protected none");
  expect(await arbiters.idcctl(["policy", "apply", file])).toMatchObject({ code: 2 });
  expect((await arbiters.idcctl(["policy", "apply", file, "--reason", "promise"])).stdout).toMatch(/^Applied/);
  await eventually(
    async () => expect((await arbiters.idcctl(["policy", "show"], ["witness"])).stdout).toMatch(/C1\/bs1 +zero +idc /),
    { withinMs },
  );
});

test("a pause holds for all sites until it is resumed", async () => {
  expect(await arbiters.idcctl(["pause", "--reason", "network work"])).toMatchObject({ code: 0 });
  await eventually(
    async () => expect((await arbiters.idcctl(["status"], ["witness"])).stdout).toContain("Failover is paused since"),
    { withinMs },
  );
  expect(await arbiters.idcctl(["resume", "--reason", "done"])).toMatchObject({ code: 0 });
});

test("the audit log has every change that was made, by whom and why, in its order", async () => {
  const { stdout } = await arbiters.idcctl(["audit", "list", "--limit", "100", "-o", "json"]);
  const { entries } = JSON.parse(stdout) as {
    entries: { site: string; n: number; what: string; who: string; set: string | null; reason: string }[];
  };
  const made = [...entries].reverse();
  expect(made.map(({ what, set, reason }) => [what, set, reason])).toEqual([
    ["init", null, ""],
    ["freeze", "C1/bs1", "work"],
    ["unfreeze", "C1/bs1", "done"],
    ["policies", null, "promise"],
    ["pause", null, "network work"],
    ["resume", null, "done"],
  ]);
  expect(made.map(({ site, n }) => `${site}/${n}`)).toEqual([1, 2, 3, 4, 5, 6].map((n) => `idc1/${n}`));
  for (const { who } of made) expect(who).toMatch(/^[^@ ]+@\S+ from (::ffff:)?127\.0\.0\.1$/);
  expect((await arbiters.idcctl(["audit", "list", "idc2"])).stdout).toBe("Nothing was changed yet.\n");
  const table = await arbiters.idcctl(["audit", "list", "--limit", "1"]);
  expect(table.stdout).toMatch(/^ENTRY +WHEN +WHAT +WHO .*\nidc1\/6 +\S+ +resume +/);
});

test("audit verify finds an entry that was deleted, and one that was edited, and the next change goes on", async () => {
  expect(await arbiters.idcctl(["audit", "verify"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^idc1: whole, entries 1 to 6, the last with digest [0-9a-f]{64}\nidc2: whole/),
  });
  await etcdctl("del", "audit/idc1/3");
  const missing = await arbiters.idcctl(["audit", "verify", "idc1"], ["idc2"]);
  expect(missing).toMatchObject({ code: 1, stdout: expect.stringContaining("  entry idc1/3: missing: ") });
  const { stdout } = await arbiters.idcctl(["audit", "list", "idc1", "-o", "json"]);
  const { entries } = JSON.parse(stdout) as { entries: ({ n: number } & Record<string, unknown>)[] };
  const { revision, at, ...fifth } = entries.find(({ n }) => n === 5) ?? { revision: "", at: "" };
  expect(revision).toMatch(/^\d+$/);
  await put("audit/idc1/5", { schema: 1, ...fifth, at: Date.parse(String(at)), who: "nobody" });
  const changed = await arbiters.idcctl(["audit", "verify", "-o", "json"]);
  expect(changed.code).toBe(1);
  expect(JSON.parse(changed.stdout)).toMatchObject({
    whole: false,
    chains: [
      {
        site: "idc1",
        faults: [
          { kind: "missing", n: 3 },
          { kind: "changed", n: 5 },
        ],
      },
      { site: "idc2", faults: [] },
      { site: "witness", faults: [] },
    ],
  });
  expect(await arbiters.idcctl(["pause", "--reason", "more"])).toMatchObject({ code: 0 });
  expect(await arbiters.idcctl(["resume", "--reason", "enough"], ["idc2"])).toMatchObject({ code: 0 });
  expect((await arbiters.idcctl(["audit", "list", "idc1"])).stdout).toMatch(/\nidc1\/7 +\S+ +pause /);
  expect((await arbiters.idcctl(["audit", "verify", "idc2"])).code).toBe(0);
});

test("what the scrape reads off the state is served", async () => {
  const text = await (await fetch(new URL("/metrics", arbiters.of.idc1.endpoint))).text();
  expect(text).toMatch(/^idc_arbiter_quorum\{environment="prod"\} 1$/m);
  expect(text).toMatch(/^idc_arbiter_voting_sites_present\{environment="prod"\} 3$/m);
  expect(text).toMatch(/^idc_arbiter_set_epoch\{set="C1\/bs1",environment="prod"\} 0$/m);
  expect(text).toMatch(/^idc_arbiter_audit_faults\{site="idc1",environment="prod"\} \d$/m);
  expect(text).toMatch(/^idc_arbiter_ledger_members_up\{environment="prod"\} 1$/m);
});

test("without etcd the arbiters stay up, say so, and idcctl ends with 4", async () => {
  await etcd.members[0]?.kill();
  await eventually(
    async () =>
      expect(await arbiters.idcctl(["status"])).toMatchObject({
        code: 4,
        stdout: expect.stringContaining("has no quorum in etcd"),
      }),
    { withinMs },
  );
  expect(await arbiters.idcctl(["pause", "--reason", "x"])).toMatchObject({ code: 4 });
  expect((await fetch(new URL("/readyz", arbiters.of.idc1.endpoint))).status).toBe(503);
  expect((await fetch(new URL("/livez", arbiters.of.idc1.endpoint))).status).toBe(200);
  expect(sites.every((site) => arbiters.of[site].process.running)).toBe(true);
});

test("a SIGTERM ends an arbiter without an error", async () => {
  const { process } = arbiters.of.witness;
  expect(await process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(process.output()).toContain("arbiter stopped");
});
