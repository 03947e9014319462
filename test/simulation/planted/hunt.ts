import { live, none, type Subject } from "../seeds.ts";

/**
 * Runs seeds until one fails, in a process of its own: in it the sources have a planted bug.
 * `node hunt.ts SUBJECT SEEDS [fail]` prints JSON: the seed and what did not hold, or null; with `fail` it then exits with 1.
 */
const [subject, seeds, fails] = process.argv.slice(2);

let caught: { seed: number; violation: string } | null = null;
for (let seed = 1; seed <= Number(seeds) && caught === null; seed += 1) {
  try {
    live(subject as Subject, seed, none);
  } catch (error) {
    const [violation = ""] = (error as Error).message.split("\n");
    caught = { seed, violation };
  }
}
process.stdout.write(JSON.stringify(caught));
if (fails === "fail" && caught !== null) process.exitCode = 1;
