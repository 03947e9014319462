import { describe, expect, test } from "vitest";
import { createGateKeeper } from "./gate.ts";
import { readHome } from "./home-record.ts";

const keys = {
  cluster: "clusterName",
  gatedIps: "gatedIps",
  gatedCluster: "gatedCluster",
  sendTimeoutMs: "sendTimeoutMs",
  concurrency: "concurrency",
};
const clusters = ["K1", "K2"];
const ofText = (text: string) => readHome(Buffer.from(text), { format: "properties", keys, clusters });

describe("a topic's metadata", () => {
  test("name its cluster, a gate and settings", () => {
    expect(
      ofText("clusterName=K1\ngatedIps=10.1.0.4, 10.1.7.0/24;fd00::1\ngatedCluster=K2\nsendTimeoutMs=900\n"),
    ).toEqual({
      home: {
        cluster: "K1",
        gate: { cluster: "K2", ips: ["10.1.0.4", "10.1.7.0/24", "fd00::1"] },
        client: { sendTimeoutMs: 900 },
      },
      problems: [],
    });
  });

  test("are the same as JSON", () => {
    const value = { clusterName: "K1", gatedIps: ["10.1.0.4"], gatedCluster: "K2", concurrency: 3 };
    const { home } = readHome(Buffer.from(JSON.stringify(value)), { format: "json", keys, clusters });
    expect(home).toEqual({ cluster: "K1", gate: { cluster: "K2", ips: ["10.1.0.4"] }, client: { concurrency: 3 } });
  });

  test.each([
    ["clusterName=K1\ngatedIps=\ngatedCluster=\n", []],
    ["clusterName=K1\ngatedIps=10.1.0.4\ngatedCluster=\n", []],
    ["clusterName=K1\ngatedCluster=K2\n", []],
    ["clusterName=K1\ngatedIps=10.1.0.4\ngatedCluster=K9\n", [expect.stringContaining("K9")]],
    ["clusterName=K1\ngatedIps=host-7\ngatedCluster=K2\n", [expect.stringContaining("host-7")]],
    ["clusterName=K1\nconcurrency=0\n", [expect.stringContaining("1 to 256")]],
  ])("%j has no gate and no settings", (text, problems) => {
    expect(ofText(text)).toEqual({ home: { cluster: "K1" }, problems });
  });

  test("whose settings cannot be taken are told of under the keys that the config names", () => {
    const named = { ...keys, sendTimeoutMs: "send.timeout", concurrency: "threads" };
    const { problems } = readHome(Buffer.from("clusterName=K1\nsend.timeout=soon\nthreads=0\n"), {
      format: "properties",
      keys: named,
      clusters,
    });
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual(["send.timeout", "threads"]);
  });

  test("that cannot be read say nothing", () => {
    expect(readHome(Buffer.from("{"), { format: "json", keys, clusters }).home).toEqual({ cluster: null });
    expect(readHome(null, { format: "properties", keys, clusters }).home).toEqual({ cluster: null });
  });

  test("that list clusters of both kinds mean the one that the router knows", () => {
    const text = "clusterName=K1\ngatedIps=10.1.0.4\ngatedCluster=rmq-idc1 ; K2\n";
    expect(ofText(text).home.gate?.cluster).toBe("K2");
  });
});

test("a gate lets through who is on its list, however the address is written, and nobody else", () => {
  const isLetThrough = createGateKeeper();
  const gate = { cluster: "K2", ips: ["10.1.0.4", "10.1.7.0/24", "fd00::1"] };
  for (const host of ["10.1.0.4", "10.1.7.200", "fd00::1", "::ffff:10.1.0.4"])
    expect(isLetThrough(gate, host)).toBe(true);
  for (const host of ["10.1.0.5", "10.1.8.1", "fd00::2", "", "host-7"]) expect(isLetThrough(gate, host)).toBe(false);
  expect(isLetThrough(undefined, "10.1.0.4")).toBe(false);
});
