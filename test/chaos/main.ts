/**
 * Breaks a broker set over three sites in every way of a list, under load, and reports from what clients saw whether anything was
 * lost, and how long it took to recover.
 * Usage: ./run chaos [--faults a,b,...] [--minutes N] [--seed S] [--contender arbiter|stock] [--settings lossless|default]
 *   [--rpo best-effort|bounded|zero] [--out FOLDER] | ./run chaos --read FOLDER
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { exitCodes, messageOf } from "#lib/errors.ts";
import { worldRefusal } from "../world/rights.ts";
import { openWorld } from "../world/world.ts";
import { type FaultName, faultNames } from "./plan/names.ts";
import { rpoNames, type Subject, settingNames } from "./raise.ts";
import { drawPicture } from "./report/picture.ts";
import { readEvidence } from "./report/read.ts";
import { reportOf } from "./report/report.ts";
import { lastLines, markdownOf } from "./report/text.ts";
import { runChaos } from "./run.ts";

const contenders = ["arbiter", "stock"] as const;
const minuteMs = 60_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const asked = readArguments();
  if (typeof asked === "string") {
    console.error(asked);
    return exitCodes.usage;
  }
  if (asked.read !== undefined) return await report(asked.read);
  const refusal = worldRefusal();
  if (refusal !== undefined) {
    console.error(`no world can be made here: ${refusal}`);
    return exitCodes.error;
  }
  await mkdir(asked.folder, { recursive: true });
  try {
    await using world = await openWorld();
    await runChaos(world, {
      ...asked,
      say: (line) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`),
    });
  } catch (error) {
    console.error(`the run broke off: ${messageOf(error)}; what it saw is in ${asked.folder}`);
    return exitCodes.error;
  }
  return await report(asked.folder);
}

/** @returns what the process exits with */
async function report(folder: string): Promise<number> {
  const evidence = await readEvidence(folder);
  const result = reportOf(evidence);
  await writeFile(join(folder, "report.json"), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(folder, "latency.svg"), drawPicture(evidence));
  await writeFile(join(folder, "report.md"), markdownOf(result));
  console.log(`${markdownOf(result)}\nEverything is in ${folder}\n`);
  console.log(lastLines(result));
  return result.isValid ? exitCodes.ok : exitCodes.error;
}

interface Asked extends Subject {
  readonly faults: readonly FaultName[];
  readonly forMs: number;
  readonly seed: number;
  readonly folder: string;
  readonly read: string | undefined;
}

/** @returns what is wrong with them, if anything is */
function readArguments(): Asked | string {
  try {
    const { values } = parseArgs({
      options: {
        faults: { type: "string", default: faultNames.join(",") },
        minutes: { type: "string", default: "10" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        contender: { type: "string", default: "arbiter" },
        settings: { type: "string", default: "lossless" },
        rpo: { type: "string" },
        out: { type: "string" },
        read: { type: "string" },
      },
    });
    const faults = values.faults.split(",").map((name) => oneOf(name, faultNames));
    if (new Set(faults).size < faults.length) throw new Error("--faults names one of them twice");
    const stamp = new Date().toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
    const settings = oneOf(values.settings, settingNames);
    return {
      faults,
      forMs: numberOf("minutes", values.minutes) * minuteMs,
      seed: numberOf("seed", values.seed),
      contender: oneOf(values.contender, contenders),
      settings,
      // RocketMQ's own settings can keep no promise: with zero a silent master would never be replaced.
      rpo: oneOf(values.rpo ?? (settings === "lossless" ? "zero" : "best-effort"), rpoNames),
      folder: resolve(values.out ?? join(".cache/chaos", `${stamp}-${values.contender}-${values.seed}`)),
      read: values.read,
    };
  } catch (error) {
    return `run chaos: ${messageOf(error)}`;
  }
}

function oneOf<Name extends string>(text: string, names: readonly Name[]): Name {
  const name = names.find((one) => one === text);
  if (name === undefined) throw new Error(`${text} is none of ${names.join(", ")}`);
  return name;
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (text === "" || !Number.isFinite(number) || number < 0) throw new Error(`--${option} ${text} is no number`);
  return number;
}
