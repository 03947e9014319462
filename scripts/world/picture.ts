import { formatMs } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { Reach } from "../../test/world/network/control.ts";
import { addressOf, type SiteName, siteNames } from "../../test/world/network/sites.ts";

const columnWidth = 12;

/** Who reaches whom, as measured: a row for each site that sends, a column for each that hears. */
export function reachPicture(reach: readonly Reach[], paint: Paint): string {
  const rows = siteNames.map((from) => {
    const cells = siteNames.map((to) => cellOf(reach, { from, to }, paint));
    return `${`${from}  ${addressOf(from)}`.padEnd(20)}${cells.join("")}`.trimEnd();
  });
  const header = `${"from \\ to".padEnd(20)}${siteNames.map((name) => name.padEnd(columnWidth)).join("")}`.trimEnd();
  return `${[paint.bold(header), ...rows].join("\n")}\n`;
}

function cellOf(reach: readonly Reach[], { from, to }: { from: SiteName; to: SiteName }, paint: Paint): string {
  const way = reach.find((one) => one.from === from && one.to === to);
  if (way === undefined) return paint.dim("·".padEnd(columnWidth));
  const { heard, sent, delayMs } = way;
  if (heard === 0 || delayMs === undefined) return paint.red("cut".padEnd(columnWidth));
  const text = delayMs < 1 ? "< 1 ms" : formatMs(delayMs);
  if (heard < sent) return paint.yellow(`${text} ${heard}/${sent}`.padEnd(columnWidth));
  return paint.green(text.padEnd(columnWidth));
}
