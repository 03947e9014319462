import { printEffectiveRouter } from "#config/effective.ts";
import { idcRouterSchema } from "#config/idc-router.ts";
import { idcRouterCautions } from "#config/idc-router-cautions.ts";
import { loadConfig, readConfigFile } from "#config/load.ts";
import { formatProblem } from "#config/problems.ts";
import type { CommandSpec } from "#lib/args.ts";
import { systemClock } from "#lib/clock.ts";
import { exitCodes } from "#lib/errors.ts";
import { createLogger } from "#lib/log.ts";
import { daemonOptions, runProgram } from "#lib/program.ts";
import { stopOnSignals } from "#lib/stop-signal.ts";
import { readVersion } from "#lib/version.ts";
import { impliedTimes } from "./implied-times.ts";
import { runRouter } from "./router.ts";

const spec = {
  program: "crossidc-router",
  version: readVersion(),
  summary: "Tells clients which brokers to use: the nearest that can bear it, and never none.",
  options: daemonOptions,
  examples: [
    {
      command: "crossidc-router --config /etc/crossidc/idc-router.yaml --check",
      help: "Is the file right, and what does it mean?",
    },
    { command: "crossidc-router --config /etc/crossidc/idc-router.yaml", help: "Run (what systemd does)." },
  ],
  exits: ["ok", "error", "usage"],
} as const satisfies CommandSpec;

/** The process: config, clients, run, close on SIGTERM; nothing else. */
await runProgram(spec, async (values) => {
  const { config, warnings } = loadConfig(idcRouterSchema, values.config, {
    readFile: readConfigFile,
    cautions: idcRouterCautions,
  });
  for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  if (values.check) {
    process.stdout.write(printEffectiveRouter(config, impliedTimes(config)));
    return exitCodes.ok;
  }
  return runRouter({
    config,
    version: spec.version,
    clock: systemClock,
    log: createLogger(config.log),
    notifySocket: process.env["NOTIFY_SOCKET"],
    credentialsDirectory: process.env["CREDENTIALS_DIRECTORY"],
    signal: stopOnSignals("RTR_STOPPED"),
  });
});
