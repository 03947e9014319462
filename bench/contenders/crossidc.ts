import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../test/integration/harness/ports.ts";
import { inProject } from "../../test/integration/harness/project.ts";
import { root } from "../tree.ts";
import type { Contender } from "./contender.ts";

/** The replicator as it is shipped: through its launcher, with a config file. @param folder for the config file */
export async function crossidc(folder: string): Promise<Contender> {
  const port = await freePort();
  const configFile = (source: string, target: string): string => {
    const link = {
      name: "bench",
      kind: "zookeeper",
      source: { servers: [source] },
      target: { servers: [target] },
      rules: [{ match: `${root}/**`, to: `${root}/**` }],
    };
    const file = join(folder, "replicator.yaml");
    const config = { site: "idc2", log: { level: "error" }, http: { listen: `127.0.0.1:${port}` }, links: [link] };
    writeFileSync(file, JSON.stringify(config));
    return file;
  };
  const command = inProject("bin/crossidc-replicator");
  return {
    name: "crossidc-replicator",
    key: "crossidc",
    store: "zookeeper",
    pass: (source, target) => ({ command, args: ["--config", configFile(source, target), "--once"] }),
    follow: (source, target) => ({ command, args: ["--config", configFile(source, target)] }),
  };
}
