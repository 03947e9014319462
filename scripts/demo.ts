/** `./run demo`: plays stories with real servers on this machine. */
import { parseCommandLine } from "#lib/args.ts";
import { exitCodes } from "#lib/errors.ts";
import { readVersion } from "#lib/version.ts";
import { worldRefusal } from "../test/world/rights.ts";
import { playFailover } from "./demo/failover.ts";
import { playReplication } from "./demo/replication.ts";
import { playRouting } from "./demo/routing.ts";
import { createStage } from "./demo/stage.ts";
import { stopOnSignals, tell } from "./demo/tell.ts";

const commandLine = parseCommandLine(
  {
    program: "demo",
    version: readVersion(),
    summary:
      "Plays stories on this machine: metadata between two ZooKeepers, a broker set over three sites, clients led to the nearest brokers.",
    options: {
      stay: {
        type: "boolean",
        help: "Replication: stop after the first copy, keep all running for you to try, until Ctrl-C.",
      },
    },
    positionals: [{ name: "story", help: "replication, failover or routing; all without it", optional: true }],
    examples: [
      { command: "./run demo replication", help: "two ZooKeepers and the replicator, about a minute" },
      { command: "./run demo failover", help: "a broker set loses its master twice, about two minutes; needs root" },
      {
        command: "./run demo routing",
        help: "clients of two IDCs, one of which loses its brokers; two minutes; needs root",
      },
      { command: "./run demo --stay", help: "two ZooKeepers and a replicator to play with" },
    ],
    exits: ["ok", "error", "usage", "refused"],
  },
  process.argv.slice(2),
);

switch (commandLine.kind) {
  case "print":
    process.stdout.write(commandLine.text);
    break;
  case "usage":
    console.error(commandLine.message);
    process.exitCode = exitCodes.usage;
    break;
  case "run":
    process.exitCode = await play(commandLine.positionals[0], commandLine.values.stay);
    // A story that was stopped half way leaves connections behind.
    process.exit();
}

async function play(name: string | undefined, stay: boolean): Promise<number> {
  const { stdout, env } = process;
  const signal = stopOnSignals();
  const stage = createStage(stdout, { colour: stdout.isTTY === true && env["NO_COLOR"] === undefined, signal });
  const replication = (): Promise<number> => tell(stage, signal, (frame) => playReplication(frame, { stay }));
  /** Those that are played in network namespaces. */
  const inWorld = { failover: playFailover, routing: playRouting } as const;
  switch (name) {
    case "replication":
      return await replication();
    case "failover":
    case "routing": {
      if (stay)
        return refuse(exitCodes.usage, "--stay is for replication; ./run world up arbiter keeps a broker set up");
      const refusal = worldRefusal();
      return refusal === undefined ? await tell(stage, signal, inWorld[name]) : refuse(exitCodes.refused, refusal);
    }
    case undefined: {
      const code = await replication();
      if (stay || code !== exitCodes.ok) return code;
      const refusal = worldRefusal();
      if (refusal !== undefined) {
        stage.say(`The stories of failover and routing are left out. ${refusal}`);
        return code;
      }
      const failedOver = await tell(stage, signal, playFailover);
      return failedOver === exitCodes.ok ? await tell(stage, signal, playRouting) : failedOver;
    }
    default:
      return refuse(
        exitCodes.usage,
        `there is no story ${JSON.stringify(name)}; there are replication, failover and routing`,
      );
  }
}

function refuse(code: number, why: string): number {
  console.error(`demo: ${why}`);
  return code;
}
