import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { printEffective } from "#config/effective.ts";
import { loadConfig, readConfigFile } from "#config/load.ts";
import { formatProblem } from "#config/problems.ts";
import { type ReplicatorConfig, replicatorCautions, replicatorSchema } from "#config/replicator.ts";
import type { CommandSpec } from "#lib/args.ts";
import { systemClock } from "#lib/clock.ts";
import { exitCodes } from "#lib/errors.ts";
import { createLogger } from "#lib/log.ts";
import { daemonOptions, runProgram } from "#lib/program.ts";
import { stopOnSignals } from "#lib/stop-signal.ts";
import { readVersion } from "#lib/version.ts";
import { type CompiledLink, compileLinks } from "./compile-links.ts";
import { dryRun } from "./dry-run.ts";
import type { Metrics } from "./metrics.ts";
import { createReplicator } from "./replicator.ts";
import { silentMetrics } from "./silent-metrics.ts";

const spec = {
  program: "crossidc-replicator",
  version: readVersion(),
  summary: "Mirrors the metadata of one IDC's ZooKeeper into another IDC's ZooKeeper.",
  options: {
    ...daemonOptions,
    once: {
      type: "boolean",
      help: "Bring every link's target up to date, and end. Refuses (3) a link that a running replicator leads.",
    },
    "dry-run": { type: "boolean", help: "Print what --once would do, and end. Writes nothing at all." },
    output: {
      type: "string",
      short: "o",
      placeholder: "FORMAT",
      default: "text",
      choices: ["text", "json"],
      help: "Format of the --dry-run plan on standard output.",
    },
  },
  examples: [
    {
      command: "crossidc-replicator --config /etc/crossidc/replicator.yaml --check",
      help: "Is the file right, and what does it mean?",
    },
    { command: "crossidc-replicator --config /etc/crossidc/replicator.yaml --dry-run", help: "What would change?" },
    {
      command: "crossidc-replicator --config /etc/crossidc/replicator.yaml",
      help: "Run the links (what systemd does).",
    },
  ],
  exits: ["ok", "error", "usage", "refused", "different"],
} as const satisfies CommandSpec;

/** A run that ends has nobody to measure for. */
function withoutCanary({ config, rules }: CompiledLink): CompiledLink {
  return { config: { ...config, canary: undefined }, rules };
}

async function loadMetrics(config: ReplicatorConfig): Promise<Metrics> {
  const { createMetrics } = await import("./metrics.ts");
  return createMetrics(config.environment);
}

function dependencies(config: ReplicatorConfig, metrics: Metrics) {
  return {
    clock: systemClock,
    random: Math.random,
    log: createLogger(config.log),
    metrics,
    newId: () => randomUUID().slice(0, 8),
    instance: `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`,
    credentialsDirectory: process.env["CREDENTIALS_DIRECTORY"],
  };
}

/** The process: config, clients, run, close on SIGTERM; nothing else. */
await runProgram(spec, async (values) => {
  if ([values.check, values.once, values["dry-run"]].filter(Boolean).length > 1) {
    process.stderr.write(`${spec.program}: give at most one of --check, --once and --dry-run\n`);
    return exitCodes.usage;
  }
  const loaded = loadConfig(replicatorSchema, values.config, {
    readFile: readConfigFile,
    cautions: replicatorCautions,
  });
  for (const warning of loaded.warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  const links = compileLinks(loaded);
  if (values.check) {
    process.stdout.write(printEffective(loaded.config));
    return exitCodes.ok;
  }
  const stop = stopOnSignals("REP_STOPPED");
  const isDaemon = !values.once && !values["dry-run"];
  const deps = dependencies(loaded.config, isDaemon ? await loadMetrics(loaded.config) : silentMetrics);
  if (values["dry-run"]) {
    return dryRun({
      links,
      deps,
      output: values.output === "json" ? "json" : "text",
      stdout: process.stdout,
      stderr: process.stderr,
      signal: stop,
    });
  }
  const replicator = createReplicator({
    config: loaded.config,
    links: isDaemon ? links : links.map(withoutCanary),
    deps,
    notifySocket: process.env["NOTIFY_SOCKET"],
    version: spec.version,
  });
  return values.once ? replicator.once({ stderr: process.stderr, signal: stop }) : replicator.run(stop);
});
