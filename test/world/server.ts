import { mkdir, open, rm, statfs, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { messageOf } from "#lib/errors.ts";
import { type RunningProcess, runProcess, startProcess } from "../integration/harness/process.ts";
import { clockEnvironment, clockFile, clockText } from "./clock.ts";
import type { Network } from "./network/network.ts";
import type { SiteName } from "./network/sites.ts";

const prepareMsMax = 60_000;
const answerMsMax = 1_000;
const ballastChunkBytes = 64 * 1024;

/** How a kind of server is started. Everything in it is the same at each start. */
export interface Recipe {
  /** Of the server, unique in its world: "etcd-idc1". */
  readonly name: string;
  readonly site: SiteName;
  /** HOST:PORT for its clients. */
  readonly address: string;
  /** @param folder the server's own; its data belong into `data` below it */
  command(folder: string): readonly string[];
  /** Text files to put into the folder before the first start, by name. */
  files?(folder: string): Readonly<Record<string, string>>;
  /** A command to run once, before the first start. */
  prepare?(folder: string): readonly string[];
  /** Resolves when the server serves. Given up when its process ends. */
  ready(started: Started): Promise<void>;
}

/** A server that has just been started, as its recipe sees it. */
interface Started {
  readonly process: RunningProcess;
  /** A connection to it, from its own site. */
  dial(): Promise<Socket>;
  /** Writes to it and reads until it hangs up. @throws when it has not within a second: while it starts it may never answer */
  ask(question: string): Promise<string>;
}

export interface ServerOptions {
  /** Its data folder is a disk of this size, in memory. Without it: the machine's disk. */
  readonly diskBytes?: number;
  /** Its clock can be set by setClock(). Not for programs that do without libc: etcd. */
  readonly ownClock?: boolean;
  /** The id of the user whose processes it is, with root's rights to files; root's without it. */
  readonly user?: number;
}

export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly site: SiteName;
  /** HOST:PORT for its clients. */
  readonly address: string;
  /** Another one after a restart. */
  readonly pid: number;
  readonly running: boolean;
  /** Its data, as this process sees them. */
  readonly dataDir: string;
  /** A crash: SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Frozen: SIGSTOP, in force at return. */
  stop(): void;
  cont(): void;
  /** Kills it if need be, and starts it again with the same data. Resolves when it serves. */
  restart(): Promise<void>;
  /** Kills it if need be, and starts it again; does not wait. */
  launch(): Promise<void>;
  /** Its wall clock runs this much ahead of ours, or behind. Its monotonic clock does not change. Counts within a second. */
  setClock(aheadMs: number): Promise<void>;
  /** Leaves no byte free on its disk, or so many. */
  fillDisk(freeBytes?: number): Promise<void>;
  freeDisk(): Promise<void>;
  /** The end of its output and the file that has all of it. */
  log(): string;
}

/** Starts a server in a world and waits until it serves. @throws with the end of its log when it does not */
export async function startServer(network: Network, recipe: Recipe, options: ServerOptions = {}): Promise<Server> {
  const server = await createServer(network, recipe, options);
  try {
    await server.restart();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function createServer(network: Network, recipe: Recipe, options: ServerOptions): Promise<Server> {
  const { name, site, address } = recipe;
  const folder = join(network.folder, name);
  // Its disk is mounted where only the world sees it; through the keeper's eyes we see it too.
  const seen = join("/proc", String(network.where.keeper), "root", folder);
  const dataDir = join(seen, "data");
  const ballast = join(dataDir, "ballast");
  const [enter = "", ...rest] = network.enter(site);
  let process: RunningProcess | undefined;

  await mkdir(dataDir, { recursive: true });
  if (options.diskBytes !== undefined) {
    await runIn(["mount", "-t", "tmpfs", "-o", `size=${options.diskBytes}`, name, join(folder, "data")]);
  }
  for (const [file, content] of Object.entries(recipe.files?.(folder) ?? {}))
    await writeFile(join(seen, file), content);
  const setClock = (aheadMs: number): Promise<void> => writeFile(join(seen, clockFile), clockText(aheadMs));
  if (options.ownClock === true) await setClock(0);
  if (recipe.prepare !== undefined) await runIn(recipe.prepare(folder));

  async function runIn(command: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await runProcess(enter, [...rest, ...command], { timeoutMs: prepareMsMax, name });
    if (code !== 0) throw new Error(`${command.join(" ")} for ${name} ended with ${code}: ${stdout}${stderr}`);
  }

  const started = (): RunningProcess => {
    if (process === undefined) throw new Error(`${name} was never started`);
    return process;
  };

  const self: Server = {
    name,
    site,
    address,
    get pid() {
      return started().pid;
    },
    get running() {
      return process?.running ?? false;
    },
    dataDir,
    kill: async () => void (await process?.kill("SIGKILL")),
    stop: () => started().stop(),
    cont: () => started().signal("SIGCONT"),
    async launch() {
      await self.kill();
      const env = options.ownClock === true ? clockEnvironment(folder) : {};
      process = startProcess(enter, [...rest, ...asUser(options.user), ...recipe.command(folder)], { name, env });
    },
    async restart() {
      await self.launch();
      await serving(recipe, network, started());
    },
    async setClock(aheadMs) {
      if (options.ownClock !== true) throw new Error(`${name} has no clock of its own: start it with ownClock`);
      await setClock(aheadMs);
    },
    async fillDisk(freeBytes = 0) {
      if (options.diskBytes === undefined) throw new Error(`${name} has no disk of its own: start it with diskBytes`);
      const { bavail, bsize } = await statfs(dataDir);
      await fill(ballast, freeBytes === 0 ? Number.POSITIVE_INFINITY : bavail * bsize - freeBytes);
    },
    freeDisk: () => rm(ballast, { force: true }),
    log: () => started().log(),
    [Symbol.asyncDispose]: () => self.kill(),
  };
  return self;
}

/** What to put before a command. Whoever becomes another user loses the tie to our life, so it is made again. */
function asUser(user: number | undefined): readonly string[] {
  if (user === undefined) return [];
  const rights = ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"];
  return ["setpriv", `--reuid=${user}`, "--clear-groups", ...rights, "--pdeathsig", "KILL", "--"];
}

async function serving(recipe: Recipe, network: Network, process: RunningProcess): Promise<void> {
  const { site, address, name } = recipe;
  const ended = process.exit.then(({ code, signal }) => {
    throw new Error(`its process ended with ${signal ?? code}`);
  });
  try {
    const dial = (): Promise<Socket> => network.dial(site, address);
    const ask = async (question: string): Promise<string> => {
      const socket = await dial();
      socket.setTimeout(answerMsMax, () => socket.destroy(new Error(`no answer in ${answerMsMax} ms`)));
      socket.write(question);
      return await text(socket).finally(() => socket.destroy());
    };
    await Promise.race([recipe.ready({ process, dial, ask }), ended]);
  } catch (cause) {
    throw new Error(`${name} at ${address} does not serve: ${messageOf(cause)}. ${process.log()}`, { cause });
  }
}

/** Until nothing more fits on the disk, or so many bytes are written. */
async function fill(path: string, bytesMax: number): Promise<void> {
  await using file = await open(path, "a");
  let left = bytesMax;
  for (let bytes = ballastChunkBytes; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    const chunk = Buffer.alloc(bytes);
    while (left >= bytes) {
      const { bytesWritten } = await file.write(chunk).catch(ifFull);
      if (bytesWritten === 0) break;
      left -= bytesWritten;
    }
  }
}

function ifFull(error: NodeJS.ErrnoException): { bytesWritten: number } {
  if (error.code !== "ENOSPC") throw error;
  return { bytesWritten: 0 };
}
