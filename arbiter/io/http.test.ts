import { expect, test } from "vitest";
import type { z } from "zod";
import { decide } from "../core/decide.ts";
import { answer, input, planned } from "../core/decision.fixture.ts";
import type { DecisionRecord } from "../core/decision.ts";
import { answerKey, idcKey, pauseKey, questionKey, refusalKey, switchKey } from "../core/keys.ts";
import { setName } from "../core/model.ts";
import { encodeAnswer, encodePause, encodeSwitch } from "../core/records.ts";
import { reports } from "./api.ts";
import { bodies } from "./api-bodies.ts";
import { openapi, routes } from "./openapi.ts";
import { ask, createStanding, type Standing, wallStart } from "./testing/standing.ts";
import { createStandingHttp } from "./testing/standing-http.ts";

function door(standing: Standing) {
  const http = createStandingHttp(standing);
  const read = async <Name extends keyof typeof reports>(
    name: Name,
    url: string,
  ): Promise<z.output<(typeof reports)[Name]>> => {
    const answer = await http.inject({ method: "GET", url });
    expect(answer.statusCode, answer.body).toBe(200);
    return reports[name].parse(answer.json()) as z.output<(typeof reports)[Name]>;
  };
  const change = async (url: string, payload: object, method: "POST" | "PUT" = "POST") => {
    const answer = await http.inject({ method, url, payload });
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
  };
  return { http, read, change };
}

const refusal = (status: number, code: string, message: string) => ({
  status,
  body: { error: expect.objectContaining({ code, message: expect.stringContaining(message) }) },
});

test("status shows the quorum, every site with the age of its beat, and the first site that is there as leader", async () => {
  const standing = createStanding();
  standing.pass(400);
  const status = await door(standing).read("status", "/v1/status");
  expect(status).toMatchObject({ site: "idc1", leader: "idc1", voting: ["idc1", "idc2", "witness"], pause: null });
  expect(status.quorum.fresh).toBe(true);
  expect(status.sites.map(({ site, present, beatAgeMs }) => [site, present, beatAgeMs])).toEqual([
    ["idc1", true, expect.any(Number)],
    ["idc2", true, 450],
    ["witness", true, 450],
  ]);
  expect(status.sets).toMatchObject([{ name: "C1/bs1", phase: "held", epoch: 7, master: { id: 1 }, inSync: [1, 2] }]);
});

test("a site without a quorum says so, leads nothing, is not ready and refuses changes as unavailable", async () => {
  const standing = createStanding();
  const { http, read, change } = door(standing);
  expect((await http.inject("/leader")).statusCode).toBe(200);
  expect((await http.inject("/readyz")).statusCode).toBe(200);
  standing.loseQuorum();
  standing.pass(2_500);
  standing.beat("idc2");
  const status = await read("status", "/v1/status");
  expect(status.quorum.fresh).toBe(false);
  expect(status.leader).toBe("idc2");
  expect(await http.inject("/leader")).toMatchObject({ statusCode: 503, body: "idc2\n" });
  const ready = await http.inject("/readyz?verbose");
  expect(ready.statusCode).toBe(503);
  expect(ready.body).toContain("[-] quorum: last completed write");
  expect(ready.body).toContain("[+] loop");
  expect(await change("/v1/pause", { reason: "work" })).toEqual(refusal(503, "ARB_NO_QUORUM", "idc1 has no quorum"));
});

test("before init a site is live and not ready; init names the voting sites once", async () => {
  const standing = createStanding(false);
  const { http, read, change } = door(standing);
  expect((await http.inject("/livez")).statusCode).toBe(200);
  expect((await http.inject("/readyz")).body).toContain("[-] voting sites: none are named: idcctl init");
  expect(await change("/v1/init", { sites: ["idc1", "idc2"] })).toEqual(refusal(400, "ARB_SITES", "3 or 5"));
  expect(await change("/v1/init", { sites: ["idc1", "idc2", "witness"] })).toMatchObject({ status: 200 });
  expect(await read("status", "/v1/status")).toMatchObject({
    voting: ["idc1", "idc2", "witness"],
    ledger: { incarnation: "i-2" },
  });
  const again = await change("/v1/init", { sites: ["a", "b", "c"] });
  expect(again).toEqual(refusal(409, "ARB_INITIALIZED", "idc1, idc2, witness"));
});

test("a set's report has every broker with this site's verdict, and who else does not hear it", async () => {
  const standing = createStanding();
  standing.feed({
    kind: "heartbeat",
    connection: 1,
    beat: {
      cluster: "C1",
      set: "bs1",
      id: 1,
      address: "10.1.0.21:10911",
      epoch: 7,
      maxOffset: 9_007_199_254_740_993n,
      priority: 0,
    },
  });
  const report = await door(standing).read("set", "/v1/sets/C1/bs1");
  expect(report.brokers.map(({ id, role, idc, verdict, unheardBy }) => [id, role, idc, verdict, unheardBy])).toEqual([
    [1, "master", "idc1", "alive", ["witness"]],
    [2, "in-sync", "idc2", "unknown", ["idc1"]],
    [3, "out", "idc1", "unknown", ["idc1"]],
  ]);
  expect(report.brokers[0]?.reported).toEqual({ epoch: 7, maxOffset: "9007199254740993" });
});

test("while a master is asked about, the votes are counted and each site's answer is shown", async () => {
  const standing = createStanding();
  const earlier = answer("idc2", "dead", { question: "an earlier one" });
  standing.write(answerKey(setName("C1", "bs1"), "idc2"), encodeAnswer(earlier, setName("C1", "bs1")));
  ask(standing);
  standing.pass(50);
  const report = await door(standing).read("set", "/v1/sets/C1/bs1");
  expect(report.phase).toBe("suspected");
  expect(report.question?.answers).toHaveLength(1);
  expect(report.votes).toEqual({ down: 0, alive: 0, unknown: 3, needed: 2, of: 3 });
  expect(report.question).toMatchObject({
    askedBy: "idc2",
    master: 1,
    answers: [{ site: "idc1", verdict: "unknown" }],
  });
});

test("a change needs a reason", async () => {
  const { change } = door(createStanding());
  for (const [url, of] of [
    ["/v1/pause", {}],
    ["/v1/resume", {}],
    ["/v1/sets/C1/bs1/freeze", { forMs: 5_000 }],
    ["/v1/sets/C1/bs1/unfreeze", { reason: " " }],
    ["/v1/sets/C1/bs1/recover", { master: 2 }],
  ] as const) {
    expect(await change(url, of)).toEqual(refusal(400, "ARB_BAD_BODY", "reason"));
  }
});

test("a pause shows in the status, ends by itself, and can be ended", async () => {
  const standing = createStanding();
  const { read, change } = door(standing);
  expect(await change("/v1/pause", { reason: "network work", forMs: 60_000 })).toMatchObject({ status: 200 });
  const { pause } = await read("status", "/v1/status");
  expect(pause).toMatchObject({ reason: "network work" });
  expect(Date.parse(pause?.until ?? "") - Date.parse(pause?.at ?? "")).toBe(60_000);
  standing.pass(60_050);
  expect((await read("status", "/v1/status")).pause).toBeNull();
  await change("/v1/pause", { reason: "more" });
  await change("/v1/resume", { reason: "done" });
  expect((await read("status", "/v1/status")).pause).toBeNull();
});

test("a set is frozen and thawed by name; a set that is not there is not found", async () => {
  const standing = createStanding();
  const { read, change } = door(standing);
  expect(await change("/v1/sets/C1/bs1/freeze", { reason: "moving it" })).toMatchObject({ status: 200 });
  expect(await read("sets", "/v1/sets")).toMatchObject({
    sets: [{ phase: "frozen", frozen: { code: "operator", reason: "moving it", until: null } }],
  });
  expect(await change("/v1/sets/C1/bs1/unfreeze", { reason: "moved" })).toMatchObject({ status: 200 });
  expect((await read("sets", "/v1/sets")).sets[0]?.frozen).toBeNull();
  expect(await change("/v1/sets/C1/bs9/freeze", { reason: "x" })).toEqual(refusal(404, "ARB_NO_SET", "C1/bs9"));
});

test("a dry run of policies says which sets change and which are not protected, and applies nothing", async () => {
  const standing = createStanding();
  const { read, change } = door(standing);
  const policies = [{ match: "C1/*", rpo: "zero", survive: "idc" }];
  const tried = await change("/v1/policies?dryRun=1", { policies }, "PUT");
  expect(tried.status).toBe(200);
  expect(reports.policyChange.parse(tried.body)).toMatchObject({
    applied: false,
    sets: [
      {
        name: "C1/bs1",
        changes: ["rpo: best-effort -> zero", "survive: broker -> idc"],
        protection: { level: "broker", promised: "idc", kept: false },
      },
    ],
  });
  expect((await read("policies", "/v1/policies")).policies).toEqual([]);
  expect(await change("/v1/policies", { policies }, "PUT")).toEqual(refusal(400, "ARB_BAD_BODY", "reason"));
  expect(await change("/v1/policies", { policies, reason: "promise" }, "PUT")).toMatchObject({
    status: 200,
    body: { applied: true },
  });
  expect(await read("policies", "/v1/policies")).toMatchObject({
    policies: [{ match: "C1/*", rpo: "zero", survive: "idc", maxLostBytes: "0" }],
    sets: [{ name: "C1/bs1", policy: { rpo: "zero" } }],
  });
  const wrong = await change("/v1/policies", { policies: [{ match: "C1/*", rpo: "nil" }], reason: "x" }, "PUT");
  expect(wrong).toEqual(refusal(400, "ARB_POLICY", "policies[0].rpo"));
});

const decided = input({
  protection: { level: "broker", why: "", at: wallStart },
  policy: { ...input().policy, rpo: "zero" },
});

function decision(): DecisionRecord {
  const verdict = decide(decided);
  if (verdict.kind !== "elect") throw new Error(verdict.why);
  const effect = (at: number, detail: string) => ({ site: "idc2", at, detail });
  return {
    id: "C1/bs1/8",
    input: decided,
    verdict,
    decidedBy: "idc2",
    at: decided.now,
    effects: {
      promoted: effect(decided.now + 200, "broker 3 answered"),
      demoted: effect(decided.now + 100, "unreachable"),
    },
  };
}

test("a decision is listed, shown with its record, and explained from question to effects", async () => {
  const standing = createStanding();
  standing.writeDecision(decision());
  const { http, read } = door(standing);
  const { decisions } = await read("decisions", "/v1/decisions?set=C1/bs1&limit=5");
  expect(decisions).toMatchObject([
    {
      id: "C1/bs1/8",
      from: 1,
      epoch: 8,
      effects: [{ effect: "demoted" }, { effect: "promoted" }],
      open: ["routed", "told", "proven"],
    },
  ]);
  expect((await read("decisions", "/v1/decisions?set=C1/other")).decisions).toEqual([]);
  const shown = await read("decision", "/v1/decisions/C1/bs1/8");
  expect(shown.record).toMatchObject({ input: { candidates: [{ id: 1 }, { id: 2 }, { id: 3 }] } });
  const { lines } = await read("explanation", "/v1/decisions/C1/bs1/8/explain");
  const text = lines.join("\n");
  expect(text).toContain("asked by idc2");
  expect(text).toMatch(/witness +silent/);
  expect(text).toMatch(/elected/);
  expect(text.indexOf("demoted")).toBeLessThan(text.indexOf("promoted"));
  expect((await http.inject("/v1/decisions/C1/bs1/9")).statusCode).toBe(404);
  expect((await http.inject("/v1/decisions?limit=0")).statusCode).toBe(400);
});

test("a decision replays to itself, and under another policy to what that would have meant", async () => {
  const standing = createStanding();
  standing.writeDecision(decision());
  const { change } = door(standing);
  const same = await change("/v1/decisions/C1/bs1/8/replay", {});
  expect(reports.replay.parse(same.body)).toMatchObject({ same: true, replayed: { kind: "elect", epoch: 8 } });
  const frozen = await change("/v1/decisions/C1/bs1/8/replay", { policy: { frozen: true } });
  expect(frozen.body).toMatchObject({ same: false, replayed: { kind: "refuse", reason: "frozen" } });
  expect(await change("/v1/decisions/C1/bs1/8/replay", { policy: { rpo: "nil" } })).toEqual(
    refusal(400, "ARB_POLICY", "rpo"),
  );
});

test("openapi.json has every route that the server has, and the server has every route of it", async () => {
  const { http } = door(createStanding());
  for (const { method, path } of routes) {
    expect(http.hasRoute({ method: method.toUpperCase(), url: path.replaceAll(/\{(\w+)\}/g, ":$1") }), path).toBe(true);
  }
  const served = [...http.printRoutes({ commonPrefix: false }).matchAll(/\(([^)]+)\)/g)]
    .flatMap(([, methods = ""]) => methods.split(", "))
    .filter((method) => method !== "HEAD");
  const beside = ["/livez", "/readyz", "/metrics", "/leader", "/openapi.json"];
  expect(served).toHaveLength(routes.length + beside.length);
  expect((await http.inject("/openapi.json")).json()).toEqual(JSON.parse(JSON.stringify(openapi("0.1.0"))));
});

test.for(Object.entries(bodies))("the body of %s refuses keys that nobody knows", ([, schema]) => {
  const { error } = schema.safeParse({ surprise: 1 });
  expect(error?.issues.some(({ code }) => code === "unrecognized_keys")).toBe(true);
});

test("changes from another machine are refused", async () => {
  const { http } = door(createStanding());
  const answer = await http.inject({
    method: "POST",
    url: "/v1/pause",
    payload: { reason: "x" },
    remoteAddress: "10.9.9.9",
  });
  expect(answer.statusCode).toBe(403);
});

test("the health of etcd is shown with sizes as texts", async () => {
  const ledger = await door(createStanding()).read("ledger", "/v1/ledger");
  expect(ledger.members[0]).toMatchObject({ endpoint: "10.1.0.5:2379", dbBytes: "20480", isLeader: true });
});

test("what blocks a failover is written by the site that drives it, told at every other one, and gone with the question", async () => {
  const name = setName("C1", "bs1");
  const driver = createStanding();
  driver.write(pauseKey, encodePause({ reason: "a drill", at: wallStart, until: null }));
  ask(driver);
  for (const site of ["idc2", "witness"]) {
    const master = { verdict: "dead", evidence: "refused a connection" } as const;
    driver.write(
      answerKey(name, site),
      encodeAnswer({ site, question: "7.1", master, replicas: {}, told: null, at: wallStart }, name),
    );
  }
  driver.beat("idc2", "witness");
  driver.pass(400);
  const blocked = { reason: "paused", why: "Failover is paused", site: "idc1" };
  expect(await door(driver).read("set", "/v1/sets/C1/bs1")).toMatchObject({ phase: "blocked", blocked });

  const other = createStanding(true, "idc2");
  other.beat("idc1", "witness");
  ask(other);
  other.write(refusalKey(name), driver.text(refusalKey(name)) ?? "");
  expect(await door(other).read("set", "/v1/sets/C1/bs1")).toMatchObject({
    phase: "blocked",
    why: blocked.why,
    blocked,
  });

  for (const site of ["idc2", "witness"]) {
    const master = { verdict: "unknown", evidence: "" } as const;
    driver.write(
      answerKey(name, site),
      encodeAnswer({ site, question: "7.1", master, replicas: {}, told: null, at: wallStart }, name),
    );
  }
  driver.beat("idc2", "witness");
  driver.pass(400);
  expect(driver.text(questionKey(name))).toBeDefined();
  expect(driver.text(refusalKey(name))).toBeUndefined();
  expect(await door(driver).read("set", "/v1/sets/C1/bs1")).toMatchObject({ phase: "suspected", blocked: null });
});

test("a switch is refused by name while nothing has changed; one that is on record and cannot go on is given up, and shown until its end", async () => {
  const standing = createStanding();
  const { read, change } = door(standing);
  const url = "/v1/sets/C1/bs1/switch";
  expect(await change(url, { to: "2" })).toEqual(refusal(400, "ARB_BAD_BODY", "reason"));
  expect(await change(url, { reason: "work" })).toEqual(refusal(400, "ARB_BAD_BODY", "to"));
  expect(await change(url, { reason: "work", to: "1" })).toEqual(refusal(409, "ARB_SWITCH_ALREADY_MASTER", "broker 1"));
  expect(await change(url, { reason: "work", to: "3", dryRun: true })).toEqual(
    refusal(409, "ARB_SWITCH_NOT_IN_SYNC", "broker 3 is not in sync"),
  );
  expect((await read("set", "/v1/sets/C1/bs1")).switch).toBeNull();
  standing.write(switchKey(setName("C1", "bs1")), encodeSwitch({ ...planned, at: wallStart }));
  expect(await read("set", "/v1/sets/C1/bs1")).toMatchObject({
    phase: "restoring",
    why: "broker 1 gets back minInSyncReplicas 1: broker 2 is not heard at idc1",
    switch: { id: "7.1", from: 1, to: 2, reason: "an upgrade", stage: "restoring" },
  });
});

test("an IDC is drained and activated under a rising epoch, in the record that routers read; one that nobody is in is not known", async () => {
  const standing = createStanding();
  const { read, change } = door(standing);
  expect(await change("/v1/idcs/idc9/drain", { reason: "a power cut" })).toEqual(refusal(404, "ARB_NO_IDC", "idc9"));
  expect(await change("/v1/idcs/idc1/drain", {})).toEqual(refusal(400, "ARB_BAD_BODY", "reason"));
  expect(await change("/v1/idcs/idc1/drain", { reason: "a power cut" })).toMatchObject({ status: 200 });
  expect(JSON.parse(standing.text(idcKey("idc1")) ?? "")).toMatchObject({
    state: "drained",
    weight: 100,
    epoch: Math.floor(wallStart / 1_000),
    reason: "a power cut",
  });
  expect(await change("/v1/idcs/idc1/activate", { reason: "power is back" })).toMatchObject({ status: 200 });
  const idc = { idc: "idc1", state: "active", epoch: Math.floor(wallStart / 1_000) + 1, brokers: 2, masters: 1 };
  expect((await read("idcs", "/v1/idcs")).idcs[0]).toMatchObject(idc);
});

test("an IDC's weight stands in the same record and outlasts a drain; one that is no part of the whole is refused", async () => {
  const standing = createStanding();
  const { read, change } = door(standing);
  const url = "/v1/idcs/idc1/weight";
  expect(await change(url, { weight: 101, reason: "new racks" })).toEqual(refusal(400, "ARB_BAD_BODY", "weight"));
  expect(await change(url, { weight: 40 })).toEqual(refusal(400, "ARB_BAD_BODY", "reason"));
  expect(await change("/v1/idcs/idc9/weight", { weight: 40, reason: "x" })).toEqual(refusal(404, "ARB_NO_IDC", "idc9"));
  expect(await change(url, { weight: 40, reason: "new racks" })).toMatchObject({
    status: 200,
    body: { done: "idc1 is active with weight 40 (epoch 1795608000)" },
  });
  await change("/v1/idcs/idc1/drain", { reason: "a power cut" });
  const idc = { state: "drained", weight: 40, epoch: 1_795_608_001, reason: "a power cut" };
  expect((await read("idcs", "/v1/idcs")).idcs[0]).toMatchObject({ idc: "idc1", ...idc });
  expect(JSON.parse(standing.text(idcKey("idc1")) ?? "")).toMatchObject(idc);
});

test("a broker is drained and undrained by its id, and shown; what would move is told, and to nobody who is not heard", async () => {
  const standing = createStanding();
  const { read, change } = door(standing);
  const broker = "/v1/sets/C1/bs1/brokers";
  expect(await change(`${broker}/9/drain`, { reason: "work" })).toEqual(refusal(404, "ARB_NO_BROKER", "broker 9"));
  expect(await change(`${broker}/x/drain`, { reason: "work" })).toEqual(refusal(400, "ARB_NO_BROKER", "x"));
  expect(await change(`${broker}/1/drain`, { reason: "work" })).toMatchObject({ status: 200 });
  expect((await read("idcs", "/v1/idcs")).drained).toMatchObject([{ set: "C1/bs1", broker: 1, reason: "work" }]);
  const why = "no other broker is in sync, heard and not drained";
  for (const url of ["/v1/moves", "/v1/moves?idc=idc1", "/v1/moves?set=C1%2Fbs1&broker=1"]) {
    expect(await read("moves", url)).toEqual({ moves: [], stays: [{ set: "C1/bs1", master: 1, why }] });
  }
  expect(await change(`${broker}/1/undrain`, { reason: "done" })).toMatchObject({ status: 200 });
  expect((await read("idcs", "/v1/idcs")).drained).toEqual([]);
});
