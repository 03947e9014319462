import { rm } from "node:fs/promises";
import { makeDataFolder } from "../harness/data-folder.ts";
import { type Ensemble, startEnsemble } from "../harness/ensemble.ts";
import { type Proxy as Line, startProxy } from "../harness/proxy.ts";
import { readEnsembleTransactions } from "../harness/transaction-log.ts";
import type { ZooKeeperServer } from "../harness/zookeeper.ts";
import type { Place } from "./room.ts";

/** Small trees, few clients, six servers on one machine. */
const jvmArgs = ["-Xms32m", "-Xmx96m"];
/** Followers leave a frozen leader, and it them, after so many ticks of 200 ms. */
const syncLimit = "10";

/** Three servers that replicate each other; the replicator has a line of its own to each. */
export interface Trio extends Ensemble {
  /** All of them, with commas between. */
  readonly address: string;
  lineTo(server: ZooKeeperServer): Line;
  /** Those that the replicator has a connection to; one that is frozen does not end its own. */
  connected(): readonly ZooKeeperServer[];
  /** The others' addresses, with commas between. */
  without(server: ZooKeeperServer): string;
}

/** A source and a target of three servers each. */
export interface EnsembleWorld extends Place, AsyncDisposable {
  readonly source: Trio;
  readonly target: Trio;
}

export async function startEnsembleWorld(): Promise<EnsembleWorld> {
  await using started = new AsyncDisposableStack();
  const folder = await makeDataFolder("crossidc-ensembles-");
  started.defer(() => rm(folder, { recursive: true, force: true }));
  // Both, before a failure of one of them ends the other.
  const [source, target] = await Promise.allSettled([startTrio("3.8", started), startTrio("3.9", started)]);
  if (source.status === "rejected") throw source.reason;
  if (target.status === "rejected") throw target.reason;
  const ends = { source: source.value, target: target.value };
  const all = started.move();
  return {
    ...ends,
    sourceLine: { address: linesOf(ends.source) },
    targetLine: { address: linesOf(ends.target) },
    folder,
    transactions: (side, options) =>
      readEnsembleTransactions(
        ends[side].servers.map(({ dataDir }) => dataDir),
        options,
      ),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function startTrio(version: "3.8" | "3.9", started: AsyncDisposableStack): Promise<Trio> {
  const ensemble = started.use(await startEnsemble({ version, size: 3, jvmArgs, config: { syncLimit } }));
  const lines = new Map<ZooKeeperServer, Line>();
  for (const server of ensemble.servers) lines.set(server, started.use(await startProxy({ target: server.address })));
  const lineTo = (server: ZooKeeperServer): Line => {
    const line = lines.get(server);
    if (line === undefined) throw new Error(`${server.address} is of another ensemble`);
    return line;
  };
  return {
    ...ensemble,
    address: ensemble.connect.join(","),
    lineTo,
    connected: () => ensemble.servers.filter((server) => lineTo(server).connections > 0),
    without: (server) => ensemble.connect.filter((address) => address !== server.address).join(","),
  };
}

/** All lines of one replicator to the servers of one side. */
export interface Lines {
  readonly addresses: readonly string[];
  /** Does the same to each. */
  each(act: (line: Line) => void | Promise<void>): Promise<void>;
  /** The one that is in use now; any of them when none is. */
  inUse(): Line;
}

/** Further lines to an ensemble, for a replicator that is to have its own. */
export async function openLines({ servers }: Trio, opened: AsyncDisposableStack): Promise<Lines> {
  const [first, ...others] = await Promise.all(servers.map(({ address }) => startProxy({ target: address })));
  if (first === undefined) throw new Error("an ensemble has servers");
  const lines = [first, ...others];
  for (const line of lines) opened.use(line);
  return {
    addresses: lines.map(({ address }) => address),
    each: async (act) => void (await Promise.all(lines.map(act))),
    inUse: () => lines.find(({ connections }) => connections > 0) ?? first,
  };
}

function linesOf({ servers, lineTo }: Trio): string {
  return servers.map((server) => lineTo(server).address).join(",");
}
