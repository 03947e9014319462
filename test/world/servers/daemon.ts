import { inProject } from "../../integration/harness/project.ts";
import type { SiteName } from "../network/sites.ts";
import type { Recipe } from "../server.ts";

const readyMsMax = 60_000;
const readyLines = {
  "crossidc-replicator": /replicator started/,
  "crossidc-arbiter": /arbiter started/,
  "crossidc-router": /router started/,
} as const;

/** One of crossidc's own daemons, by its launcher. @param options.config its config file's text, given its own folder */
export function daemonRecipe(options: {
  readonly launcher: keyof typeof readyLines;
  readonly site: SiteName;
  /** HOST:PORT for its clients, as the config says: of the replicator its HTTP door, of the others what brokers or clients speak to. */
  readonly address: string;
  readonly config: string | ((folder: string) => string);
}): Recipe {
  const { launcher, site, address, config } = options;
  return {
    name: `${launcher}-${site}`,
    site,
    address,
    files: (folder) => ({ "config.yaml": typeof config === "string" ? config : config(folder) }),
    command: (folder) => [
      "env",
      `NODE_COMPILE_CACHE=${inProject(".cache/node-compile")}`,
      ...[inProject(`bin/${launcher}`), "--config", `${folder}/config.yaml`],
    ],
    ready: async ({ process }) => void (await process.waitForLine(readyLines[launcher], { timeoutMs: readyMsMax })),
  };
}
