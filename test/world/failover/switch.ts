import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#lib/errors.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { inProject } from "../../integration/harness/project.ts";
import { checkGap, type GapReport } from "../checkers/gap.ts";
import { epochsOfTwo } from "../checkers/reigns.ts";
import { checkSet, type SetReport, type StoredQueue } from "../checkers/set.ts";
import { checkStale, type StaleReport } from "../checkers/stale.ts";
import { readSettled } from "../checkers/stored.ts";
import { startLoad } from "../load/load.ts";
import type { SiteName } from "../network/sites.ts";
import { ports } from "../ports.ts";
import { brokerSettings, electMaster, type SetStatus } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import { watchElections } from "./elections.ts";
import { addressesOf, type Stage, serverAt, untilComplete } from "./stage.ts";

/** Masters switched on purpose, under load: one load over all of them, judged once. */

/** Always to the best of the IDC that the master is not in. */
export interface Step {
  /** What happens beside it, and is over when it resolves. */
  readonly meanwhile?: (stage: Stage) => Promise<Meanwhile>;
  /** The switch may be refused or given up, as long as nothing is lost. */
  readonly mayFail?: true;
}

interface Meanwhile {
  readonly happened: boolean;
  readonly what: string;
}

interface SwitchOutcome {
  readonly to: string;
  readonly from: string;
  readonly master: string;
  readonly exitCode: number | null;
  readonly said: string;
  /** Null: nothing was to happen. */
  readonly meanwhile: Meanwhile | null;
  readonly gap: GapReport;
  readonly tookMs: number;
  readonly inSyncMs: number;
}

export interface SwitchesOutcome {
  readonly switches: readonly SwitchOutcome[];
  readonly set: SetReport;
  readonly stale: StaleReport;
  readonly epochsOfTwo: readonly number[];
  /** What is not as before in a broker's settings or in its file; empty: nothing. */
  readonly leftovers: readonly string[];
}

const quietMs = 1_500;
const askMsMax = 30_000;

export async function playSwitches(
  stage: Stage,
  steps: readonly Step[],
  options: { readonly ackedMin: number },
): Promise<SwitchesOutcome> {
  const { world, brokers, nameServers, set } = stage;
  await untilComplete(stage);
  await using watch = watchElections(stage);
  const target = { ...stage, nameServers: addressesOf(nameServers), brokers: addressesOf(brokers) };
  const load = startLoad(world.network, target);
  await delay(quietMs);
  const seen: (Omit<SwitchOutcome, "gap"> & { readonly askedAt: number; readonly endAt: number })[] = [];
  for (const step of steps) {
    const before = await untilComplete(stage);
    await delay(quietMs);
    const from = before.masterAddress;
    const to = serverAt(brokers, from).site === "idc1" ? "idc2" : "idc1";
    const askedAt = performance.now();
    const [asked, meanwhile] = await Promise.all([
      stage.contender === "arbiter" ? askArbiter(stage, to) : askStock(stage, to, before),
      step.meanwhile === undefined ? null : step.meanwhile(stage),
    ]);
    const tookMs = performance.now() - askedAt;
    const after = await untilComplete(stage);
    const inSyncMs = performance.now() - askedAt;
    if (stage.contender === "arbiter") await untilRestored(stage);
    await delay(quietMs);
    seen.push({
      to,
      from,
      master: after.masterAddress,
      ...asked,
      meanwhile,
      tookMs,
      inSyncMs,
      askedAt,
      endAt: performance.now(),
    });
    if (asked.exitCode !== 0 && step.mayFail === undefined) break;
  }
  for (
    const startedAt = performance.now();
    load.acked < options.ackedMin && performance.now() - startedAt < askMsMax;
  ) {
    await delay(quietMs);
  }
  const history = await load.stop();
  const { masterAddress: broker } = await untilComplete(stage);
  const setOf = (stored: readonly StoredQueue[]) => checkSet(history.sends, stored, options);
  const stored = await readSettled(world.network, { ...stage, broker }, (each) => setOf(each).lost.length > 0);
  const { reigns } = watch;
  if (reigns.length === 0) throw new Error(`nobody knew a master of ${set}`);
  return {
    switches: seen.map(({ askedAt, endAt, ...one }) => ({
      ...one,
      gap: checkGap(history, { faultAt: askedAt, endAt, old: one.from }),
    })),
    set: setOf(stored),
    stale: checkStale(history.sends, reigns),
    epochsOfTwo: epochsOfTwo(reigns),
    leftovers: await leftoversOf(stage),
  };
}

interface Asked {
  readonly exitCode: number | null;
  readonly said: string;
}

/** idcctl at the second voting site's arbiter, from its own machine: the first one drives, and may die meanwhile. */
async function askArbiter({ world, set, deciders }: Stage, to: string): Promise<Asked> {
  const asked = deciders[1];
  if (asked === undefined) throw new Error("there is no second arbiter");
  const command = [inProject("bin/idcctl"), "set", "switch", `C1/${set}`, "--to", to];
  const process = world.run(asked.site, [...command, "--reason", "a test", "--endpoint", httpOf(asked)]);
  const { code } = await process.exit;
  return { exitCode: code, said: process.output().trim() };
}

/** RocketMQ's own way: its controller is told to elect that broker. */
async function askStock({ world, set, deciders, brokers }: Stage, to: string, before: SetStatus): Promise<Asked> {
  const found = before.inSync.find(({ address }) => serverAt(brokers, address).site === to);
  const controller = deciders.find(({ running }) => running);
  if (found === undefined || controller === undefined) return { exitCode: 3, said: `nobody of ${to} is in sync` };
  try {
    await electMaster(world.network, "clients", controller.address, { cluster: "C1", set, id: found.id });
    return { exitCode: 0, said: "" };
  } catch (error) {
    return { exitCode: 1, said: messageOf(error) };
  }
}

function httpOf({ address }: Server): string {
  return `http://${address.slice(0, address.lastIndexOf(":"))}:${ports.controller.http}`;
}

/** Until no switch is on record. */
async function untilRestored(stage: Stage): Promise<void> {
  await using watch = await watchSet(stage);
  await eventually(
    async () => {
      const { switch: open } = await watch.look();
      if (open !== null) throw new Error(`a switch is not over: ${JSON.stringify(open)}`);
    },
    { withinMs: askMsMax, everyMs: 100 },
  );
}

interface SetLook {
  readonly phase: string;
  readonly switch: { readonly stage: string } | null;
  readonly decision: { readonly open: readonly string[] } | null;
}

/** Looks at the set through the third site's arbiter, which neither drives nor is asked. */
async function watchSet({ world, set, deciders }: Stage): Promise<{ look(): Promise<SetLook> } & AsyncDisposable> {
  const third = deciders[2];
  if (third === undefined) throw new Error("there is no third arbiter");
  const door = await world.door(third.site, httpOf(third).slice("http://".length));
  return {
    async look() {
      const answer = await fetch(`http://${door.address}/v1/sets/C1/${set}`);
      return (await answer.json()) as SetLook;
    },
    [Symbol.asyncDispose]: async () => await door[Symbol.asyncDispose](),
  };
}

/** Kills the arbiter that drives, as soon as the set is seen so; starts it again when another has gone on. */
export function killLeaderWhen(is: (look: SetLook) => boolean): NonNullable<Step["meanwhile"]> {
  return async (stage) => {
    const leader = stage.deciders[0];
    if (leader === undefined) throw new Error("there is no first arbiter");
    await using watch = await watchSet(stage);
    const startedAt = performance.now();
    for (;;) {
      const look = await watch.look();
      if (is(look)) {
        await leader.kill();
        const at = `${look.phase}, switch ${look.switch?.stage ?? "none"}, open ${look.decision?.open.join(" ") ?? "none"}`;
        await delay(quietMs);
        await leader.restart();
        return { happened: true, what: `${leader.name} was killed in ${at}` };
      }
      if (performance.now() - startedAt > askMsMax)
        return { happened: false, what: "nobody was killed: it was never seen so" };
    }
  };
}

const wanted: Readonly<Record<string, string>> = { minInSyncReplicas: "1", brokerPermission: "6" };

async function leftoversOf({ world, brokers }: Stage): Promise<string[]> {
  const site: SiteName = "clients";
  const found = await Promise.all(
    brokers.map(async ({ name, address, dataDir }) => {
      const running = await brokerSettings(world.network, site, address);
      const file = await readFile(join(dataDir, "..", "broker.conf"), "utf8");
      return Object.entries(wanted).flatMap(([key, value]) => {
        const inFile = new RegExp(`^${key}=(.*)$`, "m").exec(file)?.[1];
        const now = running.get(key);
        return [
          now === value ? [] : [`${name} runs with ${key}=${now}`],
          inFile === undefined || inFile === value ? [] : [`the file of ${name} has ${key}=${inFile}`],
        ].flat();
      });
    }),
  );
  return found.flat();
}
