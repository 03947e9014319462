import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { type Logger, silentLogger } from "#lib/log.ts";
import { whoHeader, writeWho } from "#lib/who.ts";
import { watchAudit } from "../audit-watch.ts";
import { auditKey } from "../core/keys.ts";
import { createMetrics } from "../metrics.ts";
import { reports } from "./api.ts";
import { createStanding, type Standing } from "./testing/standing.ts";
import { createStandingHttp } from "./testing/standing-http.ts";

function door(standing: Standing) {
  const http = createStandingHttp(standing);
  const get = async (url: string) => {
    const { statusCode, body } = await http.inject({ method: "GET", url });
    return { status: statusCode, body: JSON.parse(body) as unknown };
  };
  return {
    async entries(url = "/v1/audit") {
      return reports.audit.parse((await get(url)).body).entries;
    },
    async verify(url = "/v1/audit/verify") {
      return reports.auditVerify.parse((await get(url)).body);
    },
    get,
    async change(url: string, payload: object, { method = "POST" as "POST" | "PUT", who = "alice@ops1" } = {}) {
      const headers = who === "" ? {} : { [whoHeader]: writeWho(who) };
      const { statusCode } = await http.inject({ method, url, payload, headers });
      expect(statusCode).toBe(200);
    },
  };
}

test("every change of an operator has its entry, with who and why, the newest first", async () => {
  const { change, entries } = door(createStanding());
  await change("/v1/pause", { reason: "network work" });
  await change("/v1/resume", { reason: "done" });
  await change("/v1/policies", { policies: [{ match: "*", rpo: "zero" }], reason: "agreed" }, { method: "PUT" });
  await change("/v1/sets/C1/bs1/freeze", { reason: "copying" });
  await change("/v1/sets/C1/bs1/unfreeze", { reason: "copied" });
  const found = await entries();
  expect(found.map(({ site, n, what, set, reason }) => [site, n, what, set, reason])).toEqual([
    ["idc1", 5, "unfreeze", "C1/bs1", "copied"],
    ["idc1", 4, "freeze", "C1/bs1", "copying"],
    ["idc1", 3, "policies", null, "agreed"],
    ["idc1", 2, "resume", null, "done"],
    ["idc1", 1, "pause", null, "network work"],
  ]);
  expect(new Set(found.map(({ who }) => who))).toEqual(new Set(["alice@ops1 from 127.0.0.1"]));
  expect(found[2]?.detail).toMatch(/^policies applied: 1, SHA-256 [0-9a-f]{64}$/);
  expect((await entries("/v1/audit?site=idc1&limit=2")).map(({ n }) => n)).toEqual([5, 4]);
});

test("the first entry is that of init", async () => {
  const { change, entries } = door(createStanding(false));
  await change("/v1/init", { sites: ["idc1", "idc2", "witness"] });
  expect(await entries()).toMatchObject([{ n: 1, what: "init", detail: "voting sites: idc1, idc2, witness" }]);
});

test("a tool at the controller door is in the log by its address", async () => {
  const standing = createStanding();
  const request = { kind: "cleanBroker", cluster: "C1", set: "bs1", ids: [3], living: true } as const;
  standing.feed({ kind: "asked", ask: 1, connection: 9, request, tool: "10.9.0.1:40000" });
  expect(await door(standing).entries()).toMatchObject([
    { what: "clean", who: "a tool at 10.9.0.1:40000", set: "C1/bs1", detail: "brokers are cleaned away: 3" },
  ]);
});

test("whoever sends no name, or nonsense, is in the log as that", async () => {
  const { change, entries } = door(createStanding());
  await change("/v1/pause", { reason: "one" }, { who: "" });
  await change("/v1/pause", { reason: "two" }, { who: "a\nb" });
  expect((await entries()).map(({ who }) => who)).toEqual([
    "ab from 127.0.0.1",
    "somebody without a name from 127.0.0.1",
  ]);
});

test("a refused change leaves no entry", async () => {
  const standing = createStanding();
  const answer = standing.operate(
    { kind: "init", sites: ["a"], incarnation: "", reason: "" },
    { who: "alice", signal: new AbortController().signal },
  );
  expect(await answer).toMatchObject({ kind: "refused" });
  expect(await door(standing).entries()).toEqual([]);
});

test("verify names the site and the entry of a chain that was spoilt", async () => {
  const standing = createStanding();
  const { change, verify, get } = door(standing);
  for (const reason of ["one", "two", "three"]) await change("/v1/pause", { reason });
  expect(await verify()).toMatchObject({
    whole: true,
    chains: [
      { site: "idc1", entries: 3, first: 1, last: 3, faults: [] },
      { site: "idc2", entries: 0, first: null, last: null, faults: [] },
      { site: "witness", entries: 0, first: null, last: null, faults: [] },
    ],
  });
  const text = standing.text(auditKey("idc1", 2)) ?? "";
  standing.write(auditKey("idc1", 2), text.replace("two", "other"));
  expect(await verify("/v1/audit/verify?site=idc1")).toMatchObject({
    whole: false,
    chains: [{ site: "idc1", faults: [{ kind: "changed", n: 2 }] }],
  });
  expect(await get("/v1/audit?site=idc9")).toMatchObject({ status: 400 });
  expect(await get("/v1/audit?limit=1001")).toMatchObject({ status: 400 });
});

test("the check counts the faults of each chain, and logs them once", async () => {
  const standing = createStanding();
  const { change } = door(standing);
  for (const reason of ["one", "two"]) await change("/v1/pause", { reason });
  standing.write(auditKey("idc1", 1), "?");
  const { series } = createMetrics("prod");
  const logged: unknown[] = [];
  const log: Logger = { ...silentLogger, error: (fields) => void logged.push(fields) };
  const looks = new AbortController();
  let slept = 0;
  const clock = {
    ...systemClock,
    sleep: async () => {
      slept += 1;
      if (slept === 3) looks.abort();
    },
  };
  await watchAudit(series, standing, { clock, log, signal: looks.signal });
  expect(await series.render()).toMatch(/^idc_arbiter_audit_faults\{site="idc1",environment="prod"\} 1$/m);
  expect(await series.render()).toMatch(/^idc_arbiter_audit_faults\{site="idc2",environment="prod"\} 0$/m);
  expect(logged).toMatchObject([{ chain: "idc1", of: 1, faults: [{ kind: "unreadable", n: 1 }] }]);
});
