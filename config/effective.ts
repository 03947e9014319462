import { stringify } from "yaml";
import { type ArbiterConfig, arbiterSchema } from "./arbiter.ts";
import { type IdcRouterConfig, idcRouterSchema } from "./idc-router.ts";
import { type Implied, impliedTimes } from "./implied.ts";
import { type ReplicatorConfig, replicatorSchema } from "./replicator.ts";
import { mapMarked, type Schema } from "./schema.ts";

/**
 * What `--check` prints: the config as the daemon sees it, defaults filled in and secrets masked, and the worst cases it
 * implies as comments. The text is a valid config file again.
 */
export function printEffective(config: ReplicatorConfig): string {
  const times = config.links.flatMap((link) => [`# ${link.name}:`, ...impliedTimes(link).map(impliedLine)]);
  return effectiveText(replicatorSchema, config, "What follows from it, per link, in the worst case", times);
}

/** The same of an arbiter; what its times imply is known to the arbiter itself. */
export function printEffectiveArbiter(config: ArbiterConfig, implied: readonly Implied[]): string {
  return effectiveText(arbiterSchema, config, "What follows from it, in the worst case", implied.map(impliedLine));
}

/** And of a router. */
export function printEffectiveRouter(config: IdcRouterConfig, implied: readonly Implied[]): string {
  return effectiveText(idcRouterSchema, config, "What follows from it, in the worst case", implied.map(impliedLine));
}

function effectiveText(
  schema: Schema,
  config: { readonly siteFile?: string | undefined; readonly siteKey?: string | undefined },
  headline: string,
  lines: readonly string[],
): string {
  // The site is resolved: printing where it came from as well would make a file that names it twice.
  const { siteFile: _file, siteKey: _key, ...resolved } = config;
  return [maskedYaml(schema, resolved), `# ${headline}:`, ...lines, ""].join("\n");
}

function impliedLine({ what, ms, deletes, from }: Implied): string {
  const bound = deletes === undefined ? `within ${duration(ms)}` : `at most ${deletes} in ${duration(ms)}`;
  return `#   ${bound}: ${what} (${from})`;
}

export function maskedYaml(schema: Schema, config: unknown): string {
  return stringify(
    mapMarked(schema, config, "secret", () => "***"),
    { lineWidth: 0 },
  );
}

/** 6667 is "6.7 s". */
function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 120_000) return `${rounded(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${rounded(ms / 60_000)} min`;
  return `${rounded(ms / 3_600_000)} h`;
}

function rounded(value: number): number {
  // Up: it is a worst case.
  return Math.ceil(value * 10) / 10;
}
