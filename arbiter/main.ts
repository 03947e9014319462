import { arbiterCautions, arbiterSchema } from "#config/arbiter.ts";
import { printEffectiveArbiter } from "#config/effective.ts";
import { loadConfig, readConfigFile } from "#config/load.ts";
import { formatProblem } from "#config/problems.ts";
import type { CommandSpec } from "#lib/args.ts";
import { systemClock } from "#lib/clock.ts";
import { exitCodes } from "#lib/errors.ts";
import { createLogger } from "#lib/log.ts";
import { daemonOptions, runProgram } from "#lib/program.ts";
import { stopOnSignals } from "#lib/stop-signal.ts";
import { readVersion } from "#lib/version.ts";
import { runArbiter } from "./arbiter.ts";
import { impliedTimes } from "./implied-times.ts";

const spec = {
  program: "crossidc-arbiter",
  version: readVersion(),
  summary: "Decides which replica of each broker set is master, together with the arbiters of the other sites.",
  options: daemonOptions,
  examples: [
    {
      command: "crossidc-arbiter --config /etc/crossidc/arbiter.yaml --check",
      help: "Is the file right, and what does it mean?",
    },
    { command: "crossidc-arbiter --config /etc/crossidc/arbiter.yaml", help: "Run (what systemd does)." },
  ],
  exits: ["ok", "error", "usage"],
} as const satisfies CommandSpec;

/** The process: config, clients, run, close on SIGTERM; nothing else. */
await runProgram(spec, async (values) => {
  const { config, warnings } = loadConfig(arbiterSchema, values.config, {
    readFile: readConfigFile,
    cautions: arbiterCautions,
  });
  for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  if (values.check) {
    process.stdout.write(printEffectiveArbiter(config, impliedTimes(config.timing)));
    return exitCodes.ok;
  }
  return runArbiter({
    config,
    version: spec.version,
    clock: systemClock,
    log: createLogger(config.log),
    notifySocket: process.env["NOTIFY_SOCKET"],
    credentialsDirectory: process.env["CREDENTIALS_DIRECTORY"],
    signal: stopOnSignals("ARB_STOPPED"),
  });
});
