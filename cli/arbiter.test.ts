import { afterEach, expect, test } from "vitest";
import type { OperatorError } from "#lib/errors.ts";
import { createPaint } from "#lib/terminal.ts";
import type { LedgerReport, StatusReport } from "../arbiter/io/api.ts";
import type { SetReport } from "../arbiter/io/api-sets.ts";
import { ask, createStanding, type Standing } from "../arbiter/io/testing/standing.ts";
import { createStandingHttp } from "../arbiter/io/testing/standing-http.ts";
import type { Call, Flags } from "./call.ts";
import { createClient } from "./client.ts";
import { parseTime } from "./duration.ts";
import { brokerFindings, findingsOf, sitesFindings } from "./nouns/doctor.ts";
import { idcNoun } from "./nouns/idc.ts";
import { setNoun } from "./nouns/set.ts";
import { setMoveVerbs } from "./nouns/set-moves.ts";
import { setRecoveryVerbs } from "./nouns/set-recovery.ts";
import { siteVerbs } from "./nouns/sites.ts";

/** The verbs against a real door over a real core; test/integration/arbiter/cli.test.ts calls idcctl itself. */

const noFlags: Flags = {
  reason: "",
  dryRun: false,
  acceptDeletes: false,
  sourceWins: false,
  force: false,
  show: undefined,
  sites: undefined,
  for: undefined,
  master: undefined,
  to: undefined,
  policy: undefined,
  limit: undefined,
  idc: undefined,
  toPreferred: false,
  undo: false,
  maxInFlight: undefined,
  all: false,
  brokers: undefined,
  replicas: undefined,
};
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(standing: Standing): Promise<string> {
  const http = createStandingHttp(standing);
  closing.push(() => http.close());
  return await http.listen({ host: "127.0.0.1", port: 0 });
}

async function run(
  name: string,
  endpoints: readonly string[],
  args: readonly string[] = [],
  flags: Partial<Flags> = {},
) {
  const verb = [...setNoun, ...setRecoveryVerbs, ...setMoveVerbs, ...idcNoun, ...siteVerbs].find(
    (one) => one.name === name,
  );
  if (verb === undefined) throw new Error(`there is no ${name}`);
  let text = "";
  const call: Call = {
    output: "table",
    paint: createPaint(false),
    write: (output) => {
      text += output;
    },
    args,
    flags: { ...noFlags, ...flags },
    replicators: () => createClient(endpoints, "replicator"),
    arbiters: () => createClient(endpoints, "arbiter"),
    routers: () => createClient(endpoints, "router"),
  };
  return { code: await verb.run(call), text };
}

test("set list has a line for each set, aligned, and says why one is not well", async () => {
  const standing = createStanding();
  const endpoint = await listen(standing);
  expect(await run("set list", [endpoint])).toEqual({
    code: 0,
    text: [
      "SET     PHASE  MASTER             EPOCH  IN SYNC      PROTECTION  VOTES",
      "C1/bs1  held   1 10.1.0.21:10911      7  2 of 3: 1 2  broker      -",
      "",
    ].join("\n"),
  });
  standing.writeSet({
    unconfirmed: [2],
    frozen: { code: "ledger-behind", reason: "A broker of C1/bs1 has epoch 9, the ledger 7", at: 0, until: null },
  });
  const { code, text } = await run("set list", [endpoint]);
  expect(code).toBe(6);
  expect(text).toContain("2 of 3: 1 2?");
  expect(text).toContain('has epoch 9, the ledger 7. To go on: idcctl set recover C1/bs1 --reason "…"');
});

test("set show counts the votes of an open question", async () => {
  const standing = createStanding();
  ask(standing);
  standing.pass(50);
  const { text } = await run("set show", [await listen(standing)], ["bs1"]);
  expect(text).toContain("Is broker 1 down? Asked by idc2 at 2026-11-25T12:00:00.000Z: 0 down, 0 alive of 3");
  expect(text).toMatch(/\nidc1 +unknown +/);
});

test("status shows the sites as an arbiter with a quorum sees them, and names the one without", async () => {
  const lost = createStanding();
  lost.loseQuorum();
  lost.pass(3_000);
  const { code, text } = await run("status", [await listen(lost), await listen(createStanding())]);
  expect(code).toBe(6);
  expect(text).toMatch(/\nidc2 +yes +\d+ ms ago +/);
  expect(text).toContain("idc1 has no quorum in etcd: its last completed write was");
  expect(await run("status", [await listen(lost)])).toMatchObject({ code: 4 });
});

test("a change goes to the next arbiter when one has no quorum", async () => {
  const lost = createStanding();
  lost.loseQuorum();
  lost.pass(3_000);
  const well = createStanding();
  const endpoints = [await listen(lost), await listen(well)];
  expect(await run("pause", endpoints, [], { reason: "work", for: "30m" })).toMatchObject({
    code: 0,
    text: expect.stringContaining("failover is paused for 30 min 0 s"),
  });
  await expect(run("pause", endpoints.slice(0, 1), [], { reason: "work" })).rejects.toMatchObject({
    code: "ARB_NO_QUORUM",
  });
});

test("a time is a number with its unit", () => {
  expect(["90s", "30m", "2h", "1d"].map(parseTime)).toEqual([90_000, 1_800_000, 7_200_000, 86_400_000]);
  for (const wrong of ["", "5", "1w", "-3m", "0s", "1.5h"]) expect(() => parseTime(wrong)).toThrow("is no time");
});

const member = { endpoint: "e1:2379", ok: true, version: "3.5.21", dbBytes: "20480", isLeader: true, detail: "" };

async function patient(changes: { ledger?: LedgerReport | OperatorError; ahead?: number; lost?: boolean } = {}) {
  const standing = createStanding();
  if (changes.lost === true) {
    standing.loseQuorum();
    standing.pass(3_000);
  }
  const endpoint = await listen(standing);
  const status = await createClient([endpoint], "arbiter").get<StatusReport>("/v1/status");
  const ledger = changes.ledger ?? { clusterId: "1", members: [member], alarms: [] };
  return { arbiter: endpoint, status, ledger, clockAheadMs: changes.ahead ?? 0, clockUncertainMs: 20 };
}

test.for([
  {
    what: "an alarm of etcd",
    ledger: { clusterId: "1", members: [member], alarms: ["NOSPACE"] },
    says: "NOSPACE",
    level: "bad",
  },
  {
    what: "etcd 3.5.1",
    ledger: { clusterId: "1", members: [{ ...member, version: "3.5.1" }], alarms: [] },
    says: "old data",
    level: "warn",
  },
  {
    what: "a large database",
    ledger: { clusterId: "1", members: [{ ...member, dbBytes: "1900000000" }], alarms: [] },
    says: "quota",
    level: "warn",
  },
  {
    what: "a member that is away",
    ledger: { clusterId: "1", members: [{ ...member, ok: false, detail: "refused" }], alarms: [] },
    says: "does not answer: refused",
    level: "warn",
  },
  { what: "a clock that is wrong", ahead: -5_000, says: "5.0 s behind", level: "warn" },
  { what: "a lost quorum", lost: true, says: "no quorum", level: "bad" },
])("doctor names $what", async ({ ledger, ahead, lost, says, level }) => {
  const of = { ...(ledger && { ledger }), ...(ahead && { ahead }), ...(lost && { lost }) };
  const findings = findingsOf(await patient(of));
  expect(findings).toContainEqual(expect.objectContaining({ level, what: expect.stringContaining(says) }));
});

test("doctor finds nothing wrong where nothing is", async () => {
  const well = await patient();
  expect([...findingsOf(well), ...sitesFindings([well])].filter(({ level }) => level !== "ok")).toEqual([]);
});

test("doctor names sites that are missing, and who does not hear a broker", async () => {
  const standing = createStanding();
  standing.pass(2_000);
  const client = createClient([await listen(standing)], "arbiter");
  const status = await client.get<StatusReport>("/v1/status");
  const found = sitesFindings([{ arbiter: "a", status, ledger: undefined, clockAheadMs: 0, clockUncertainMs: 0 }]);
  expect(found).toContainEqual({ level: "bad", about: "witness", what: "is missing: its last beat came 2.0 s ago" });
  standing.beat("idc2", "witness");
  const [broker] = brokerFindings(await client.get("/v1/sets/C1/bs1"));
  expect(broker).toEqual({
    level: "warn",
    about: "C1/bs1 broker 1",
    what: "10.1.0.21:10911 is not heard by idc1, witness",
  });
});

test("doctor names brokers that spin, and what ends it", async () => {
  const standing = createStanding();
  standing.pass(2_000);
  const client = createClient([await listen(standing)], "arbiter");
  const report = await client.get<SetReport>("/v1/sets/C1/bs1");
  const settings = { allAckInSyncStateSet: true, minInSyncReplicas: 1, flushDiskType: "", brokerPermission: 6 };
  const of = (spins: boolean) =>
    brokerFindings({ ...report, brokers: report.brokers.map((one) => ({ ...one, settings: { ...settings, spins } })) });
  const found = expect.objectContaining({ level: "warn", what: expect.stringContaining("set readUnCommitted=true") });
  expect(of(true)).toContainEqual(found);
  expect(of(false)).not.toContainEqual(found);
});

test("masters that are to move are told by a dry run, moved by planned switches, and counted where they stay", async () => {
  const standing = createStanding();
  for (const [id, address] of [
    [1, "10.1.0.21:10911"],
    [2, "10.2.0.21:10911"],
  ] as const) {
    const beat = { cluster: "C1", set: "bs1", id, address, epoch: 7, maxOffset: 900n, priority: 0 };
    standing.feed({ kind: "heartbeat", connection: id, beat });
  }
  const endpoint = await listen(standing);
  const dry = { reason: "an upgrade", dryRun: true };
  expect(await run("set drain-broker", [endpoint], ["bs1/1"], dry)).toEqual({
    code: 0,
    text: "C1/bs1: broker 1 would be drained\nC1/bs1: broker 1 -> 2: broker 1 is master\n",
  });
  expect(await run("idc drain", [endpoint], ["idc1"], dry)).toEqual({
    code: 0,
    text: "idc1 would be drained\nC1/bs1: broker 1 -> 2: its master is in idc1\n",
  });
  expect(await run("set rebalance", [endpoint], [], { ...dry, toPreferred: true })).toEqual({
    code: 0,
    text: "No master has to move.\n",
  });
  await run("pause", [endpoint], [], { reason: "a drill" });
  const drained = await run("set drain-broker", [endpoint], ["C1/bs1/1"], { reason: "an upgrade" });
  expect(drained.code).toBe(6);
  expect(drained.text).toContain("broker 1 of C1/bs1 is drained\n");
  expect(drained.text).toContain("C1/bs1: broker 1 -> 2 was not done: ARB_SWITCH_PAUSED");
  expect((await run("idc status", [endpoint])).text).toMatch(
    /\nidc1 +active +100% +2 +1 .*\n(.*\n)*Broker 1 of C1\/bs1 is drained since .*: an upgrade\n/,
  );
  expect(await run("set drain-broker", [endpoint], ["C1/bs1/1"], { reason: "done", undo: true })).toEqual({
    code: 0,
    text: "broker 1 of C1/bs1 is no longer drained\n",
  });
  expect(await run("idc weight", [endpoint], ["idc1", "40"], { reason: "new racks" })).toEqual({
    code: 0,
    text: "idc1 is active with weight 40 (epoch 1795608000)\n",
  });
  expect((await run("idc status", [endpoint])).text).toMatch(/\nidc1 +active +40% .* new racks\n/);
  expect((await run("idc weight", [endpoint], ["idc1", "0"], dry)).text).toBe("idc1 would have weight 0\n");
  for (const args of [["idc1"], ["idc1", "101"], ["idc1", "half"], ["idc1", "1", "2"]])
    await expect(run("idc weight", [endpoint], args, dry)).rejects.toThrow(/idc weight idc1 50|0 to 100/);
  await expect(run("set rebalance", [endpoint])).rejects.toThrow("--to-preferred");
  await expect(run("set drain-broker", [endpoint], ["C1/bs1"])).rejects.toThrow("names no broker");
  await expect(run("idc drain", [endpoint], ["idc1"], { ...dry, maxInFlight: "0" })).rejects.toThrow("1 to 64");
});

test("brokers that are heard and not on record are listed with the way to take them in, and taken in by a person only", async () => {
  const standing = createStanding();
  const endpoint = await listen(standing);
  const say = (): void => {
    for (const id of [1, 2]) {
      const beat = { cluster: "C1", set: "bs9", id, address: `10.1.0.${id}:1`, epoch: 4, maxOffset: 9n, priority: 1 };
      standing.feed({ kind: "heartbeat", connection: id, beat });
    }
  };
  for (let second = 0; second < 5; second += 1) {
    say();
    standing.pass(1_000);
  }
  say();
  const { code, text } = await run("set list", [endpoint]);
  expect(code).toBe(6);
  expect(text).toContain(
    'C1/bs9: heard, and not on record: broker 1 at 10.1.0.1:1 (epoch 4), 2 at 10.1.0.2:1 (epoch 4). To take them in: idcctl set adopt C1/bs9 --brokers 1,2 --reason "…"',
  );
  const reason = "etcd was wiped";
  expect(await run("set adopt", [endpoint], [], { all: true, replicas: "3", reason })).toEqual({
    code: 6,
    text: "C1/bs9 was not: CTL_REPLICAS: 2 brokers are heard, not 3\n",
  });
  const dry = { dryRun: true, all: true, replicas: "2", reason };
  expect((await run("set adopt", [endpoint], [], dry)).text).toBe("C1/bs9: brokers 1, 2 would go on record\n");
  await expect(run("set adopt", [endpoint], ["C1/bs9"], { brokers: "1,2,3", reason })).rejects.toThrow(
    "Broker 3 of C1/bs9 is not heard at idc1",
  );
  await expect(run("set adopt", [endpoint], ["C1/bs9"], { brokers: "1,x", reason })).rejects.toThrow("x is neither");
  await expect(run("set adopt", [endpoint], ["C1/bs9"], { reason })).rejects.toThrow("needs --brokers");
  expect(await run("set recover", [endpoint], [], { all: true, reason })).toEqual({
    code: 0,
    text: "No set is frozen as ledger-behind.\n",
  });
});
