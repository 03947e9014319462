import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "#lib/errors.ts";
import type { Certificates } from "./certificates.ts";
import { makeDataFolder } from "./data-folder.ts";
import { eventually } from "./eventually.ts";
import { freePorts } from "./ports.ts";
import { type RunningProcess, runProcess, startProcess } from "./process.ts";
import { inProject } from "./project.ts";

/** An election is over by then, on a busy machine too. */
const readyMsMax = 40_000;
const etcdctlMsMax = 20_000;
const startsMax = 5;

interface EtcdMember {
  readonly name: string;
  /** "127.0.0.1:port" */
  readonly endpoint: string;
  /** A crash: SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again, with its data. Waits for nothing. */
  start(): void;
  /** SIGSTOP, in force at return. The kernel still accepts connections for it. */
  stop(): void;
  cont(): void;
}

export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly string[];
  /** Waits until every member can have a write committed. */
  ready(): Promise<void>;
  leader(): Promise<EtcdMember>;
  /** Runs etcdctl against all members, or those that `--endpoints` names, and gives its standard output. */
  ctl(...args: readonly string[]): Promise<string>;
  /** Kills all members and starts them with what a snapshot holds. @param token another one makes another cluster of it */
  restore(snapshot: string, token: string): Promise<void>;
  /** A folder of its own, removed at the end. */
  readonly folder: string;
}

export interface EtcdClusterOptions {
  readonly size: 1 | 3;
  /** Clients must show a certificate. */
  readonly certificates?: Certificates;
  readonly args?: readonly string[];
}

/** Debian's etcd 3.4 on loopback. Resolves when it serves. */
export async function startEtcd(options: EtcdClusterOptions): Promise<EtcdCluster> {
  for (let starts = 1; ; starts += 1) {
    const cluster = await createCluster(options);
    try {
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      if (!messageOf(error).includes("address already in use") || starts === startsMax) throw error;
    }
  }
}

const firstToken = "crossidc-test";

async function createCluster({ size, certificates, args = [] }: EtcdClusterOptions): Promise<EtcdCluster> {
  const folder = await makeDataFolder("crossidc-etcd-");
  const tls = certificates === undefined ? undefined : await writeTls(folder, certificates);
  const scheme = tls === undefined ? "http" : "https";
  const ports = await freePorts(size * 2);
  const places = Array.from({ length: size }, (_, index) => ({
    name: `m${index + 1}`,
    client: `127.0.0.1:${ports[index * 2]}`,
    peer: `http://127.0.0.1:${ports[index * 2 + 1]}`,
  }));
  const initialCluster = places.map(({ name, peer }) => `${name}=${peer}`).join(",");
  let token = firstToken;
  let generation = 0;
  const dataDir = (name: string) => join(folder, `${name}-${generation}`);
  const processes = new Map<string, RunningProcess>();
  const processOf = (name: string): RunningProcess => {
    const found = processes.get(name);
    if (found === undefined) throw new Error(`etcd ${name} was never started`);
    return found;
  };

  const members = places.map(({ name, client, peer }): EtcdMember => {
    const clientUrl = `${scheme}://${client}`;
    return {
      name,
      endpoint: client,
      kill: async () => void (await processOf(name).kill()),
      start() {
        const all = [
          ...["--name", name, "--data-dir", dataDir(name)],
          ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
          ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
          ...["--initial-cluster", initialCluster, "--initial-cluster-token", token],
          ...["--logger", "zap", "--log-level", "error"],
          ...(tls === undefined ? [] : tls.server),
          ...args,
        ];
        const env = { ETCD_UNSUPPORTED_ARCH: process.arch === "arm64" ? "arm64" : undefined };
        processes.set(name, startProcess(inProject(".cache/etcd/usr/bin/etcd"), all, { name: `etcd-${name}`, env }));
      },
      stop: () => processOf(name).stop(),
      cont: () => processOf(name).signal("SIGCONT"),
    };
  });

  const etcdctl = async (endpoints: string, argsOfOne: readonly string[]): Promise<string> => {
    const all = [
      "--endpoints",
      endpoints,
      "--command-timeout",
      `${etcdctlMsMax}ms`,
      ...(tls?.client ?? []),
      ...argsOfOne,
    ];
    const { code, stdout, stderr } = await runProcess(inProject(".cache/etcd/usr/bin/etcdctl"), all, {
      timeoutMs: etcdctlMsMax,
      env: { ETCDCTL_API: "3" },
    });
    if (code !== 0) throw new Error(`etcdctl ${argsOfOne.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  };
  const endpoints = members.map(({ endpoint }) => endpoint);
  const self: EtcdCluster = {
    members,
    endpoints,
    folder,
    async ready() {
      for (const { name, endpoint } of members) {
        await eventually(
          () => {
            if (!processOf(name).running) throw new Error(`etcd ${name} has ended. ${processOf(name).log()}`);
            return etcdctl(endpoint, ["endpoint", "health"]);
          },
          { withinMs: readyMsMax, everyMs: 50 },
        );
      }
    },
    async leader() {
      for (const member of members) {
        const fields = await etcdctl(member.endpoint, ["endpoint", "status", "-w", "fields"]);
        const [own, leader] = [/"MemberID" : (\d+)/.exec(fields)?.[1], /"Leader" : (\d+)/.exec(fields)?.[1]];
        if (own !== undefined && own === leader) return member;
      }
      throw new Error("no member of etcd says that it leads");
    },
    ctl: (...argsOfOne) => etcdctl(endpoints.join(","), argsOfOne),
    async restore(snapshot, newToken) {
      await Promise.all(members.map((member) => member.kill()));
      token = newToken;
      generation += 1;
      for (const { name, peer } of places) {
        await etcdctl("", [
          ...["snapshot", "restore", snapshot, "--name", name, "--data-dir", dataDir(name)],
          ...["--initial-cluster", initialCluster, "--initial-cluster-token", token],
          ...["--initial-advertise-peer-urls", peer],
        ]);
      }
      for (const member of members) member.start();
      await self.ready();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...processes.values()].map((each) => each[Symbol.asyncDispose]()));
      await rm(folder, { recursive: true, force: true });
    },
  };
  for (const member of members) member.start();
  return self;
}

/** Arguments of the server and of etcdctl. */
async function writeTls(folder: string, { files, client }: Certificates) {
  await mkdir(folder, { recursive: true });
  const file = (name: string) => join(folder, name);
  await writeFile(file("client.crt"), client.cert);
  await writeFile(file("client.key"), client.key);
  return {
    // Certificate and key in one file: Go takes out of it what it needs.
    server: [
      ...["--cert-file", files.server, "--key-file", files.server],
      ...["--client-cert-auth", "--trusted-ca-file", files.ca],
    ],
    client: ["--cacert", files.ca, "--cert", file("client.crt"), "--key", file("client.key")],
  };
}
