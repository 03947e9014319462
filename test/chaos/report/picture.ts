import { ackedOf } from "./messages.ts";
import type { Evidence } from "./read.ts";
import { followed } from "./recovery.ts";

const width = 1_200;
const height = 360;
const edge = { left: 64, right: 16, top: 28, bottom: 36 };
const plot = { width: width - edge.left - edge.right, height: height - edge.top - edge.bottom };
/** The axis of latency is logarithmic. */
const latencyMs = { min: 1, max: 100_000 };
const columns = 600;
const tickEveryMs = 60_000;

/** Latency over time as an SVG: for each moment the median and the worst of what was sent then; faults as bands. */
export function drawPicture(evidence: Evidence): string {
  const acked = ackedOf(followed(evidence));
  const endMs = Math.max(
    evidence.overAt ?? 0,
    ...evidence.faults.map(({ beginAt }) => beginAt),
    acked.at(-1)?.at ?? 0,
    1,
  );
  const x = (ms: number): number => round(edge.left + (Math.min(ms, endMs) / endMs) * plot.width);
  const groups = Map.groupBy(acked, ({ at }) => Math.floor((at / endMs) * columns));
  const moments = [...groups].toSorted(([one], [other]) => one - other);
  const marks = moments.map(([column, sends]) => {
    const values = sends.map(({ at, answeredAt }) => answeredAt - at).toSorted((one, other) => one - other);
    const at = ((column + 0.5) / columns) * endMs;
    return { x: x(at), median: y(values[Math.floor(values.length / 2)] ?? 0), worst: y(values.at(-1) ?? 0) };
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...evidence.faults.flatMap(({ fault, nth, beginAt, endAt }) => {
      const from = x(beginAt);
      const wide = Math.max(1, round(x(endAt ?? endMs) - from));
      return [
        `<rect x="${from}" y="${edge.top}" width="${wide}" height="${plot.height}" fill="#d33" fill-opacity="0.13"><title>${nth} ${escaped(fault)}</title></rect>`,
        `<text transform="translate(${round(from + 10)} ${edge.top + 6}) rotate(90)" fill="#933">${nth} ${escaped(fault)}</text>`,
      ];
    }),
    ...[1, 10, 100, 1_000, 10_000, 100_000].map(
      (ms) =>
        `<path d="M${edge.left} ${y(ms)}h${plot.width}" stroke="#ddd"/><text x="${edge.left - 6}" y="${y(ms) + 4}" text-anchor="end">${ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`}</text>`,
    ),
    ...Array.from({ length: Math.floor(endMs / tickEveryMs) + 1 }, (_, minute) => minute).map(
      (minute) =>
        `<text x="${x(minute * tickEveryMs)}" y="${height - edge.bottom + 16}" text-anchor="middle">${minute} min</text>`,
    ),
    ...marks.map((mark) => `<path d="M${mark.x} ${mark.median}V${mark.worst}" stroke="#8ab" stroke-width="1.5"/>`),
    ...marks.map((mark) => `<circle cx="${mark.x}" cy="${mark.median}" r="1.4" fill="#036"/>`),
    `<text x="${edge.left}" y="16">Latency of acknowledged messages by when they were sent: median (points) to worst (lines); faults as bands. ${escaped(evidence.about.contender)}, seed ${evidence.about.seed}</text>`,
    "</svg>\n",
  ].join("\n");
}

function y(ms: number): number {
  const share = Math.log(Math.min(Math.max(ms, latencyMs.min), latencyMs.max)) / Math.log(latencyMs.max);
  return round(edge.top + (1 - share) * plot.height);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
