import { cell, row } from "./markdown.ts";

export interface MetricDoc {
  readonly name: string;
  readonly type: string;
  readonly unit?: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** docs/metrics.md: every series of each daemon. */
export function metricsPage(
  daemons: readonly { readonly daemon: string; readonly metrics: readonly MetricDoc[] }[],
): string {
  return [
    "# Metrics",
    "",
    "Served in the Prometheus text format at `/metrics` of each daemon's HTTP door.",
    "",
    ...daemons.flatMap(({ daemon, metrics }) => [
      `## ${daemon}`,
      "",
      row("name", "type", "unit", "labels", "what it says"),
      row("---", "---", "---", "---", "---"),
      ...metrics.map(({ name, type, unit, labels, help }) =>
        row(`\`${name}\``, type, unit ?? "", labels.map((label) => `\`${label}\``).join(", "), cell(help)),
      ),
      "",
    ]),
  ].join("\n");
}
