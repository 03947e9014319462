import { inProject } from "../../integration/harness/project.ts";
import type { SiteName } from "../network/sites.ts";
import type { Recipe } from "../server.ts";

const readyMsMax = 60_000;

/** One of crossidc's own daemons, by its launcher. @param options.config its config file's text */
export function daemonRecipe(options: {
  readonly launcher: "crossidc-replicator";
  readonly site: SiteName;
  /** HOST:PORT of its HTTP door, as the config says. */
  readonly address: string;
  readonly config: string;
}): Recipe {
  const { launcher, site, address, config } = options;
  return {
    name: `${launcher}-${site}`,
    site,
    address,
    files: () => ({ "config.yaml": config }),
    command: (folder) => [
      "env",
      `NODE_COMPILE_CACHE=${inProject(".cache/node-compile")}`,
      ...[inProject(`bin/${launcher}`), "--config", `${folder}/config.yaml`],
    ],
    ready: async ({ process }) => void (await process.waitForLine(/replicator started/, { timeoutMs: readyMsMax })),
  };
}
