import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { messageOf } from "#lib/errors.ts";
import type { StopCode } from "../replicator/core/claim.ts";
import type { LinkReport } from "../replicator/io/report.ts";
import { type Application, connectApplication } from "../test/integration/harness/application.ts";
import { eventually } from "../test/integration/harness/eventually.ts";
import { freePort } from "../test/integration/harness/ports.ts";
import { type RunningProcess, runProcess, startProcess } from "../test/integration/harness/process.ts";
import { inProject } from "../test/integration/harness/project.ts";
import { startZooKeeper, type ZooKeeperServer } from "../test/integration/harness/zookeeper.ts";

/**
 * docs/operations.md says how a stopped link gets going again. Here its commands run as they are written there, with Debian's
 * zkCli.sh, against a link that was brought to a stop.
 */

const timeoutMs = 60_000;
const followsWithinMs = 20_000;
const fence = "/crossidc/links/zms/fence";

let folder: string;
let source: ZooKeeperServer;
let target: ZooKeeperServer;
let atSource: Application;
let atTarget: Application;
let started: RunningProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "crossidc-runbook-"));
  [source, target] = await Promise.all([startZooKeeper({ version: "3.8" }), startZooKeeper({ version: "3.8" })]);
  [atSource, atTarget] = await Promise.all([connectApplication(source.address), connectApplication(target.address)]);
  started = [];
  for (const topic of ["a", "b", "c"]) await atSource.mkdirp(`/zms/topic/${topic}`, topic);
});

afterEach(async () => {
  for (const process of started) await process.kill();
  await atSource[Symbol.asyncDispose]();
  await atTarget[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("fenced: the fence is gone, and after a resume the link asks for a new one", async () => {
  const replicator = await createReplicator();
  await replicator.start();
  await replicator.follows();
  await deleteFences();
  await replicator.stopsWith("fenced");
  expect(await replicator.run(blocksOf("fenced"))).toContain("stopped: fenced");
  await replicator.run(resume);
  await replicator.stopsWith("fence-missing");
  await replicator.run(blocksOf("fence-missing"));
  expect((await replicator.follows()).epoch).toBe("2");
});

test("fence-missing: the target gets a fence above all there were", async () => {
  const replicator = await followed();
  await deleteFences();
  await replicator.start();
  await replicator.stopsWith("fence-missing");
  await replicator.run(blocksOf("fence-missing"));
  expect((await replicator.follows()).epoch).toBe("2");
});

test("fence-missing: where the source knows the link and the target does not, all of it is made anew", async () => {
  await atSource.mkdirp(fence);
  const replicator = await createReplicator();
  await replicator.start();
  await replicator.stopsWith("fence-missing");
  await replicator.run(blocksOf("fence-missing"));
  await replicator.follows();
});

test("fence-missing: with credentials, what is made belongs to them", async () => {
  await writeFile(join(folder, "credential"), "crossidc:secret\n", { mode: 0o600 });
  await atSource.mkdirp(fence);
  const replicator = await createReplicator({
    auth: `[{ scheme: digest, credentialFile: ${join(folder, "credential")} }]`,
  });
  await replicator.start();
  await replicator.stopsWith("fence-missing");
  await replicator.run(blocksOf("fence-missing"));
  await replicator.follows();
  const owned = (await atTarget.acl(fence)).map(({ perms, scheme }) => `${scheme} ${perms}`);
  expect(owned.toSorted()).toEqual(["digest 31", "world 1"]);
});

test("fence-ambiguous: a new fence stands alone, above the highest", async () => {
  const replicator = await followed();
  await atTarget.create(`${fence}/e-9`);
  await replicator.start();
  await replicator.stopsWith("fence-ambiguous");
  expect(await replicator.run(blocksOf("fence-ambiguous"))).toContain("e-9");
  expect((await replicator.follows()).epoch).toBe("10");
  expect(await atTarget.children(fence)).toEqual([expect.stringMatching(/^e-10-/)]);
});

test("a pause holds until it is resumed", async () => {
  const replicator = await createReplicator();
  await replicator.start();
  await replicator.follows();
  const [pause = "", end = ""] = commandsOf(page.split("**Pause**")[1]?.split(/^##/m)[0] ?? "").split(/^(?=idcctl)/m);
  await replicator.run(pause);
  await replicator.isPaused();
  await replicator.run(end);
  await replicator.follows();
});

test("wrong-direction: the source's fence is taken away, then the target gets one", async () => {
  await atSource.mkdirp(`${fence}/e-3`);
  const replicator = await createReplicator();
  await replicator.start();
  await replicator.stopsWith("wrong-direction");
  await replicator.run(blocksOf("wrong-direction"));
  await replicator.stopsWith("fence-missing");
  await replicator.run(blocksOf("fence-missing"));
  await replicator.follows();
});

test("claim-failed: the link's nodes are given to the new credentials", async () => {
  await writeFile(join(folder, "credential"), "old:secret\n", { mode: 0o600 });
  const auth = `[{ scheme: digest, credentialFile: ${join(folder, "credential")} }]`;
  const replicator = await createReplicator({ auth });
  await replicator.start();
  await replicator.follows();
  await replicator.stop();
  await writeFile(join(folder, "credential"), "new:secret\n");
  await replicator.start();
  expect((await replicator.stopsWith("claim-failed")).stopped?.detail).toContain("noAuth");
  await replicator.run(
    blocksOf("claim-failed").replaceAll("OLDUSER:OLDPASSWORD", "old:secret").replaceAll("USER:PASSWORD", "new:secret"),
  );
  await replicator.follows();
});

test("source-went-back: when the source is to win the target becomes like it", async () => {
  const replicator = await followed();
  await atSource[Symbol.asyncDispose]();
  await source.wipe();
  atSource = await connectApplication(source.address);
  await atSource.mkdirp("/zms/topic/a", "restored");
  await replicator.start();
  await replicator.stopsWith("source-went-back");
  expect(await atTarget.text("/zms/topic/a")).toBe("a");
  const shown = await replicator.run(blocksOf("source-went-back"));
  expect(shown).toContain("~ update  /zms/topic/a");
  await replicator.follows();
  await eventually(async () => expect(await atTarget.text("/zms/topic/a")).toBe("restored"), {
    withinMs: followsWithinMs,
  });
});

test("diverged: looked at, tried again in vain, and then the source wins; what was overwritten is in the journal", async () => {
  const replicator = await followed();
  await atTarget.set("/zms/topic/b", "of the target's applications");
  await replicator.start();
  await replicator.stopsWith("diverged");
  const [look = "", again = "", wins = "", ...rest] = blocksOf("diverged").split(/^(?=idcctl link resume)/m);
  expect([again, wins, rest.length]).toEqual([
    expect.not.stringContaining("--source-wins"),
    expect.stringContaining("--source-wins"),
    0,
  ]);
  // Of a link that is not well status says so with its exit code.
  const shown = await replicator.run(look.replace("idcctl link status zms", "idcctl link status zms || [ $? = 6 ]"));
  expect(shown).toContain("foreign /zms/topic/b");
  expect(shown).toContain("~ update  /zms/topic/b");
  await replicator.run(again);
  await replicator.stopsWith("diverged");
  expect(await atTarget.text("/zms/topic/b")).toBe("of the target's applications");
  await replicator.run(wins);
  await replicator.follows();
  await eventually(async () => expect(await atTarget.text("/zms/topic/b")).toBe("b"), { withinMs: followsWithinMs });
  const [, journal = ""] = page.split("## Drift and its journal\n");
  const printed = await replicator.run(commandsOf(journal.split(/^##/m)[0] ?? ""));
  expect(printed).toContain("/zms/topic/b");
  expect(printed).toContain("of the target's applications");
});

test("bad-data: the node is corrected at the source", async () => {
  await atSource.mkdirp("/json/settings", "{ not json");
  const replicator = await createReplicator({
    rules: '[{ match: "/json/{n}", to: "/json/{n}", data: { format: json, edits: [{ at: /a, set: b }] } }]',
  });
  await replicator.start();
  await replicator.stopsWith("bad-data");
  await atSource.set("/json/settings", '{ "a": "c" }');
  await replicator.run(resume);
  await replicator.follows();
});

/** The commands of a stop code's entry, in order. */
function blocksOf(code: StopCode): string {
  const [, entry = ""] = page.split(`### Stop: ${code}\n`);
  const [section = ""] = entry.split(/^##/m);
  const commands = commandsOf(section);
  expect(commands, `the entry of ${code} has commands`).not.toBe("");
  return commands;
}

function commandsOf(section: string): string {
  const blocks = [...section.matchAll(/^( *)```sh\n(.*?)^ *```$/gms)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  return blocks.join("");
}

const page = await readFile(inProject("docs/operations.md"), "utf8");
const resume = commandsOf(page.split("## Stop codes\n")[1]?.split(/^###/m)[0] ?? "");

async function deleteFences(): Promise<void> {
  for (const name of await atTarget.children(fence)) await atTarget.remove(`${fence}/${name}`);
}

/** A replicator that has followed, and was stopped. */
async function followed() {
  const replicator = await createReplicator();
  await replicator.start();
  await replicator.follows();
  await eventually(async () => expect(await atTarget.text("/zms/topic/c")).toBe("c"), { withinMs: followsWithinMs });
  await replicator.stop();
  return replicator;
}

async function createReplicator({ auth = "[]", rules = '[{ match: "/zms/**", to: "/zms/**" }]' } = {}) {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const own = await mkdtemp(join(folder, "replicator-"));
  const config = join(own, "replicator.yaml");
  const lines = [
    "site: idc2",
    `http: { listen: "127.0.0.1:${port}" }`,
    "links:",
    "  - name: zms",
    "    kind: zookeeper",
    `    source: { servers: ["${source.address}"] }`,
    `    target: { servers: ["${target.address}"], auth: ${auth} }`,
    `    rules: ${rules}`,
    "    onBadData: stop",
  ];
  await writeFile(config, lines.join("\n"));
  // idcctl on the replicator's machine finds it by itself; here there are several.
  await writeFile(join(own, "idcctl"), `#!/bin/sh\nexec ${inProject("bin/idcctl")} --endpoint ${endpoint} "$@"\n`);
  await chmod(join(own, "idcctl"), 0o755);

  const report = async (): Promise<LinkReport> =>
    (await (await fetch(`${endpoint}/v1/links/zms`)).json()) as LinkReport;
  const reaches = (phase: string): Promise<LinkReport> =>
    eventually(
      async () => {
        const link = await report().catch((error: unknown) => {
          throw new Error(`${messageOf(error)}. ${started.at(-1)?.log()}`);
        });
        expect(`${link.phase} ${link.stopped?.detail ?? ""}`).toContain(phase);
        return link;
      },
      { withinMs: followsWithinMs },
    );

  let daemon: RunningProcess | undefined;
  const self = {
    async start() {
      daemon = startProcess(inProject("bin/crossidc-replicator"), ["--config", config]);
      started.push(daemon);
      await daemon.waitForLine(/replicator started/, { timeoutMs });
    },
    async stop() {
      await daemon?.kill("SIGTERM");
    },
    follows: () => reaches("following"),
    isPaused: () => reaches("paused"),
    async stopsWith(code: StopCode) {
      const link = await reaches("stopped");
      expect(link.stopped?.code).toBe(code);
      return link;
    },
    /** Gives what the commands printed. */
    async run(commands: string): Promise<string> {
      let printed = "";
      for (const part of commands.split(/^systemctl (stop|start) crossidc-replicator\n/m)) {
        if (part === "stop") await self.stop();
        else if (part === "start") await self.start();
        else if (part !== "") printed += await shell(part, own);
      }
      return printed;
    },
  };
  return self;
}

async function shell(commands: string, commandFolder: string): Promise<string> {
  const script = commands.replaceAll("TARGET", target.address).replaceAll("SOURCE", source.address);
  const { code, stdout, stderr } = await runProcess("sh", ["-e", "-c", script], {
    timeoutMs,
    // A zkCli.sh for each line of the page: they start in half the time so.
    env: {
      PATH: `${commandFolder}:/usr/share/zookeeper/bin:${process.env["PATH"]}`,
      JAVA_TOOL_OPTIONS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    },
  });
  // idcctl link status says by its code that a link is not well.
  expect(script.includes("link status") ? [0, 6] : [0], `${script}\n${stdout}\n${stderr}`).toContain(code);
  return stdout + stderr;
}
