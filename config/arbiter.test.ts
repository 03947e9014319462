import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { messageOf } from "#lib/errors.ts";
import { arbiterCautions, arbiterSchema } from "./arbiter.ts";
import { loadConfig } from "./load.ts";
import { ledgerPrefix } from "./shared.ts";

const minimal = parse(readFileSync(new URL("examples/arbiter-minimal.yaml", import.meta.url), "utf8"));

function load(patch: object) {
  const text = new TextEncoder().encode(JSON.stringify({ ...minimal, ...patch }));
  return loadConfig(arbiterSchema, "/etc/c/f.yaml", { readFile: () => text, cautions: arbiterCautions });
}

const pathsOf = (problems: readonly { path: string; message: string }[]) =>
  problems.map(({ path, message }) => `${path} ${message}`);

describe("the arbiter's file", () => {
  test("has the times of the design by default", () => {
    expect(load({}).config.timing).toEqual({
      probeTimeoutMs: 500,
      suspectAfterMs: 2_500,
      leaderSilentMs: 700,
      demoteFirstMs: 400,
      offsetReadMs: 300,
      gatherMs: 3_000,
      quorumProofMs: 2_000,
    });
  });

  test("keeps environments apart in etcd", () => {
    expect(ledgerPrefix(load({}).config)).toBe("/crossidc/prod/");
    const etcd = { ...minimal.etcd, prefix: "/a/b/" };
    expect(ledgerPrefix(load({ environment: "test", etcd }).config)).toBe("/a/b/test/");
  });

  const [c1] = minimal.clusters;
  test("finds the brokers' credentials beside it", () => {
    const { clusters } = load({ clusters: [{ ...c1, credentialFile: "keys/c1" }] }).config;
    expect(clusters.map((cluster) => "credentialFile" in cluster && cluster.credentialFile)).toEqual([
      "/etc/c/keys/c1",
    ]);
  });

  test.each([
    [{ idcs: [{ name: "idc1", cidrs: ["10.1.0.0"] }] }, /idcs\[0\]\.cidrs\[0\]: "10.1.0.0" is no network/],
    [{ idcs: [{ name: "idc1", brokerNames: ["*a*b*c*"] }] }, /idcs\[0\]\.brokerNames\[0\]/],
    [{ idcs: [...minimal.idcs, { name: "idc1" }] }, /idcs\[2\]\.name: "idc1" stands here a second time/],
    [{ etcd: { endpoints: ["10.1.0.5"] } }, /etcd\.endpoints\[0\]/],
    [{ etcd: { ...minimal.etcd, prefix: "crossidc" } }, /etcd\.prefix: "crossidc" .*must start and end with \//],
    [{ controller: { listen: "0.0.0.0:9878", advertise: "0.0.0.0:9878" } }, /controller\.advertise: .*is no address/],
    [{ controller: { listen: "[::]:9878", advertise: "[::]:9878" } }, /controller\.advertise: .*is no address/],
    [{ clusters: [{ ...c1, name: "a/b" }] }, /clusters\[0\]\.name/],
    [{ clusters: [c1, c1] }, /clusters\[1\]\.name: "C1" stands here a second time/],
    [{ timing: { suspectAfterMs: 900 } }, /timing\.suspectAfterMs: 900 .*at least 1000/],
    [{ timing: { selfDoubtMs: 500 } }, /timing\.selfDoubtMs/],
    [{ canary: { topic: "no topic" } }, /canary\.topic/],
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
  const { etcd, controller } = minimal;
  const three = etcd.endpoints;
  test.each([
    [{ timing: { suspectAfterMs: 1_500 } }, "timing.suspectAfterMs is over when one heartbeat is late"],
    [{ timing: { suspectAfterMs: 2_000, probeTimeoutMs: 2_000 } }, "timing.probeTimeoutMs is not over when"],
    [{ timing: { leaderSilentMs: 500 } }, "timing.leaderSilentMs is over when one beat is late"],
    [{ site: "idc3" }, "site is no IDC of `idcs`"],
    [{ idcs: [...minimal.idcs, { name: "witness" }] }, "idcs[2] matches no broker"],
    [{ etcd: { endpoints: three.slice(1) } }, "etcd.endpoints has 2 members"],
    [{ etcd: { endpoints: three.slice(2) } }, "etcd.endpoints has one member"],
    [{ etcd: { ...etcd, userFile: "/f" } }, "etcd.userFile is sent over a plain connection"],
    [{ controller: { ...controller, adminCidrs: ["127.0.0.0/8", "0.0.0.0/0"] } }, "controller.adminCidrs[1] lets"],
  ])("%j", (patch, caution) => {
    expect(pathsOf(load(patch).warnings)).toEqual([expect.stringContaining(caution)]);
  });

  test("nothing is, by default", () => {
    expect(load({}).warnings).toEqual([]);
  });
});
