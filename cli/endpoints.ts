import { existsSync } from "node:fs";
import { join } from "node:path";
import { contextsSchema } from "#config/contexts.ts";
import { loadConfig, readConfigFile } from "#config/load.ts";
import { OperatorError } from "#lib/errors.ts";

const defaultEndpoint = "http://127.0.0.1:7401";

/** --endpoint, else the context's replicators, else the one on this machine. */
export function replicatorEndpoints(options: {
  endpoints: readonly string[];
  context: string | undefined;
  configHome: string | undefined;
}): readonly string[] {
  const { endpoints, context, configHome } = options;
  if (endpoints.length > 0) return endpoints;
  const file = configHome === undefined ? undefined : join(configHome, "crossidc", "contexts.yaml");
  if (file === undefined || !existsSync(file)) {
    if (context === undefined) return [defaultEndpoint];
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
  if (found !== undefined) return found.replicators;
  throw new OperatorError("CTL_NO_CONTEXT", `There is no context ${JSON.stringify(name)} in ${file}`, {
    hint: `Contexts there: ${Object.keys(config.contexts).join(", ")}`,
  });
}
