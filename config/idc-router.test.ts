import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { messageOf } from "#lib/errors.ts";
import { idcRouterSchema } from "./idc-router.ts";
import { idcRouterCautions } from "./idc-router-cautions.ts";
import { loadConfig } from "./load.ts";

const minimal = parse(readFileSync(new URL("examples/idc-router-minimal.yaml", import.meta.url), "utf8"));

function load(patch: object) {
  const text = new TextEncoder().encode(JSON.stringify({ ...minimal, ...patch }));
  return loadConfig(idcRouterSchema, "/etc/c/f.yaml", { readFile: () => text, cautions: idcRouterCautions });
}

describe("the router's file", () => {
  test("goes out fast and comes back slowly by default, as the design has it", () => {
    const { health, forgetAfterMs, routes } = load({ routes: [{ match: "*" }] }).config;
    expect(health).toMatchObject({ outAfterMs: 1_000, backAfterMs: 30_000, backAfterChecks: 5 });
    expect(forgetAfterMs).toBe(600_000);
    expect(routes).toEqual([{ match: "*", mode: "prefer-local", overprovision: 1.4 }]);
  });

  const [c1] = minimal.clusters;
  test.each([
    [{ clusters: [] }, /clusters/],
    [{ clusters: [c1, c1] }, /clusters\[1\]\.name: "C1" stands here a second time/],
    [{ clusters: [{ name: "K1", kind: "kafka", nameservers: ["a:1"] }] }, /clusters\[0\]/],
    [{ routes: [{ match: "*", mode: "near" }] }, /routes\[0\]\.mode/],
    [{ routes: [{ match: "*", overprovision: 0.5 }] }, /routes\[0\]\.overprovision: 0.5 .*at least 1/],
    [{ weights: { bs1: 2 } }, /weights/],
    [{ topics: { servers: ["a:1"], path: "/zms/topic" } }, /topics\.path: .*must end in \/\{topic\}/],
    [{ health: { outAfter: 1 } }, /health\.outAfter/],
    [{ nameserver: { listen: "10.1.0.5" } }, /nameserver\.listen/],
  ])("%j is refused", (patch, message) => {
    let said = "";
    try {
      load(patch);
    } catch (error) {
      said = messageOf(error);
    }
    expect(said).toMatch(message);
  });
});

describe("allowed, but doubtful:", () => {
  test.each([
    [{ site: "idc9" }, "site is no IDC of `idcs`"],
    [{ near: { idc1: ["idc7"] } }, "near.idc1 names idc7"],
    [{ nameserver: { ...minimal.nameserver, doors: { idc8: ["a:1"] } } }, "nameserver.doors.idc8 is no IDC"],
    [{ clusters: [{ ...minimal.clusters[0], nameservers: ["a:1", "a:2"] }] }, "clusters[0].nameservers are all on one"],
    [{ health: { checkEveryMs: 5_000 } }, "health.outAfterMs is shorter than it takes to try twice"],
    [{ poll: { lookupTimeoutMs: 5_000 } }, "poll.lookupTimeoutMs is longer than stock clients wait"],
    [{ lastGood: undefined }, "lastGood is missing"],
    [{ etcd: { endpoints: ["a:1"] } }, "etcd.endpoints has one member"],
  ])("%j", (patch, caution) => {
    const warnings = load(patch).warnings.map(({ path, message }) => `${path} ${message}`);
    expect(warnings).toEqual([expect.stringContaining(caution)]);
  });
});
