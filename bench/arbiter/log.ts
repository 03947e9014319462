/** What arbiters have written to their logs, JSON lines. */

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly set?: string;
}

export interface Decided {
  readonly set: string;
  readonly at: number;
}

/** Decisions that were committed since then. */
export function decisionsIn(text: string, since: number): Decided[] {
  return linesOf(text).flatMap(({ msg, set, time }) => {
    const at = Date.parse(time);
    return msg === "master decided" && set !== undefined && at >= since ? [{ set, at }] : [];
  });
}

/** How often each warning or error was written, the phases of sets aside. */
export function warningsIn(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { level, msg } of linesOf(text)) {
    if (level === "info" || msg === "set changed its phase") continue;
    counts[msg] = (counts[msg] ?? 0) + 1;
  }
  return counts;
}

function linesOf(text: string): Line[] {
  return text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Line] : []));
}
