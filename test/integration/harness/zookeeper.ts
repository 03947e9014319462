import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { messageOf } from "#lib/errors.ts";
import { makeDataFolder } from "./data-folder.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./ports.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { inProject } from "./project.ts";

/** Longest wait for a started server to answer. Usually it takes half a second. */
const readyMsMax = 40_000;
const fourLetterMsMax = 2_000;
/** A server that is coming up may accept a connection and never answer on it, so ask again soon. */
const readyProbeMsMax = 300;
/** Starts with another port when the chosen one was taken meanwhile. */
const startsMax = 5;

/** 3.8: Debian's package. 3.5 and 3.9: from Maven, put into .cache by `./run setup`. */
export type ZooKeeperVersion = "3.5" | "3.8" | "3.9";

export interface ZooKeeperOptions {
  readonly version: ZooKeeperVersion;
  /** A new one, removed at the end, when none is given. */
  readonly dataDir?: string;
  /** A free one when none is given. */
  readonly port?: number;
  /** Sessions may be as short as twice this. */
  readonly tickTimeMs?: number;
  /** Further lines of zoo.cfg; they win over the harness's own. */
  readonly config?: Readonly<Record<string, string>>;
  /** They win over the harness's own: ["-Xmx1g"] for a tree of 100k nodes. */
  readonly jvmArgs?: readonly string[];
  /** Gives up the start. */
  readonly signal?: AbortSignal;
}

export interface ZooKeeperServer extends AsyncDisposable {
  /** "127.0.0.1:port" */
  readonly address: string;
  readonly port: number;
  readonly dataDir: string;
  /** Another one after a restart. */
  readonly pid: number;
  /** A crash: SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** A peer that is half open: SIGSTOP, in force at return. The kernel still accepts connections for it. */
  stop(): void;
  cont(): void;
  /** Kills it if need be, and starts it again on the same port with the same data. Resolves when it serves. */
  restart(): Promise<void>;
  /** An accident: kills it, empties its data, starts it again on the same port. @param refill puts other data in their place */
  wipe(refill?: () => Promise<void>): Promise<void>;
  /** Asks one of the four-letter commands: srvr, mntr, cons, dump, wchs ... */
  fourLetter(command: string): Promise<string>;
  /** The end of its output and the file that has all of it, for an error message. */
  log(): string;
}

/** Starts a server on loopback and waits until it serves. @throws with the end of the server's log when it does not. */
export async function startZooKeeper(options: ZooKeeperOptions): Promise<ZooKeeperServer> {
  const ownDataDir = options.dataDir === undefined;
  const dataDir = options.dataDir ?? (await makeDataFolder("crossidc-zookeeper-"));
  for (let starts = 1; ; starts += 1) {
    const port = options.port ?? (await freePort());
    const server = createServer({ ...options, dataDir, port, ownDataDir });
    try {
      await server.restart();
      return server;
    } catch (error) {
      const portTaken = messageOf(error).includes("BindException");
      if (!portTaken || options.port !== undefined || starts === startsMax) {
        await server[Symbol.asyncDispose]();
        throw error;
      }
      await server.kill();
    }
  }
}

function createServer(
  options: ZooKeeperOptions & { dataDir: string; port: number; ownDataDir: boolean },
): ZooKeeperServer {
  const { dataDir, port, version } = options;
  let process: RunningProcess | undefined;

  const started = () => {
    if (process === undefined) throw new Error(`ZooKeeper ${version} on port ${port} was never started`);
    return process;
  };

  const self: ZooKeeperServer = {
    address: `127.0.0.1:${port}`,
    port,
    dataDir,
    get pid() {
      return started().pid;
    },
    async kill() {
      await process?.kill("SIGKILL");
    },
    stop() {
      started().stop();
    },
    cont: () => started().signal("SIGCONT"),
    async restart() {
      await self.kill();
      options.signal?.throwIfAborted();
      await mkdir(dataDir, { recursive: true });
      const configFile = join(dataDir, "zoo.cfg");
      await writeFile(configFile, zooCfg(options));
      process = startProcess("java", [...zooKeeperJava(options), configFile], { name: `zookeeper-${version}-${port}` });
      await serving(self, process, options.signal);
    },
    async wipe(refill) {
      await self.kill();
      for (const entry of await readdir(dataDir)) {
        // myid is the server's place in its ensemble, not its data.
        if (entry !== "myid") await rm(join(dataDir, entry), { recursive: true, force: true });
      }
      await refill?.();
      await self.restart();
    },
    fourLetter: (command) => fourLetter(port, command, fourLetterMsMax),
    log: () => started().log(),
    async [Symbol.asyncDispose]() {
      await self.kill();
      if (options.ownDataDir) await rm(dataDir, { recursive: true, force: true });
    },
  };
  return self;
}

/** Resolves when the server says in which mode it serves: in an ensemble, once there is a quorum. */
async function serving(server: ZooKeeperServer, process: RunningProcess, signal: AbortSignal | undefined) {
  const gone = new AbortController();
  void process.exit.then(() => gone.abort(new Error("its process ended")));
  const giveUp = signal === undefined ? gone.signal : AbortSignal.any([signal, gone.signal]);
  try {
    await eventually(
      async () => {
        const answer = await fourLetter(server.port, "srvr", readyProbeMsMax);
        if (!answer.includes("Mode:")) throw new Error(`it answers srvr with: ${answer.trim() || "nothing"}`);
      },
      { withinMs: readyMsMax, everyMs: 25, signal: giveUp },
    );
  } catch (cause) {
    throw new Error(`ZooKeeper on ${server.address} does not serve: ${messageOf(cause)}. ${process.log()}`, { cause });
  }
}

function zooCfg(options: ZooKeeperOptions & { dataDir: string; port: number }): string {
  const { tickTimeMs = 200 } = options;
  const config: Record<string, string> = {
    tickTime: String(tickTimeMs),
    maxSessionTimeout: "60000",
    dataDir: options.dataDir,
    clientPort: String(options.port),
    clientPortAddress: "127.0.0.1",
    "admin.enableServer": "false",
    "4lw.commands.whitelist": "*",
    extendedTypesEnabled: "true",
    maxClientCnxns: "0",
    ...options.config,
  };
  return Object.entries(config)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

/**
 * Debian's jar names the jars it needs, except one that writes the log and three of Netty's, without which TLS fails.
 * All of them come along with the package.
 */
const debianJars = ["zookeeper", "slf4j-simple", "netty-codec", "netty-resolver", "netty-transport-native-unix-common"];
const classPath: Record<ZooKeeperVersion, string> = {
  "3.5": inProject(".cache/zookeeper-3.5.10/lib/*"),
  "3.8": debianJars.map((jar) => `/usr/share/java/${jar}.jar`).join(":"),
  "3.9": inProject(".cache/zookeeper-3.9.3/lib/*"),
};

/** What java is called with, up to the config file. */
export function zooKeeperJava(options: Pick<ZooKeeperOptions, "version" | "jvmArgs">): string[] {
  return [
    "-Xms64m",
    "-Xmx192m",
    "-XX:+UseSerialGC",
    // Tests start many servers and ask little of each: the quick compiler alone saves most of their start.
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    ...(options.jvmArgs ?? []),
    "-cp",
    classPath[options.version],
    "org.apache.zookeeper.server.quorum.QuorumPeerMain",
  ];
}

async function fourLetter(port: number, command: string, withinMs: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.setTimeout(withinMs, () => {
    socket.destroy(new Error(`no answer to ${command} on port ${port} in ${withinMs} ms`));
  });
  socket.write(command);
  return await text(socket);
}
