import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodes } from "#lib/errors.ts";
import type { DecisionReport } from "../../../arbiter/io/api-decisions.ts";
import type { SetReport } from "../../../arbiter/io/api-sets.ts";
import { inProject } from "../../integration/harness/project.ts";
import { getText, httpAddressOf } from "../http.ts";
import type { SiteName } from "../network/sites.ts";
import type { Server } from "../server.ts";
import { mqadminCommand } from "../servers/rocketmq.ts";
import type { World } from "../world.ts";

/** What people do: RocketMQ's own mqadmin, idcctl, and a look at an arbiter's HTTP door. */

const toolMsMax = 60_000;

/** The stock tool, in a site. @returns all that it printed; its exit code is 0 even when it fails */
export async function mqadmin(world: World, site: SiteName, ...args: readonly string[]): Promise<string> {
  const { output } = await runTool(world, site, [...mqadminCommand(world.network.folder), ...args]);
  return output
    .split("\n")
    .filter((line) => !line.includes("|-"))
    .join("\n");
}

/** idcctl at an arbiter, in its own site: changes are taken from there only. */
export async function idcctl(
  world: World,
  arbiter: Server,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const endpoint = ["--endpoint", `http://${httpAddressOf(arbiter)}`];
  return await runTool(world, arbiter.site, [inProject("bin/idcctl"), ...args, ...endpoint]);
}

/** Replaces all policies by one for every set. @throws unless it was applied, kept or not */
export async function applyPolicy(
  world: World,
  arbiter: Server,
  policy: Readonly<Record<string, unknown>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-policies-"));
  try {
    const file = join(folder, "policies.yaml");
    await writeFile(file, JSON.stringify({ policies: [{ match: "*", cooldownMs: 0, ...policy }] }));
    const { code, output } = await idcctl(world, arbiter, "policy", "apply", file, "--reason", "a test");
    // 6: applied, and some set is not protected as it promises.
    if (code !== exitCodes.ok && code !== exitCodes.different)
      throw new Error(`policy apply ended with ${code}: ${output}`);
    return output;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function runTool(world: World, site: SiteName, command: readonly string[]) {
  const tool = world.run(site, command);
  const late = setTimeout(() => void tool.kill(), toolMsMax);
  const { code } = await tool.exit;
  clearTimeout(late);
  if (code === null) throw new Error(`${command.join(" ")} had not ended after ${toolMsMax} ms. ${tool.log()}`);
  return { code, output: tool.output() };
}

/** What an arbiter shows of a set, "C1/bs1". @throws when it has none, or does not answer */
export async function readSet({ network }: World, arbiter: Server, set: string): Promise<SetReport> {
  return JSON.parse(await getText(network, arbiter.site, httpAddressOf(arbiter), `/v1/sets/${set}`)) as SetReport;
}

/** The decision that gave a set that epoch. */
export async function readDecision(
  { network }: World,
  arbiter: Server,
  id: string,
): Promise<{ readonly kind: string; readonly why: string; readonly knownLag: bigint | null }> {
  const text = await getText(network, arbiter.site, httpAddressOf(arbiter), `/v1/decisions/${id}`);
  const { kind, why, record } = JSON.parse(text) as DecisionReport;
  const { knownLag } = (record as { readonly verdict: { readonly knownLag: string | null } }).verdict;
  return { kind, why, knownLag: knownLag === null ? null : BigInt(knownLag) };
}

/** A series of an arbiter, by its name and some of its labels. @returns undefined when it has none */
export async function readMetric(
  { network }: World,
  arbiter: Server,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const metrics = await getText(network, arbiter.site, httpAddressOf(arbiter), "/metrics");
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = metrics
    .split("\n")
    .find((one) => one.startsWith(`${name}{`) && wanted.every((label) => one.includes(label)));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}
