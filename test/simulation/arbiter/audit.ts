import { decodeAuditEntry } from "../../../arbiter/core/audit.ts";
import { readChain } from "../../../arbiter/core/audit-faults.ts";
import { decodeDecision } from "../../../arbiter/core/decision-records.ts";
import type { LedgerEntry, Transaction } from "../../../arbiter/core/events.ts";
import { type Site, sites } from "./net.ts";

/** No decision without its entry in the audit log, no entry without its decision, and every chain whole. */

export function judgeAudited({ puts }: Transaction, site: Site): void {
  const of = (folder: string) => puts.filter(({ key }) => key.startsWith(folder) && !key.endsWith("/head"));
  const made = of("decisions/")
    .map(({ text }) => decodeDecision(text))
    .filter(({ effects }) => Object.keys(effects).length === 0)
    .map(({ id }) => id);
  const entries = of("audit/").map(({ text }) => decodeAuditEntry(text));
  const told = entries.flatMap(({ decision }) => decision ?? []);
  if (made.join() !== told.join()) throw new Error(`decided: ${made.join()}; in the audit log: ${told.join()}`);
  if (entries.some((entry) => entry.site !== site)) throw new Error(`${site} wrote to another site's audit log`);
}

/** @returns how many entries there are */
export function judgeChains(etcd: ReadonlyMap<string, LedgerEntry>): number {
  let count = 0;
  for (const site of sites) {
    const found = [...etcd.values()].filter(({ key }) => key.startsWith(`audit/${site}/`));
    const { faults, entries } = readChain(site, found);
    if (faults.length > 0) throw new Error(`the audit log of ${site} is broken: ${JSON.stringify(faults)}`);
    count += entries.length;
  }
  return count;
}
