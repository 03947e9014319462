import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import type { LinkReport } from "../../replicator/io/report.ts";
import { type Application, connectApplication } from "../../test/integration/harness/application.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import { freePort } from "../../test/integration/harness/ports.ts";
import { type RunningProcess, runProcess, startProcess } from "../../test/integration/harness/process.ts";
import { inProject, projectFolder } from "../../test/integration/harness/project.ts";
import { startZooKeeper } from "../../test/integration/harness/zookeeper.ts";
import { replicatorYaml } from "./zms.ts";

/** Deletes that the brake lets pass in its window; see the accident in the story. */
export const maxDeletes = 50;

const linkName = "zms";
const readyMsMax = 20_000;
const commandMsMax = 60_000;
/** Logs of earlier demos; a day is enough to look into one. */
const folderAgeMsMax = 24 * 3_600_000;

interface Idc {
  readonly name: string;
  readonly address: string;
  readonly version: string;
  /** An application of this IDC, with a ZooKeeper client that is not crossidc's. */
  readonly application: Application;
}

/** Everything the story needs, on loopback and free ports. */
export interface World {
  readonly idc1: Idc;
  readonly idc2: Idc;
  /** The replicator's HTTP address. */
  readonly endpoint: string;
  /** From the project's folder, as the next one. */
  readonly configFile: string;
  readonly logFile: string;
  /** Starts the daemon through its launcher, and again after it was killed. Resolves when its HTTP door answers. */
  startReplicator(): Promise<void>;
  /** kill -9 */
  killReplicator(): Promise<void>;
  link(): Promise<LinkReport>;
  metrics(): Promise<string>;
  idcctl(
    ...args: readonly string[]
  ): Promise<{ readonly command: string; readonly code: number; readonly text: string }>;
}

/** @param ports wished ones, for people who stay; those that are taken are replaced by free ones */
export async function startWorld(
  stack: AsyncDisposableStack,
  options: { signal: AbortSignal; ports: { idc1: number; idc2: number; http: number } | undefined },
): Promise<World> {
  const { signal, ports } = options;
  const folder = await makeFolder();
  // The servers' own data goes; config and log stay for whoever wants to look.
  const dataDirs = { idc1: join(folder, "zookeeper-idc1"), idc2: join(folder, "zookeeper-idc2") };
  stack.defer(async () => {
    for (const dataDir of Object.values(dataDirs)) await rm(dataDir, { recursive: true, force: true });
  });
  const newest = existsSync(inProject(".cache/zookeeper-3.9.3/stamp")) ? "3.9" : "3.8";
  const startIdc = async (name: "idc1" | "idc2", version: "3.8" | "3.9"): Promise<Idc> => {
    const port = await ifFree(ports?.[name]);
    const at = port === undefined ? {} : { port };
    const server = stack.use(await startZooKeeper({ version, dataDir: dataDirs[name], signal, ...at }));
    const application = stack.use(await connectApplication(server.address));
    return { name: name.toUpperCase(), address: server.address, version, application };
  };
  const [idc1, idc2] = await Promise.all([startIdc("idc1", "3.8"), startIdc("idc2", newest)]);

  const listen = `127.0.0.1:${(await ifFree(ports?.http)) ?? (await freePort())}`;
  const endpoint = `http://${listen}`;
  const configFile = join(relative(projectFolder, folder), "replicator.yaml");
  const logFile = join(relative(projectFolder, folder), "replicator.log");
  await writeFile(
    inProject(configFile),
    replicatorYaml({ source: idc1.address, target: idc2.address, listen, maxDeletes }),
  );
  let daemon: RunningProcess | undefined;
  const killReplicator = async (): Promise<void> => void (await daemon?.kill("SIGKILL"));
  stack.defer(async () => void (await daemon?.kill("SIGTERM")));

  const get = async (path: string): Promise<Response> => {
    const response = await fetch(new URL(path, endpoint), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(readyMsMax)]),
    });
    if (!response.ok) throw new Error(`The replicator answered ${response.status} to ${path}: see ${logFile}`);
    return response;
  };
  return {
    idc1,
    idc2,
    endpoint,
    configFile,
    logFile,
    async startReplicator() {
      const launch = 'exec "$0" --config "$1" >>"$2" 2>&1';
      const started = startProcess("sh", ["-c", launch, inProject("bin/crossidc-replicator"), configFile, logFile], {
        name: "crossidc-replicator",
      });
      daemon = started;
      const ended = new AbortController();
      void started.exit.then(() => ended.abort(new Error("The replicator ended")));
      const giveUp = AbortSignal.any([signal, ended.signal]);
      await eventually(() => get("/livez"), { withinMs: readyMsMax, signal: giveUp });
    },
    killReplicator,
    link: async () => (await (await get(`/v1/links/${linkName}`)).json()) as LinkReport,
    metrics: async () => (await get("/metrics")).text(),
    async idcctl(...args) {
      const { code, stdout, stderr } = await runProcess(inProject("bin/idcctl"), ["--endpoint", endpoint, ...args], {
        timeoutMs: commandMsMax,
      });
      return { command: `bin/idcctl --endpoint ${endpoint} ${args.join(" ")}`, code: code ?? 1, text: stdout + stderr };
    },
  };
}

/** The port, unless somebody listens there. */
async function ifFree(port: number | undefined): Promise<number | undefined> {
  if (port === undefined) return undefined;
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

async function makeFolder(): Promise<string> {
  const all = inProject(".cache/demo");
  for (const name of await readdir(all).catch(() => [])) {
    const folder = join(all, name);
    if (Date.now() - (await stat(folder)).mtimeMs > folderAgeMsMax) await rm(folder, { recursive: true, force: true });
  }
  const folder = join(all, `${new Date().toISOString().slice(0, 19).replaceAll(":", "")}-${process.pid}`);
  await mkdir(folder, { recursive: true });
  return folder;
}
