import { existsSync } from "node:fs";
import { join } from "node:path";
import { contextsSchema } from "#config/contexts.ts";
import { loadConfig, readConfigFile } from "#config/load.ts";
import { OperatorError } from "#lib/errors.ts";
import type { Daemon } from "./client.ts";

const defaultEndpoints: Readonly<Record<Daemon, string>> = {
  replicator: "http://127.0.0.1:7401",
  arbiter: "http://127.0.0.1:7402",
  router: "http://127.0.0.1:7403",
};
const contextKeys = { replicator: "replicators", arbiter: "arbiters", router: "routers" } as const;

/** --endpoint, else the context's, else the one on this machine. */
export function endpointsOf(
  daemon: Daemon,
  options: { endpoints: readonly string[]; context: string | undefined; configHome: string | undefined },
): readonly string[] {
  const { endpoints, context, configHome } = options;
  if (endpoints.length > 0) return endpoints;
  const file = configHome === undefined ? undefined : join(configHome, "crossidc", "contexts.yaml");
  if (file === undefined || !existsSync(file)) {
    if (context === undefined) return [defaultEndpoints[daemon]];
    throw new OperatorError(
      "CTL_NO_CONTEXT",
      `There is no context ${JSON.stringify(context)}: ${file ?? "no home folder"} does not exist`,
      {
        hint: "Write the file (docs/config.md has its keys), or use --endpoint",
      },
    );
  }
  const { config } = loadConfig(contextsSchema, file, { readFile: readConfigFile });
  const name = context ?? config.current;
  const found = config.contexts[name];
  if (found === undefined) {
    throw new OperatorError("CTL_NO_CONTEXT", `There is no context ${JSON.stringify(name)} in ${file}`, {
      hint: `Contexts there: ${Object.keys(config.contexts).join(", ")}`,
    });
  }
  const named = found[contextKeys[daemon]];
  if (named !== undefined) return named;
  throw new OperatorError("CTL_NO_CONTEXT", `The context ${JSON.stringify(name)} in ${file} names no ${daemon}s`, {
    hint: `Add ${contextKeys[daemon]} to it, or use --endpoint`,
  });
}
