import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "#lib/errors.ts";
import { makeDataFolder } from "./data-folder.ts";
import { eventually } from "./eventually.ts";
import { freePorts } from "./ports.ts";
import { startZooKeeper, type ZooKeeperOptions, type ZooKeeperServer } from "./zookeeper.ts";

const leaderMsMax = 20_000;
const startsMax = 5;

export interface Ensemble extends AsyncDisposable {
  readonly servers: readonly ZooKeeperServer[];
  /** The client addresses of all servers. */
  readonly connect: readonly string[];
  /** Waits until one of the servers that answer says it leads. */
  leader(): Promise<ZooKeeperServer>;
  /** A server that answers and does not lead. */
  follower(): Promise<ZooKeeperServer>;
}

export type EnsembleOptions = Omit<ZooKeeperOptions, "dataDir" | "port"> & { readonly size: 3 | 5 };

/** Starts servers that replicate each other, on loopback, and waits until all of them serve. */
export async function startEnsemble(options: EnsembleOptions): Promise<Ensemble> {
  const folder = await makeDataFolder("crossidc-ensemble-");
  const servers = await startAll(options, folder).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    servers,
    connect: servers.map((server) => server.address),
    leader: () => withMode(servers, "leader"),
    follower: () => withMode(servers, "follower"),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** All or none: a port that was taken meanwhile means other ports for all, as each server knows the ports of the others. */
async function startAll(options: EnsembleOptions, folder: string): Promise<ZooKeeperServer[]> {
  for (let starts = 1; ; starts += 1) {
    const starting = await Promise.allSettled(await startEach(options, join(folder, String(starts))));
    const servers = starting.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failure = starting.find((one) => one.status === "rejected");
    if (failure === undefined) return servers;
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    if (!messageOf(failure.reason).includes("BindException") || starts === startsMax) throw failure.reason;
  }
}

async function startEach(options: EnsembleOptions, folder: string): Promise<Promise<ZooKeeperServer>[]> {
  const { size, config, ...rest } = options;
  const ids = Array.from({ length: size }, (_, index) => index + 1);
  const ports = await freePorts(size * 3);
  const portOf = (id: number, use: number) => ports[(id - 1) * 3 + use] ?? 0;
  const members = Object.fromEntries(ids.map((id) => [`server.${id}`, `127.0.0.1:${portOf(id, 1)}:${portOf(id, 2)}`]));

  // One failure ends the start of the others: without it they would wait for a quorum until their time is over.
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  return ids.map(async (id) => {
    const dataDir = join(folder, String(id));
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, "myid"), String(id));
    try {
      return await startZooKeeper({
        ...rest,
        dataDir,
        port: portOf(id, 0),
        config: { initLimit: "50", syncLimit: "25", standaloneEnabled: "false", ...members, ...config },
        signal,
      });
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
}

async function withMode(servers: readonly ZooKeeperServer[], mode: "leader" | "follower"): Promise<ZooKeeperServer> {
  return await eventually(
    async () => {
      for (const server of servers) {
        // One that is killed or frozen does not answer; the others may.
        const answer = await server.fourLetter("srvr").catch(messageOf);
        if (answer.includes(`Mode: ${mode}`)) return server;
      }
      throw new Error(`none of ${servers.map((server) => server.address).join(", ")} is a ${mode}`);
    },
    { withinMs: leaderMsMax, everyMs: 50 },
  );
}
