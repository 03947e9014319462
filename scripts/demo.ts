/** `./run demo`: plays a story with real servers on this machine. */
import { parseCommandLine } from "#lib/args.ts";
import { exitCodes } from "#lib/errors.ts";
import { readVersion } from "#lib/version.ts";
import { playReplication } from "./demo/replication.ts";

const commandLine = parseCommandLine(
  {
    program: "demo",
    version: readVersion(),
    summary: "Plays a story on this machine: two ZooKeepers, and crossidc between them.",
    options: {
      stay: { type: "boolean", help: "Stop after the first copy, keep all running for you to try, until Ctrl-C." },
    },
    positionals: [{ name: "story", help: "replication, the only one so far", optional: true }],
    examples: [
      { command: "./run demo", help: "the whole story, about a minute" },
      { command: "./run demo --stay", help: "two ZooKeepers and a replicator to play with" },
    ],
    exits: ["ok", "error", "usage"],
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
  case "run": {
    const [story = "replication"] = commandLine.positionals;
    if (story === "replication") process.exitCode = await playReplication(commandLine.values);
    else {
      console.error(`demo: there is no story ${JSON.stringify(story)}; there is replication`);
      process.exitCode = exitCodes.usage;
    }
    // A story that was stopped half way leaves connections behind.
    process.exit();
  }
}
