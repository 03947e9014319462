import { exitCodes } from "#lib/errors.ts";
import { formatTable } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { AuditReport, AuditVerifyReport } from "../../arbiter/io/api-audit.ts";
import { type Call, UsageError, type Verb } from "../call.ts";
import { formatOutput } from "../output.ts";

/** `idcctl audit`: what operators and arbiters have changed, in a chain of entries for each site. */
export const auditNoun: readonly Verb[] = [
  {
    name: "audit list",
    args: "[SITE]",
    help: "Who has changed what, when and why, the newest first; --limit N, up to 1000.",
    flags: ["limit"],
    run: list,
  },
  {
    name: "audit verify",
    args: "[SITE]",
    help: "Is every entry there, and as it was written? Exit 1 when not, with the entries that are missing or changed.",
    run: verify,
  },
];

async function list(call: Call): Promise<number> {
  const query = queryOf(call, "audit list");
  const { limit } = call.flags;
  if (limit !== undefined) {
    if (!/^\d{1,4}$/.test(limit)) throw new UsageError(`--limit ${limit} is no number of 1 to 1000`);
    query.set("limit", limit);
  }
  const report = await call.arbiters().get<AuditReport>(`/v1/audit?${query}`);
  call.write(formatOutput(report, call.output, entryTable));
  return exitCodes.ok;
}

function entryTable({ entries }: AuditReport): string {
  if (entries.length === 0) return "Nothing was changed yet.\n";
  return formatTable(
    ["ENTRY", "WHEN", "WHAT", "WHO", "SET", "REASON", "WHAT CAME OF IT"],
    entries.map(({ site, n, at, what, who, set, decision, reason, detail }) => [
      `${site}/${n}`,
      at,
      what,
      who,
      set ?? "-",
      reason || "-",
      decision === null ? detail : `${detail}; decision ${decision}`,
    ]),
  );
}

async function verify(call: Call): Promise<number> {
  const query = queryOf(call, "audit verify");
  const report = await call.arbiters().get<AuditVerifyReport>(`/v1/audit/verify?${query}`);
  call.write(formatOutput(report, call.output, (value) => verdictText(value, call.paint)));
  return report.whole ? exitCodes.ok : exitCodes.error;
}

function verdictText({ chains }: AuditVerifyReport, paint: Paint): string {
  if (chains.length === 0) return "There is no audit log yet.\n";
  const lines = chains.flatMap(({ site, entries, first, last, digest, faults }) => {
    const kept = last === null ? "no entries" : `entries ${first} to ${last}, the last with digest ${digest}`;
    if (faults.length === 0) return [`${site}: whole, ${kept}`];
    return [
      paint.red(
        `${site}: broken, ${faults.length} ${faults.length === 1 ? "fault" : "faults"} in ${entries} entries; ${kept}`,
      ),
      ...faults.map(({ kind, n, why }) => `  ${n === null ? "the head" : `entry ${site}/${n}`}: ${kind}: ${why}`),
    ];
  });
  return lines.map((line) => `${line}\n`).join("");
}

function queryOf({ args }: Call, verb: string): URLSearchParams {
  const [site, ...rest] = args;
  if (rest[0] !== undefined) throw new UsageError(`${verb} does not take ${JSON.stringify(rest[0])}`);
  return new URLSearchParams(site === undefined ? {} : { site });
}
