import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { exitCodes } from "#lib/errors.ts";
import { runProgram } from "#lib/program.ts";
import { readVersion } from "#lib/version.ts";
import type { Share, Told } from "../test/simulation/lives-worker.ts";
import { added, type Lives, none, type Subject, subjects } from "../test/simulation/seeds.ts";

/** Many lives in the simulated world, one thread on each processor: `./run sim`. One seed is one life, and always the same. */
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
        default: "all",
        choices: subjects,
        help: "A broker set with its arbiters, a link of the replicator, or a router; all: each in its turn.",
      },
    },
    examples: [{ command: "./run sim --of arbiter --seeds 1 --from 4711", help: "replays one life" }],
    exits: ["ok", "error", "usage"],
  },
  async ({ seeds, from, of }) => {
    const wrong = [seeds, from].find((text) => !/^[1-9]\d{0,8}$/.test(text));
    if (wrong === undefined) return simulate(of as Subject, Number(from), Number(seeds));
    console.error(`run sim: ${wrong} is no whole number above 0`);
    return exitCodes.usage;
  },
);

async function simulate(subject: Subject, from: number, seeds: number): Promise<number> {
  const startedAt = performance.now();
  const step = Math.min(availableParallelism(), seeds);
  const until = from + seeds;
  const sums = new Map<number, Lives>();
  let failed: Told | undefined;
  let toldAt = startedAt;
  const threads = Array.from({ length: step }, (_, nth) => {
    const share: Share = { subject, from: from + nth, until, step };
    return new Worker(new URL("../test/simulation/lives-worker.ts", import.meta.url), { workerData: share });
  });
  const total = (): Lives => [...sums.values()].reduce(added, none);
  for (const [nth, thread] of threads.entries()) {
    thread.on("message", (told: Told) => {
      sums.set(nth, told.sum);
      if (told.failure !== null && failed === undefined) {
        failed = told;
        for (const other of threads) void other.terminate();
      }
      if (performance.now() - toldAt < progressEveryMs) return;
      toldAt = performance.now();
      console.log(`up to about seed ${told.seed}: ${textOf(subject, total())}`);
    });
  }
  await Promise.all(threads.map((thread) => once(thread, "exit")));
  if (failed !== undefined) {
    console.error(failed.failure);
    console.log(`${textOf(subject, total())} before seed ${failed.seed} failed`);
    return exitCodes.error;
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  console.log(`${textOf(subject, total())}, all as promised, in ${seconds} s`);
  return exitCodes.ok;
}

function textOf(subject: Subject, { lives, failovers, switches, acked, commands, tables }: Lives): string {
  if (subject === "link") return `${lives} lives, ${commands} commands`;
  if (subject === "router") return `${lives} lives, ${failovers} failovers, ${tables} tables`;
  const ofArbiters = `${lives} lives, ${failovers} failovers, ${switches} switches, ${acked} acknowledged messages`;
  return subject === "arbiter"
    ? ofArbiters
    : `${ofArbiters}, ${commands} commands of links, ${tables} tables of routers`;
}
