import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idcEntry } from "../harness/idc-entry.ts";
import { cluster } from "../harness/name-server.ts";
import { freePorts } from "../harness/ports.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";

/** A router as its launcher starts it, with limits that one machine full of clients does not reach. */
export interface RouterUnderTest extends AsyncDisposable {
  /** The newest one. */
  readonly process: RunningProcess;
  /** Of the name server door, and of HTTP: host:port. */
  readonly door: string;
  readonly http: string;
  /** Ends it as systemd does, and starts it with what it has left behind. */
  restart(): Promise<void>;
}

export interface RouterSources {
  readonly nameServer: string;
  /** Without it nobody says what operators want. */
  readonly etcd?: readonly string[];
}

export interface RouterOptions {
  readonly limits?: Readonly<Record<string, number>>;
  /** Folder for V8's CPU profile, which is written at the end. */
  readonly profile?: string | undefined;
}

const environment = "test";
/** Of the site, whose clients these are unless their address says otherwise. */
export const ownIdc = "idc1";
const readyMsMax = 60_000;

export async function startRouter(
  { nameServer, etcd }: RouterSources,
  { limits = {}, profile }: RouterOptions = {},
): Promise<RouterUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-router-"));
  const [doorPort, httpPort] = await freePorts(2);
  const [door, http] = [`127.0.0.1:${doorPort}`, `127.0.0.1:${httpPort}`];
  const config = join(folder, "idc-router.yaml");
  await writeFile(
    config,
    JSON.stringify({
      environment,
      site: ownIdc,
      idcs: [1, 2].map((nth) => ({ name: `idc${nth}`, cidrs: [`127.${nth}.0.0/16`] })),
      ...(etcd === undefined ? {} : { etcd: { endpoints: etcd } }),
      http: { listen: http },
      nameserver: { listen: door, doors: { [ownIdc]: [door] }, requestsPerSecond: 100_000 },
      clusters: [{ name: cluster, kind: "rocketmq", nameservers: [nameServer] }],
      limits: { subscribersMax: 20_000, requestsPerSecond: 100_000, ...limits },
      lastGood: "table.json",
    }),
  );
  if (profile !== undefined) await mkdir(profile, { recursive: true });
  const env = profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` };

  async function start(): Promise<RunningProcess> {
    const started = startProcess(inProject("bin/crossidc-router"), ["--config", config], { env });
    await started.waitForLine(/router started/, { timeoutMs: readyMsMax });
    return started;
  }

  let process = await start();
  return {
    get process() {
      return process;
    },
    door,
    http,
    async restart() {
      const { code } = await process.kill("SIGTERM");
      if (code !== 0) throw new Error(`the router ended with ${code}. ${process.log()}`);
      process = await start();
    },
    async [Symbol.asyncDispose]() {
      // With a profile it has something to write.
      await process.kill(profile === undefined ? "SIGKILL" : "SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What operators want of IDCs, as arbiters write it: each with a higher epoch. */
export function createWishes(put: (key: string, value: string) => Promise<void>): {
  /** Resolves when etcd has it. */
  drain(isDrained: boolean): Promise<void>;
} {
  let epoch = 0;
  return {
    async drain(isDrained) {
      epoch += 1;
      const { key, text } = idcEntry(environment, ownIdc, { state: isDrained ? "drained" : "active", epoch });
      await put(key, text);
    },
  };
}
