import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type Application, connectApplication } from "../harness/application.ts";
import { eventually } from "../harness/eventually.ts";
import { freePort } from "../harness/ports.ts";
import { type Proxy as Line, startProxy } from "../harness/proxy.ts";
import { readTransactions, type Transaction } from "../harness/transaction-log.ts";
import { startZooKeeper, type ZooKeeperServer } from "../harness/zookeeper.ts";
import { type Daemon, runIdcctl, runReplicator, startDaemon } from "./daemon.ts";
import { faultsOf } from "./history.ts";
import { linkFile } from "./link-file.ts";
import { differences } from "./model.ts";
import { snapshot, type Tree } from "./snapshot.ts";

/** Longest way of one change from the source to the target while nothing is broken. */
const carriedMsMax = 15_000;

type Version = Parameters<typeof startZooKeeper>[0]["version"];

type Side = "source" | "target";

/** Where a room can be: two sides, and what they have done. An address may be several, with commas between. */
export interface Place {
  /** For applications. */
  readonly source: { readonly address: string };
  readonly target: { readonly address: string };
  /** For the replicator. */
  readonly sourceLine: { readonly address: string };
  readonly targetLine: { readonly address: string };
  readonly folder: string;
  /** What a side's servers have done, by their own logs. @param below as a client with this chroot would see it */
  transactions(side: Side, options: { below: string }): Promise<Transaction[]>;
}

/** A source and a target server, each with a line that can break. */
export interface World extends Place, AsyncDisposable {
  readonly source: ZooKeeperServer;
  readonly target: ZooKeeperServer;
  readonly sourceLine: Line;
  readonly targetLine: Line;
}

/** @param options.jvmArgs of both servers, for trees that are larger than usual */
export async function startWorld(
  versions: { source: Version; target: Version },
  options: { jvmArgs?: readonly string[] } = {},
): Promise<World> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "crossidc-replicator-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const servers = await Promise.allSettled([
    startZooKeeper({ ...options, version: versions.source }),
    startZooKeeper({ ...options, version: versions.target }),
  ]);
  for (const server of servers) if (server.status === "fulfilled") started.use(server.value);
  const [source, target] = servers.map((server) => {
    if (server.status === "rejected") throw server.reason;
    return server.value;
  });
  if (source === undefined || target === undefined) throw new Error("both servers have started");
  const sourceLine = started.use(await startProxy({ target: source.address }));
  const targetLine = started.use(await startProxy({ target: target.address }));
  const all = started.move();
  const ends = { source, target };
  return {
    ...ends,
    sourceLine,
    targetLine,
    folder,
    transactions: (side, options) => readTransactions(ends[side].dataDir, options),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

export interface RoomOptions {
  /** Keys of the link, of its source and of its target, that differ from the usual ones. */
  readonly link?: Readonly<Record<string, unknown>>;
  readonly source?: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
}

/** A config file, and the means to run a replicator by it. */
interface Replica {
  readonly configFile: string;
  /** Starts the daemon; it is killed at the end of the room, if it still runs then. */
  start(): Promise<Daemon>;
  once(): ReturnType<typeof runReplicator>;
  run(...args: readonly string[]): ReturnType<typeof runReplicator>;
  /** `idcctl link <args>` at this daemon. */
  idcctl(...args: readonly string[]): ReturnType<typeof runIdcctl>;
}

/** A part of both servers that one test has for itself (a chroot), and the means to run a replicator between them. */
export interface Room extends Replica, AsyncDisposable {
  readonly source: Application;
  readonly target: Application;
  /** Where both applications are; paths in the servers' transaction logs begin with it. */
  readonly chroot: string;
  /** Connects one more application, which is closed with the room. @param address one of the side's servers, or several */
  connect(side: Side, address?: string): Promise<Application>;
  /** The same, closed by the caller. */
  connectOnce(side: Side, address?: string): Promise<Application>;
  /** Connects outside the room, at the server's root; closed by the caller. */
  connectRoot(side: Side): Promise<Application>;
  /** One more replicator for the same link, in the same place. */
  configure(options: RoomOptions): Promise<Replica>;
  /** Writes a last node at the source and waits for it in the target: what came before has been noticed by then. */
  carried(): Promise<void>;
  /** Asserts that the target is what the model makes of the source, and is untouched elsewhere. @param before see differences() */
  expectEqual(before: Tree): Promise<void>;
  /**
   * Asserts by the servers' own transaction logs that the target never went back, was never written in vain or outside the
   * rules, and ends with the source's last states; and that only the room's applications have written at the source.
   */
  expectRightHistory(): Promise<void>;
}

let rooms = 0;

export async function openRoom(world: Place, options: RoomOptions = {}): Promise<Room> {
  await using opened = new AsyncDisposableStack();
  rooms += 1;
  const chroot = `/room-${process.pid}-${rooms}`;
  for (const { address } of [world.source, world.target]) {
    await using builder = await connectApplication(address);
    await builder.create(chroot);
  }
  // Longer than any break that a test makes.
  const patient = { sessionTimeoutMs: 60_000 };
  const sessions = { source: new Set<bigint>(), target: new Set<bigint>() };
  const connect = async (side: Side, address = world[side].address): Promise<Application> => {
    const application = await connectApplication(address + chroot, patient);
    sessions[side].add(application.client.getSessionId().readBigInt64BE());
    return application;
  };
  const source = opened.use(await connect("source"));
  const target = opened.use(await connect("target"));
  const all = opened.move();
  let files = 0;
  const configure = async (own: RoomOptions): Promise<Replica> => {
    files += 1;
    const httpPort = await freePort();
    const configFile = join(world.folder, `${chroot.slice(1)}-${files}.yaml`);
    await writeFile(
      configFile,
      linkFile({
        httpPort,
        source: { servers: world.sourceLine.address.split(","), chroot, ...own.source },
        target: { servers: world.targetLine.address.split(","), chroot, ...own.target },
        link: own.link ?? {},
      }),
    );
    const endpoint = `http://127.0.0.1:${httpPort}`;
    return {
      configFile,
      start: async () => all.use(await startDaemon(configFile, endpoint)),
      once: () => runReplicator(configFile, ["--once"]),
      run: (...args) => runReplicator(configFile, args),
      idcctl: (...args) => runIdcctl(["link", ...args, "--endpoint", endpoint]),
    };
  };
  let marks = 0;
  const self: Room = {
    ...(await configure(options)),
    source,
    target,
    chroot,
    configure,
    connect: async (side, address) => all.use(await connect(side, address)),
    connectOnce: connect,
    connectRoot: (side) => connectApplication(world[side].address, patient),
    async carried() {
      marks += 1;
      await source.mkdirp("/app/mark");
      await source.set("/app/mark", String(marks));
      // A fresh one: the independent client may not find back to a server that was down.
      await using reader = await connect("target");
      await eventually(async () => expect(await reader.text("/mirror/app/mark")).toBe(String(marks)), {
        withinMs: carriedMsMax,
      });
    },
    async expectEqual(before) {
      await using reader = await connect("target");
      const trees = { source: await snapshot(source), target: await snapshot(reader), before };
      expect(differences(trees)).toEqual([]);
    },
    async expectRightHistory() {
      const ofSource = await world.transactions("source", { below: chroot });
      const ofTarget = await world.transactions("target", { below: chroot });
      const intruders = ofSource.filter(({ session, changes }) => changes.length > 0 && !sessions.source.has(session));
      expect(intruders).toEqual([]);
      expect(faultsOf({ source: ofSource, target: ofTarget, foreignSessions: sessions.target })).toEqual([]);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
  return self;
}
