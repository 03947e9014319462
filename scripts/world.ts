/** `./run world`: three sites to look at, to break and to mend by hand. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { exitCodes, messageOf } from "#lib/errors.ts";
import { formatMs, formatTable } from "#lib/table.ts";
import { createPaint } from "#lib/terminal.ts";
import { waysAround, waysBetween } from "../test/world/lines.ts";
import { attachNetwork, type Network } from "../test/world/network/network.ts";
import { isSiteName, type SiteName, siteNames, type Way, ways } from "../test/world/network/sites.ts";
import { worldRefusal } from "../test/world/rights.ts";
import { reachPicture } from "./world/picture.ts";
import { logFile, readState, stateFile, stateFolder, type WorldState } from "./world/state.ts";

const help = `Usage: ./run world VERB

  up [KIND...]        four sites, and servers in three of them; KIND: etcd zookeeper rocketmq kafka arbiter
                      without one: etcd zookeeper rocketmq; none: the network alone
                      rocketmq: a broker set and RocketMQ's own controllers; arbiter: one and crossidc's arbiters
  status              who runs where, and who reaches whom, measured
  enter SITE          a shell in a site: curl, zkCli.sh, etcdctl ... as from there
  cut A [B]           packets between two sites vanish, or between a site and all others
  cut --one-way A B   only those from A to B
  heal                all lines are whole again
  down                everything ends

SITE, A, B: ${siteNames.join(" ")}
`;
const kinds = ["etcd", "zookeeper", "rocketmq", "kafka", "arbiter", "none"];
const usual = ["etcd", "zookeeper", "rocketmq"];
const upMsMax = 300_000;
const downMsMax = 30_000;
const lookEveryMs = 100;

const paint = createPaint(process.stdout.isTTY && process.env["NO_COLOR"] === undefined);

/** A wrong call, or something that cannot be done now; its message is for a person. */
class Refusal extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(`world: ${messageOf(error)}`);
  process.exitCode = error instanceof Refusal ? error.exitCode : exitCodes.error;
}

async function run([verb = "help", ...args]: readonly string[]): Promise<number> {
  switch (verb) {
    case "up":
      return await up(args);
    case "status":
      return await status();
    case "enter":
      return await enter(args);
    case "cut":
      return await cut(args);
    case "heal":
      return await heal();
    case "down":
      return await down();
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(help);
      return exitCodes.ok;
    default:
      throw new Refusal(exitCodes.usage, `there is no verb ${verb}\n${help}`);
  }
}

async function up(args: readonly string[]): Promise<number> {
  const wrong = args.find((kind) => !kinds.includes(kind));
  if (wrong !== undefined) throw new Refusal(exitCodes.usage, `there are no ${wrong} servers, only ${kinds.join(" ")}`);
  const refusal = worldRefusal();
  if (refusal !== undefined) throw new Refusal(exitCodes.refused, refusal);
  if (current() !== undefined) {
    console.log("A world is up already; ./run world down ends it.\n");
    return await status();
  }
  mkdirSync(stateFolder, { recursive: true });
  rmSync(stateFile, { force: true });
  const log = openSync(logFile, "w");
  const wanted = (args.length === 0 ? usual : args).filter((kind) => kind !== "none");
  const owner = spawn(process.execPath, [join(import.meta.dirname, "world/stay.ts"), stateFile, wanted.join(",")], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  owner.unref();
  const startedAt = performance.now();
  await untilUp(startedAt, () => owner.exitCode !== null);
  console.log(`up after ${formatMs(performance.now() - startedAt)}\n`);
  return await status();
}

/** Names each server as it comes up. */
async function untilUp(startedAt: number, hasEnded: () => boolean): Promise<void> {
  let named = 0;
  while (performance.now() - startedAt < upMsMax) {
    const state = readState();
    for (const { name, address } of state?.servers.slice(named) ?? []) {
      console.log(`${formatMs(performance.now() - startedAt).padStart(8)}  ${name} at ${address}`);
      named += 1;
    }
    if (state?.phase === "up") return;
    if (state?.phase === "failed" || hasEnded()) {
      throw new Error(
        `the world did not come up; ./run world down ends what is there\n${readFileSync(logFile, "utf8")}`,
      );
    }
    await delay(lookEveryMs);
  }
  throw new Error(`the world is not up after ${formatMs(upMsMax)}: see ${logFile}`);
}

async function status(): Promise<number> {
  const { state, network } = await attach();
  if (state.servers.length > 0) {
    const rows = state.servers.map(({ name, site, address, pid, running }) => [
      name,
      site,
      address,
      pid,
      running ? paint.green("runs") : paint.red("ended"),
    ]);
    console.log(formatTable(["SERVER", "SITE", "ADDRESS", "PID", ""], rows));
  }
  process.stdout.write(reachPicture(await network.reach(), paint));
  return exitCodes.ok;
}

async function enter(args: readonly string[]): Promise<number> {
  const [site] = sitesOf(args, [1]);
  const { network } = await attach();
  const [nsenter = "", ...rest] = network.enter(site ?? "idc1");
  const shell = process.env["SHELL"] ?? "/bin/sh";
  const { status: code } = spawnSync(nsenter, [...rest, shell], {
    stdio: "inherit",
    env: { ...process.env, PS1: `${site} \\w # `, CROSSIDC_SITE: site },
  });
  return code ?? exitCodes.error;
}

async function cut(args: readonly string[]): Promise<number> {
  const oneWay = args.includes("--one-way");
  const [from, to] = sitesOf(
    args.filter((arg) => arg !== "--one-way"),
    oneWay ? [2] : [1, 2],
  );
  if (from === undefined || from === to) throw new Refusal(exitCodes.usage, "a site cannot be cut off from itself");
  return await change(to === undefined ? waysAround(from) : oneWay ? [{ from, to }] : waysBetween(from, to), true);
}

async function heal(): Promise<number> {
  return await change(ways, false);
}

async function change(chosen: readonly Way[], isCut: boolean): Promise<number> {
  const { network } = await attach();
  await network.set(chosen, { cut: isCut });
  process.stdout.write(reachPicture(await network.reach(), paint));
  return exitCodes.ok;
}

async function down(): Promise<number> {
  const { network } = await attach();
  await network.end();
  const startedAt = performance.now();
  while (existsSync(network.folder) || existsSync(stateFile)) {
    if (performance.now() - startedAt > downMsMax) {
      throw new Error(`${network.folder} is still there after ${formatMs(downMsMax)}: see ${logFile}`);
    }
    await delay(lookEveryMs);
  }
  console.log("down");
  return exitCodes.ok;
}

/** A world whose owner was killed is gone, whatever its state file says. */
function current(): WorldState | undefined {
  const state = readState();
  return state !== undefined && existsSync(state.folder) ? state : undefined;
}

async function attach(): Promise<{ state: WorldState; network: Network }> {
  const state = current();
  if (state === undefined) throw new Refusal(exitCodes.error, "no world is up: ./run world up");
  return { state, network: await attachNetwork(state.folder) };
}

function sitesOf(args: readonly string[], counts: readonly number[]): SiteName[] {
  const sites = args.filter(isSiteName);
  if (sites.length === args.length && counts.includes(sites.length)) return sites;
  const wanted = counts.join(" or ");
  throw new Refusal(exitCodes.usage, `${wanted} of ${siteNames.join(" ")} wanted, got: ${args.join(" ") || "nothing"}`);
}
