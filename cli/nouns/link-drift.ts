import { exitCodes } from "#lib/errors.ts";
import { formatTable } from "#lib/table.ts";
import type { DriftDataReport, DriftReport } from "../../replicator/io/report.ts";
import { formatOutput } from "../output.ts";
import { type LinkVerb, pathOf } from "./link-verbs.ts";

/** `idcctl link drift LINK`: what others wrote in the target and the link has overwritten or deleted, the latest last. */
export async function linkDrift(verb: LinkVerb): Promise<number> {
  const report = await verb.client.get<{ entries: DriftReport[] }>(pathOf(verb.link, "/drift"));
  verb.write(formatOutput(report, verb.output, ({ entries }) => driftTable(entries)));
  return exitCodes.ok;
}

/** `idcctl link drift LINK --show ID`: the bytes as they were, text or not; -o json has them in base64. */
export async function linkDriftEntry(verb: LinkVerb & { id: string }): Promise<number> {
  const entry = await verb.client.get<DriftDataReport>(pathOf(verb.link, `/drift/${encodeURIComponent(verb.id)}`));
  if (verb.output === "table") verb.write(Buffer.from(entry.data ?? "", "base64"));
  else verb.write(formatOutput(entry, verb.output, () => ""));
  return exitCodes.ok;
}

function driftTable(entries: readonly DriftReport[]): string {
  if (entries.length === 0) return "Nothing was overwritten.\n";
  return formatTable(
    ["ID", "WHEN", "WHAT", "BYTES", "PATH"],
    entries.map(({ id, at, did, bytes, path }) => [id, at, did, bytes ?? "no data", path]),
  );
}
