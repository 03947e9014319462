import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePorts } from "../harness/ports.ts";
import { type RunningProcess, runProcess, startProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";

/** Three arbiters on loopback, as their launcher starts them, over one etcd. */

export const sites = ["idc1", "idc2", "witness"] as const;
type Site = (typeof sites)[number];

const startMsMax = 60_000;
const commandMsMax = 60_000;

interface Arbiter {
  readonly site: Site;
  readonly endpoint: string;
  readonly configFile: string;
  /** host:port of its controller door. */
  readonly controller: string;
  readonly process: RunningProcess;
}

export interface Arbiters extends AsyncDisposable {
  readonly of: Readonly<Record<Site, Arbiter>>;
  /** `idcctl <args>` at all of them, or at those named. */
  idcctl(args: readonly string[], at?: readonly Site[]): ReturnType<typeof runProcess>;
  readonly folder: string;
}

/** @param changes to the config of all of them, in place of C1 and the usual times */
export async function startArbiters(etcd: readonly string[], changes: object = {}): Promise<Arbiters> {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-arbiters-"));
  const ports = await freePorts(sites.length * 2 + 1);
  const nameserver = `127.0.0.1:${ports.pop()}`;
  const started: Arbiter[] = [];
  const close = async (): Promise<void> => {
    for (const { process } of started) await process.kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const site of sites) started.push(await start(site, { folder, ports, etcd, nameserver, changes }));
    await Promise.all(started.map(({ process }) => process.waitForLine(/arbiter started/, { timeoutMs: startMsMax })));
  } catch (error) {
    await close();
    throw error;
  }
  const of = Object.fromEntries(started.map((arbiter) => [arbiter.site, arbiter])) as Record<Site, Arbiter>;
  return {
    of,
    folder,
    idcctl: (args, at = sites) =>
      runProcess(inProject("bin/idcctl"), [...args, ...at.flatMap((site) => ["--endpoint", of[site].endpoint])], {
        timeoutMs: commandMsMax,
      }),
    [Symbol.asyncDispose]: close,
  };
}

async function start(
  site: Site,
  around: { folder: string; ports: number[]; etcd: readonly string[]; nameserver: string; changes: object },
): Promise<Arbiter> {
  const http = `127.0.0.1:${around.ports.pop()}`;
  const controller = `127.0.0.1:${around.ports.pop()}`;
  const configFile = join(around.folder, `${site}.yaml`);
  const config = {
    site,
    idcs: sites.map((name, index) => ({ name, cidrs: [`10.${index + 1}.0.0/16`] })),
    etcd: { endpoints: [...around.etcd] },
    http: { listen: http },
    controller: { listen: controller, advertise: controller },
    clusters: [{ name: "C1", kind: "rocketmq", nameservers: [around.nameserver] }],
    ...around.changes,
  };
  await writeFile(configFile, stringify(config));
  const process = startProcess(inProject("bin/crossidc-arbiter"), ["--config", configFile], {
    name: `arbiter-${site}`,
  });
  return { site, endpoint: `http://${http}`, configFile, controller, process };
}
