import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { freePorts } from "../../test/integration/harness/ports.ts";
import { runProcess, startProcess } from "../../test/integration/harness/process.ts";
import { inProject, projectFolder } from "../../test/integration/harness/project.ts";
import { startZooKeeper } from "../../test/integration/harness/zookeeper.ts";
import { startNotifySocket } from "./notify-socket.ts";

const timeoutMs = 30_000;
const daemons = ["replicator", "arbiter", "router"] as const;
const configOf = (daemon: string): string => `config/examples/${daemon === "router" ? "idc-router" : daemon}.yaml`;
const unitOf = (daemon: string): string => `crossidc-${daemon}.service`;
/** Where the unit expects the tree. */
const installedAt = "/opt/crossidc";
/** In tenths; the scale goes to 100, systemd calls up to 20 "OK". What is left: networks, and V8's executable memory. */
const exposureMax = 13;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crossidc-units-"));
  for (const unit of daemons.map(unitOf)) {
    const installed = await readFile(inProject(`deploy/systemd/${unit}`), "utf8");
    await writeFile(join(folder, unit), installed.replaceAll(installedAt, projectFolder));
    await mkdir(join(folder, `${unit}.d`));
    const credentials = await readFile(inProject(`deploy/systemd/${unit}.d/credentials.conf`), "utf8");
    await writeFile(join(folder, `${unit}.d`, "credentials.conf"), credentials);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.for(daemons)("systemd understands every line of the %s's unit and of its drop-in", async (name) => {
  const unit = join(folder, unitOf(name));
  const { code, stdout, stderr } = await runProcess("systemd-analyze", ["verify", "--man=no", unit], { timeoutMs });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});

test.for(daemons)("the unit leaves the %s little to abuse", async (name) => {
  const { code, stdout } = await runProcess(
    "systemd-analyze",
    ["security", "--offline=true", "--no-pager", `--threshold=${exposureMax}`, join(folder, unitOf(name))],
    { timeoutMs },
  );
  expect(code, stdout).toBe(0);
});

test.for(daemons)("each credential of the %s's sample config is handed over by the sample drop-in", async (name) => {
  const unit = unitOf(name);
  const config = await readFile(inProject(configOf(name)), "utf8");
  const dropIn = await readFile(inProject(`deploy/systemd/${unit}.d/credentials.conf`), "utf8");
  const handedOver = [...dropIn.matchAll(/^LoadCredential=([^:]+):/gm)].map(([, credential]) => credential);
  expect(credentialFiles(parse(config))).toEqual(handedOver.map((each) => `/run/credentials/${unit}/${each}`));
});

test("systemd hears that the daemon is up, how its links are, that it lives, and that it stops", async () => {
  await using source = await startZooKeeper({ version: "3.8" });
  await using target = await startZooKeeper({ version: "3.8" });
  const { notified, daemon, close } = await startDaemon(source.address, target.address);
  try {
    await notified.waitForLine(/^READY=1 \| STATUS=zms: connecting, 0 pending$/, { timeoutMs });
    await notified.waitForLine(/^STATUS=zms: following, 0 pending$/, { timeoutMs });
    await notified.waitForLine(/^WATCHDOG=1$/, { timeoutMs });
    daemon.signal("SIGTERM");
    await notified.waitForLine(/^STOPPING=1$/, { timeoutMs });
    expect(await daemon.exit).toEqual({ code: 0, signal: null });
  } finally {
    await close();
  }
});

test("a daemon whose ZooKeepers are away is up, feeds its watchdog and does not end", async () => {
  const [source, target] = await freePorts(2);
  const { notified, daemon, close } = await startDaemon(`127.0.0.1:${source}`, `127.0.0.1:${target}`);
  try {
    await notified.waitForLine(/^READY=1 /, { timeoutMs });
    // Fed once a second: twice more shows that it goes on, about two seconds.
    for (let fed = 0; fed < 2; fed += 1) {
      await notified.waitForLine(/^WATCHDOG=1$/, { timeoutMs, after: notified.lineCount });
    }
    await notified.waitForLine(/^STATUS=zms: connecting, 0 pending$/, { timeoutMs });
    expect(daemon.running).toBe(true);
    expect(await daemon.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  } finally {
    await close();
  }
});

test("systemd hears that an arbiter without etcd is up, degraded, that it lives, and that it stops", async () => {
  const [etcd, controller, nameserver] = await freePorts(3);
  const own = await mkdtemp(join(folder, "arbiter-"));
  const config = join(own, "arbiter.yaml");
  await writeFile(
    config,
    `
site: idc1
idcs: [{ name: idc1, cidrs: [10.1.0.0/16] }]
http: { listen: "127.0.0.1:0" }
etcd: { endpoints: ["127.0.0.1:${etcd}"] }
controller: { listen: "127.0.0.1:${controller}", advertise: "127.0.0.1:${controller}" }
clusters: [{ name: C1, kind: rocketmq, nameservers: ["127.0.0.1:${nameserver}"] }]
`,
  );
  const notified = await startNotifySocket(own);
  const daemon = startProcess(inProject("bin/crossidc-arbiter"), ["--config", config], {
    env: { NOTIFY_SOCKET: notified.path },
  });
  try {
    const status = "degraded: no quorum in etcd, no voting sites: idcctl init, no sets";
    await notified.waitForLine(new RegExp(`^READY=1 \\| STATUS=${status}$`), { timeoutMs });
    for (let fed = 0; fed < 2; fed += 1) {
      await notified.waitForLine(/^WATCHDOG=1$/, { timeoutMs, after: notified.lineCount });
    }
    daemon.signal("SIGTERM");
    await notified.waitForLine(/^STOPPING=1$/, { timeoutMs });
    expect(await daemon.exit).toEqual({ code: 0, signal: null });
  } finally {
    await daemon.kill();
    await notified.kill();
  }
});

test("systemd hears that a router without any source is up, degraded, that it lives, and that it stops", async () => {
  const [nameserver] = await freePorts(1);
  const own = await mkdtemp(join(folder, "router-"));
  const config = join(own, "idc-router.yaml");
  await writeFile(
    config,
    `
site: idc1
idcs: [{ name: idc1, cidrs: [10.1.0.0/16] }]
http: { listen: "127.0.0.1:0" }
nameserver: { listen: "127.0.0.1:${(await freePorts(1))[0]}" }
clusters: [{ name: C1, kind: rocketmq, nameservers: ["127.0.0.1:${nameserver}"] }]
lastGood: table.json
`,
  );
  const notified = await startNotifySocket(own);
  const daemon = startProcess(inProject("bin/crossidc-router"), ["--config", config], {
    env: { NOTIFY_SOCKET: notified.path },
  });
  try {
    await notified.waitForLine(/^READY=1 \| STATUS=.*0 sets, 0 topics$/, { timeoutMs });
    await notified.waitForLine(/^STATUS=degraded: no name server of C1, revision 1, 0 sets, 0 topics$/, { timeoutMs });
    for (let fed = 0; fed < 2; fed += 1) {
      await notified.waitForLine(/^WATCHDOG=1$/, { timeoutMs, after: notified.lineCount });
    }
    daemon.signal("SIGTERM");
    await notified.waitForLine(/^STOPPING=1$/, { timeoutMs });
    expect(await daemon.exit).toEqual({ code: 0, signal: null });
    expect(await readFile(join(own, "table.json"), "utf8")).toMatch(/^crossidc-table 1 /);
  } finally {
    await daemon.kill();
    await notified.kill();
  }
});

/** The launcher as the unit starts it, with a notify socket in place of systemd's. */
async function startDaemon(source: string, target: string) {
  const own = await mkdtemp(join(folder, "daemon-"));
  const config = join(own, "replicator.yaml");
  await writeFile(
    config,
    `
site: idc2
http: { listen: "127.0.0.1:0" }
links:
  - name: zms
    kind: zookeeper
    source: { servers: ["${source}"] }
    target: { servers: ["${target}"] }
    rules: [{ match: "/zms/**", to: "/zms/**" }]
`,
  );
  const notified = await startNotifySocket(own);
  const daemon = startProcess(inProject("bin/crossidc-replicator"), ["--config", config], {
    env: { NOTIFY_SOCKET: notified.path },
  });
  const close = async (): Promise<void> => {
    await daemon.kill();
    await notified.kill();
  };
  return { notified, daemon, close };
}

function credentialFiles(value: unknown): string[] {
  if (typeof value === "string") return value.startsWith("/run/credentials/") ? [value] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(credentialFiles) : [];
}
