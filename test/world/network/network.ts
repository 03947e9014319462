import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { makeDataFolder } from "../../integration/harness/data-folder.ts";
import { inProject, projectFolder } from "../../integration/harness/project.ts";
import { order, type Reach, type Where } from "./control.ts";
import type { Quality } from "./quality.ts";
import type { SiteName, Way } from "./sites.ts";

/** Usually a third of a second. */
const openMsMax = 20_000;
const closeMsMax = 20_000;

/** Four sites in namespaces of their own, with a WAN between them. */
export interface Network extends AsyncDisposable {
  /** Holds the sockets below; goes with the network. */
  readonly folder: string;
  readonly where: Where;
  /** What to put before a command, so that it runs in a site; it keeps its process id and its parent. */
  enter(site: SiteName): readonly string[];
  /** Ends it, whoever has opened it: what runs in it is killed. Returns before that is done. */
  end(): Promise<void>;
  /** Changes the quality of some ways; what is not named stays. In force at return. */
  set(ways: readonly Way[], change: Partial<Quality>): Promise<void>;
  /** Measures who reaches whom. */
  reach(): Promise<readonly Reach[]>;
  /** A connection from a site to "HOST:PORT". @throws when it is refused, with the reason, or takes a minute */
  dial(site: SiteName, address: string): Promise<Socket>;
  /**
   * A port on loopback, outside the network, behind which is "HOST:PORT" as seen from a site: for clients in this process.
   * A refused connection ends as soon as it is there.
   */
  door(site: SiteName, address: string): Promise<Door>;
}

export interface Door extends AsyncDisposable {
  /** "127.0.0.1:port" */
  readonly address: string;
}

/**
 * Opens a network. Everything in it ends when it is disposed, and when this process ends, however it does.
 * @throws when the keeper does not come up, with what it said
 */
export async function openNetwork(): Promise<Network> {
  const folder = await makeDataFolder("crossidc-world-");
  const logs = inProject(".cache/test-logs");
  mkdirSync(logs, { recursive: true });
  const logFile = join(logs, `${new Date().toISOString().replaceAll(":", "")}-world-${folder.slice(-6)}.log`);
  const keeperFile = join(import.meta.dirname, "keeper.ts");
  const keeper = spawn("unshare", ["--mount", "--", process.execPath, keeperFile, folder], {
    // Its own session: signals that a terminal sends to all of us are not for it.
    detached: true,
    stdio: ["pipe", "pipe", openSync(logFile, "a")],
  });
  const { stdin, stdout } = keeper;
  if (stdin === null || stdout === null) throw new Error("the keeper's ends of its pipes are ours");
  const ended = once(keeper, "close");
  stdin.on("error", () => {});
  const ready = once(stdout, "data", { signal: AbortSignal.timeout(openMsMax) });
  const up = await Promise.race([ready.then(() => true), ended.then(() => false)]).catch(() => false);
  const close = async (): Promise<void> => {
    stdin.end();
    const late = new Promise((resolve) => setTimeout(resolve, closeMsMax, "late").unref());
    if ((await Promise.race([ended, late])) === "late") {
      throw new Error(`The keeper of ${folder} (process ${keeper.pid}) still runs after ${closeMsMax} ms: ${logFile}`);
    }
  };
  if (!up) {
    keeper.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
    throw new Error(`The world's network does not come up: ${await readFile(logFile, "utf8")} (${logFile})`);
  }
  return { ...(await attachNetwork(folder)), [Symbol.asyncDispose]: close };
}

/** The network that another process has opened, by its folder. Disposing it leaves it as it is. */
export async function attachNetwork(folder: string): Promise<Network> {
  const control = join(folder, "control");
  const where = await order(control, { verb: "where" });
  const dial = (site: SiteName, address: string): Promise<Socket> => dialThrough(join(folder, `dial-${site}`), address);
  return {
    folder,
    where,
    enter: (site) => [
      "nsenter",
      `--net=${where.network[site]}`,
      `--mount=${where.mount}`,
      `--wdns=${projectFolder}`,
      "--",
    ],
    end: async () => void (await order(control, { verb: "end" })),
    set: async (ways, change) => void (await order(control, { verb: "set", ways, change })),
    reach: () => order(control, { verb: "reach" }),
    dial,
    door: (site, address) => openDoor(() => dial(site, address)),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function dialThrough(socketFile: string, address: string): Promise<Socket> {
  const socket = connect({ path: socketFile, allowHalfOpen: true });
  socket.write(`${address}\n`);
  let answer = "";
  while (!answer.endsWith("\n")) {
    // Byte by byte: what follows the line belongs to whoever dials.
    const byte = socket.read(1) as Buffer | null;
    if (byte === null) {
      if (socket.readableEnded) throw new Error(`cannot dial ${address}: the site's resident has hung up`);
      await Promise.race([once(socket, "readable"), once(socket, "end")]);
    } else answer += byte.toString();
  }
  if (answer === "ok\n") return socket;
  socket.destroy();
  throw new Error(`cannot dial ${address}: ${answer.trim().replace(/^error /, "")}`);
}

async function openDoor(dial: () => Promise<Socket>): Promise<Door> {
  const open = new Set<Socket>();
  const enter = async (client: Socket): Promise<void> => {
    open.add(client);
    client.on("error", () => {});
    const server = await dial().catch(() => undefined);
    if (server === undefined || client.destroyed) {
      server?.destroy();
      client.resetAndDestroy();
      return;
    }
    server.on("error", () => client.destroy());
    client.once("close", () => {
      open.delete(client);
      server.destroy();
    });
    server.once("close", () => client.destroy());
    client.pipe(server).pipe(client);
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => void enter(client));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a door has a port");
  return {
    address: `127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const client of open) client.destroy();
      server.close();
    },
  };
}
