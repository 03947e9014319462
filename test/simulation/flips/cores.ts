import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Subject } from "../seeds.ts";

/** A core whose comparisons are flipped, and who is to notice. */
export interface Core {
  /** Those that decide. */
  readonly files: readonly string[];
  /** Folder of its unit, golden and property tests. */
  readonly tests: string;
  readonly subject: Subject;
  /** How many lives have a chance to notice what the tests let pass: what takes about ten seconds. */
  readonly seeds: number;
}

export const cores: readonly Core[] = [
  {
    files: filesOf("arbiter", [
      "confirm",
      "elect",
      "decide",
      "permit",
      "progress",
      "verdict",
      "arbiter",
      "questions",
      "requests",
      "broker-ids",
    ]),
    tests: "arbiter/core/",
    subject: "arbiter",
    seeds: 10,
  },
  {
    files: filesOf("replicator", [
      "comparison",
      "evaluate",
      "settle",
      "brake",
      "link",
      "compare-schedule",
      "past",
      "divergence",
      "answers",
      "family",
    ]),
    tests: "replicator/core/",
    subject: "link",
    seeds: 300,
  },
  {
    files: filesOf("idc-router", ["fold", "rank", "spill", "sets", "ledger", "name-servers", "health", "topics"]),
    tests: "idc-router/core/",
    subject: "router",
    seeds: 200,
  },
];

const huntMsMax = 300_000;
const run = promisify(execFile);

/** Whether the simulation notices within the core's seeds. One that does not come to its end has noticed something, too. */
export async function huntFails(copy: string, { subject, seeds }: Core): Promise<boolean> {
  const hunt = [join(copy, "test/simulation/planted/hunt.ts"), subject, String(seeds), "fail"];
  try {
    await run(process.execPath, hunt, { cwd: copy, timeout: huntMsMax, killSignal: "SIGKILL" });
    return false;
  } catch {
    return true;
  }
}

function filesOf(daemon: string, names: readonly string[]): readonly string[] {
  return names.map((name) => `${daemon}/core/${name}.ts`);
}
