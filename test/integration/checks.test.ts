import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import { type RunningProcess, runProcess, startProcess } from "./harness/process.ts";
import { inProject } from "./harness/project.ts";

const timeoutMs = 60_000;
const report = {
  testResults: [
    {
      name: "a.test.ts",
      status: "passed",
      assertionResults: [
        { fullName: "one", status: "passed" },
        { fullName: "two", status: "skipped" },
      ],
    },
  ],
};

test("gates and tests are added up in a last line of its own, and one failure is a failure", async () => {
  await using project = await projectWith({ lint: "true", types: "true", unused: "true", test: "node vitest.mjs" });
  const check = await project.checks(["check"], { CI: undefined });
  expect(check.stdout).toMatch(/\n4 passed, 0 failed\n$/);
  expect(check.code).toBe(0);

  const inCi = await project.checks(["check"], { CI: "true" });
  expect(inCi.stdout).toMatch(/a\.test\.ts > two \(skipped\)\n4 passed, 1 failed\n$/);
  expect(inCi.code).toBe(1);
});

test("everything runs although something failed, and a run that is missing is a failure", async () => {
  await using project = await projectWith({ lint: "false", types: "true", unused: "true", test: "node vitest.mjs" });
  const { code, stdout } = await project.checks(["test"], { CI: undefined });
  expect(stdout).toContain("  lint: ended with code 1\n");
  expect(stdout).toContain("package.json has no script test:integration");
  expect(stdout).toMatch(/\n3 passed, 2 failed\n$/);
  expect(code).toBe(1);
});

test("checks that are killed leave nothing running", async () => {
  await using project = await projectWith({
    lint: `node -e "console.log('pid', process.pid); setInterval(() => {}, 1e3)"`,
  });
  await using checks = project.start(["check"], {});
  const pid = Number((await checks.waitForLine(/^pid (\d+)$/, { timeoutMs }))[1]);
  expect(isAlive(pid)).toBe(true);
  await checks.kill("SIGKILL");
  await eventually(() => expect(isAlive(pid)).toBe(false), { withinMs: 5_000 });
});

/** A project of the given package.json scripts; `node vitest.mjs` stands for a run with one passed and one skipped test. */
async function projectWith(scripts: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-checks-"));
  for (const path of ["scripts/checks.ts", "scripts/test-summary.ts", "lib/errors.ts"]) {
    await cp(inProject(path), join(folder, path));
  }
  await symlink(inProject("node_modules"), join(folder, "node_modules"));
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", imports: { "#lib/*": "./lib/*" }, scripts }),
  );
  await writeFile(
    join(folder, "vitest.mjs"),
    `import { writeFileSync } from "node:fs";
    const file = process.argv.find((argument) => argument.startsWith("--outputFile.json=")).split("=")[1];
    writeFileSync(file, ${JSON.stringify(JSON.stringify(report))});`,
  );
  type Env = Readonly<Record<string, string | undefined>>;
  const args = (more: readonly string[]) => [join(folder, "scripts/checks.ts"), ...more];
  return {
    checks: (more: readonly string[], env: Env) => runProcess(process.execPath, args(more), { env, timeoutMs }),
    start: (more: readonly string[], env: Env): RunningProcess => startProcess(process.execPath, args(more), { env }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
