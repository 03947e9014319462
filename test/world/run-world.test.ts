import { existsSync } from "node:fs";
import { afterAll, expect } from "vitest";
import { runProcess } from "../integration/harness/process.ts";
import { inProject } from "../integration/harness/project.ts";
import { worldTest } from "./world-test.ts";

const commandMsMax = 60_000;

function world(...args: readonly string[]) {
  return runProcess("./run", ["world", ...args], { timeoutMs: commandMsMax, env: { NO_COLOR: "1" } });
}

afterAll(async () => void (await world("down")));

worldTest("a person brings a world up, breaks it, mends it and takes it down", async () => {
  // One that somebody has left standing.
  await world("down");
  expect(await world("status")).toMatchObject({ code: 1, stderr: expect.stringContaining("no world is up") });

  const up = await world("up", "etcd");
  expect(up.code).toBe(0);
  expect(up.stdout).toMatch(/etcd-idc1 +idc1 +10\.1\.0\.1:2379 +\d+ +runs/);
  expect(up.stdout).toMatch(/idc1 {2}10\.1\.0\.1 +· +\d+ ms +\d+ ms/);
  expect((await world("up")).stdout).toContain("A world is up already");

  expect((await world("cut", "--one-way", "idc1", "idc2")).stdout).toMatch(/idc1 {2}10\.1\.0\.1 +· +cut +\d+ ms/);
  expect((await world("cut", "witness")).stdout).toMatch(/witness {2}10\.3\.0\.1 +cut +cut +· +cut\n/);
  expect((await world("heal")).stdout).not.toContain("cut");

  const inside = await runProcess("./run", ["world", "enter", "idc2"], {
    timeoutMs: commandMsMax,
    stdin: "ip -brief address show wan; exit 7\n",
  });
  expect({ code: inside.code, address: inside.stdout }).toEqual({
    code: 7,
    address: expect.stringContaining("10.2.0.1/16"),
  });

  expect(await world("down")).toMatchObject({ code: 0, stdout: "down\n" });
  expect(existsSync(inProject(".cache/world/state.json"))).toBe(false);
});

worldTest("a wrong call is refused with code 2, and says what would be right", async () => {
  for (const args of [["up", "mysql"], ["cut"], ["cut", "mars"], ["cut", "idc1", "idc1"], ["enter"], ["destroy"]]) {
    const { code, stderr } = await world(...args);
    expect({ args, code }).toEqual({ args, code: 2 });
    expect(stderr).toMatch(/idc1 idc2 witness clients|etcd zookeeper|cut off from itself/);
  }
});

worldTest("who may not make namespaces is told so, with code 3", async () => {
  const nobody = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
  ];
  const script = inProject("scripts/world.ts");
  const [setpriv = "", ...rest] = nobody;
  const { code, stderr } = await runProcess(setpriv, [...rest, process.execPath, script, "up", "none"], {
    timeoutMs: commandMsMax,
    env: { CROSSIDC_NO_INSTALL: "1" },
  });
  expect(stderr).toMatch(/network namespaces cannot be made|\/dev\/net\/tun cannot be opened/);
  expect(code).toBe(3);
});

worldTest("tests that need a world are skipped loudly where none can be made, and fail in CI", async () => {
  const vitest = inProject("node_modules/vitest/vitest.mjs");
  // Without `ip`, which nothing else needs.
  const run = (env: Readonly<Record<string, string | undefined>>) =>
    runProcess("env", ["PATH=/nowhere", process.execPath, vitest, "run", "--project", "world", "kafka", "faults"], {
      timeoutMs: commandMsMax,
      env: { NO_COLOR: "1", ...env },
    });
  const elsewhere = await run({ CI: undefined });
  expect(elsewhere.stderr).toContain(
    "Tests in a three-site world are SKIPPED: ip is missing: install Debian's iproute2",
  );
  expect(elsewhere.stdout).toMatch(/Tests {2}\d+ skipped \(\d+\)\n/);
  expect(elsewhere.code).toBe(0);
  const inCi = await run({ CI: "true" });
  expect(inCi.stderr).toContain("no world can be made here, and in CI that is a failure: ip is missing");
  expect(inCi.stdout).toMatch(/Tests {2}\d+ failed \(\d+\)\n/);
  expect(inCi.code).toBe(1);
});
