import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../../integration/harness/eventually.ts";
import { inProject } from "../../integration/harness/project.ts";
import { httpAddressOf } from "../http.ts";
import { addressOf, type SiteName, serverSites } from "../network/sites.ts";
import type { Server } from "../server.ts";
import { mqadminCommand } from "../servers/rocketmq.ts";
import type { World } from "../world.ts";

/** docs/operations.md as an operator follows it: its commands, as they are written there, in the sites of a world. */

const commandMsMax = 120_000;
const stopMsMax = 60_000;
/** What an arbiter that has just started, or has not heard everybody yet, refuses is asked again; and what etcd refuses while a member joins. */
const againMsMax = 90_000;

/** The first blocks of commands of one entry of the page, in their order. @throws when it has fewer, or an empty one */
export async function blocksOf<const Names extends readonly string[]>(
  heading: string,
  names: Names,
): Promise<{ readonly [Name in Names[number]]: string }> {
  const page = await readFile(inProject("docs/operations.md"), "utf8");
  const [, after] = page.split(new RegExp(`^#+ ${heading}$`, "m"));
  if (after === undefined) throw new Error(`docs/operations.md has no entry "${heading}"`);
  const [entry = ""] = after.split(/^#{2,4} /m);
  const blocks = [...entry.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent = "", text = ""]) =>
    text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  const named = names.map((name, nth) => {
    const block = blocks[nth]?.trim();
    if (!block) throw new Error(`docs/operations.md, "${heading}": there is no block ${nth + 1}, ${name}`);
    return [name, block] as const;
  });
  return Object.fromEntries(named) as { readonly [Name in Names[number]]: string };
}

/** What stands otherwise in this test than on the page. @throws when the page does not say it */
export function instead(block: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((text, [written, own]) => {
    if (!text.includes(written))
      throw new Error(`docs/operations.md does not say ${JSON.stringify(written)} in: ${text}`);
    return text.replaceAll(written, own);
  }, block);
}

export interface Reader {
  /**
   * Runs a block of commands in a site. @param expected exit codes of the commands that contain the text; 0 of all others
   * @returns what they printed
   */
  follow(site: SiteName, block: string, expected?: Readonly<Record<string, readonly number[]>>): Promise<string>;
}

/** Somebody with a shell in each site, and the tools that the page names. @param units what systemctl names, in that site */
export async function createReader(
  world: World,
  options: {
    readonly arbiters: readonly Server[];
    readonly units: (unit: string, site: SiteName) => Server | undefined;
    /** Paths of the page, and what they are here. */
    readonly paths: (site: SiteName) => Readonly<Record<string, string>>;
  },
): Promise<Reader> {
  const { arbiters, units, paths } = options;
  const tools = join(world.network.folder, "tools");
  for (const site of serverSites) {
    await mkdir(join(tools, site), { recursive: true });
    const arbiter = arbiters.find((one) => one.site === site);
    const endpoint = arbiter === undefined ? "" : ` --endpoint http://${httpAddressOf(arbiter)}`;
    const scripts = {
      idcctl: `exec ${inProject("bin/idcctl")} "$@"${endpoint}`,
      etcdctl: `ETCDCTL_API=3 exec ${inProject(".cache/etcd/usr/bin/etcdctl")} "$@"`,
      mqadmin: `exec ${mqadminCommand(world.network.folder)
        .map((word) => `'${word}'`)
        .join(" ")} "$@"`,
    };
    for (const [name, text] of Object.entries(scripts)) {
      await writeFile(join(tools, site, name), `#!/bin/sh\n${text}\n`);
      await chmod(join(tools, site, name), 0o755);
    }
  }

  async function run(site: SiteName, line: string, codes: readonly number[]): Promise<string> {
    const command = ["env", `PATH=${join(tools, site)}:${process.env["PATH"]}`, "sh", "-e", "-c", line];
    const tool = world.run(site, command);
    const late = setTimeout(() => void tool.kill(), commandMsMax);
    const { code } = await tool.exit;
    clearTimeout(late);
    if (!codes.includes(code ?? -1)) throw new Error(`in ${site}: ${line} ended with ${code}. ${tool.output()}`);
    return tool.output();
  }

  return {
    async follow(site, block, expected = {}) {
      const here = Object.entries(paths(site)).reduce(
        (text, [path, own]) => text.replaceAll(path, own),
        inWorld(block),
      );
      let printed = "";
      for (const line of here.replaceAll("\\\n", " ").split("\n")) {
        const [, verb, unit = ""] = /^systemctl (stop|start) ([\w-]+)/.exec(line) ?? [];
        const server = verb === undefined ? undefined : units(unit, site);
        if (verb !== undefined && server === undefined) throw new Error(`${site} has no ${unit}`);
        if (server !== undefined) await (verb === "stop" ? stop(server) : start(server, unit));
        else if (line.trim() !== "" && !line.startsWith("#")) {
          const codes = Object.entries(expected).filter(([text]) => line.includes(text));
          // The list says by its code whether every set is well.
          const usual = line.includes("set list") ? [0, 6] : [0];
          const wanted = codes.length > 0 ? codes.flatMap(([, each]) => each) : usual;
          const attempt = () => run(site, line, wanted);
          printed += /^idcctl|^etcdctl .* member add /.test(line)
            ? await eventually(attempt, { withinMs: againMsMax, everyMs: 1_000 })
            : await attempt();
        }
      }
      return printed;
    },
  };
}

/** Machines of the page have one address each; here a site has one. */
function inWorld(block: string): string {
  return serverSites.reduce(
    (text, site, nth) => text.replaceAll(new RegExp(`\\b10\\.${nth + 1}\\.0\\.(5|21)\\b`, "g"), addressOf(site)),
    block,
  );
}

/** As systemd does. */
async function stop(server: Server): Promise<void> {
  if (!server.running) return;
  process.kill(server.pid, "SIGTERM");
  await eventually(
    async () => {
      if (server.running) throw new Error(`${server.name} has not ended. ${server.log()}`);
    },
    { withinMs: stopMsMax, everyMs: 20 },
  );
}

/** A member of etcd serves only when others are there. */
async function start(server: Server, unit: string): Promise<void> {
  if (unit === "etcd") await server.launch();
  else await server.restart();
}
