import { exitCodes, messageOf } from "#lib/errors.ts";
import { runProgram } from "#lib/program.ts";
import { readVersion } from "#lib/version.ts";
import { type Lives, live, none, type Subject, subjects } from "../test/simulation/seeds.ts";

/** Many lives in the simulated world: `./run sim`. One seed is one life, and always the same. */
const progressEveryMs = 5_000;

await runProgram(
  {
    program: "run sim",
    version: readVersion(),
    summary:
      "Runs the real cores in a virtual world, with faults drawn from each seed, and checks what must hold after every step.",
    options: {
      seeds: { type: "string", placeholder: "N", default: "100", help: "How many seeds." },
      from: {
        type: "string",
        placeholder: "SEED",
        default: "1",
        help: "The first of them; with --seeds 1 it is replayed alone.",
      },
      of: {
        type: "string",
        placeholder: "SUBJECT",
        default: "arbiter",
        choices: subjects,
        help: "A broker set with its arbiters, a link of the replicator, or a router.",
      },
    },
    examples: [{ command: "./run sim --seeds 1 --from 4711", help: "replays one life" }],
    exits: ["ok", "error", "usage"],
  },
  async ({ seeds, from, of }) => {
    const wrong = [seeds, from].find((text) => !/^[1-9]\d{0,8}$/.test(text));
    if (wrong === undefined) return simulate(of as Subject, Number(from), Number(seeds));
    console.error(`run sim: ${wrong} is no whole number above 0`);
    return exitCodes.usage;
  },
);

function simulate(subject: Subject, from: number, seeds: number): number {
  let sum = none;
  let toldAt = performance.now();
  for (let seed = from; seed < from + seeds; seed += 1) {
    try {
      sum = live(subject, seed, sum);
    } catch (error) {
      console.error(messageOf(error));
      console.log(`${textOf(subject, sum)} before seed ${seed} failed`);
      return exitCodes.error;
    }
    if (performance.now() - toldAt < progressEveryMs) continue;
    toldAt = performance.now();
    console.log(`seeds ${from} to ${seed}: ${textOf(subject, sum)}`);
  }
  console.log(`${textOf(subject, sum)}, all as promised`);
  return exitCodes.ok;
}

function textOf(subject: Subject, { lives, failovers, switches, acked, commands, tables }: Lives): string {
  if (subject === "link") return `${lives} lives, ${commands} commands`;
  if (subject === "router") return `${lives} lives, ${failovers} failovers, ${tables} tables`;
  return `${lives} lives, ${failovers} failovers, ${switches} switches, ${acked} acknowledged messages`;
}
