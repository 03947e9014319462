import { formatTable } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { SetSummary, UnrecordedReport } from "../../arbiter/io/api-sets.ts";

/** One line for each broker set. */
export function setTable(sets: readonly SetSummary[]): string {
  return formatTable(
    ["SET", "PHASE", "MASTER", "EPOCH", "IN SYNC", "PROTECTION", "VOTES"],
    sets.map((set) => [
      set.name,
      set.phase,
      set.master === null ? "-" : `${set.master.id} ${set.master.address}`,
      set.epoch,
      inSyncText(set),
      protectionText(set),
      votesText(set.votes),
    ]),
  );
}

/** "2 of 3: 1 2?" where 2 is unconfirmed. */
function inSyncText({ inSync, unconfirmed, replicas }: SetSummary): string {
  const ids = inSync.map((id) => (unconfirmed.includes(id) ? `${id}?` : String(id)));
  return `${inSync.length} of ${replicas}: ${ids.join(" ") || "-"}`;
}

function protectionText({ protection: { level, promised, kept } }: SetSummary): string {
  return kept ? level : `${level}, promised ${promised}`;
}

export function votesText(votes: SetSummary["votes"]): string {
  if (votes === null) return "-";
  return `${votes.down} down, ${votes.alive} alive of ${votes.of}`;
}

/** What the table has no room for. */
export function setRemarks(sets: readonly SetSummary[], paint: Paint): string[] {
  return sets.flatMap((set) => {
    const { name, phase, why, frozen, protection } = set;
    const lines: string[] = [];
    if (frozen !== null) {
      const until = frozen.until === null ? "" : `, until ${frozen.until}`;
      lines.push(
        paint.red(
          `${name} is frozen (${frozen.code}) since ${frozen.at}${until}: ${frozen.reason}. ${wayOut(name, frozen.code)}`,
        ),
      );
    } else if (why !== "") lines.push((phase === "blocked" ? paint.red : paint.yellow)(`${name} is ${phase}: ${why}`));
    if (!protection.kept)
      lines.push(paint.yellow(`${name} is not protected as its policy promises: ${protection.why}`));
    return lines;
  });
}

/** Brokers that nobody decides over. */
export function unrecordedText({ name, brokers }: UnrecordedReport, paint: Paint): string {
  const who = brokers.map(({ id, address, epoch }) => `${id} at ${address} (epoch ${epoch})`).join(", ");
  return paint.red(
    `${name}: heard, and not on record: broker ${who}. To take them in: idcctl set adopt ${name} --brokers ${brokers.map(({ id }) => id).join(",")} --reason "…"`,
  );
}

function wayOut(name: string, code: string): string {
  switch (code) {
    case "operator":
      return `To end it: idcctl set unfreeze ${name} --reason "…"`;
    case "ledger-behind":
      return `To go on: idcctl set recover ${name} --reason "…"`;
    default:
      return `Stop one of the two brokers, then idcctl set unfreeze ${name} --reason "…"`;
  }
}
