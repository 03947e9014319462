import type { MetricDoc, Series } from "#lib/metrics.ts";
import { metricDocs as arbiterDocs, createMetrics as createArbiterMetrics } from "../arbiter/metrics.ts";
import { createMetrics as createRouterMetrics, metricDocs as routerDocs } from "../idc-router/metrics.ts";
import { createMetrics, metricDocs } from "../replicator/metrics.ts";
import { runProcess } from "../test/integration/harness/process.ts";
import { inProject } from "../test/integration/harness/project.ts";

const promtoolMs = 30_000;

export const daemons = ["replicator", "arbiter", "router"] as const;
type Daemon = (typeof daemons)[number];

/** What the daemon's /metrics gives when every series has a value. */
export async function renderedMetrics(daemon: Daemon): Promise<string> {
  switch (daemon) {
    case "arbiter":
      return await filled(arbiterDocs, createArbiterMetrics("prod").series);
    case "router":
      return await filled(routerDocs, createRouterMetrics("prod").series);
    case "replicator":
      return await filled(metricDocs, createMetrics("prod"));
  }
}

async function filled<Name extends string>(
  docs: readonly (MetricDoc & { readonly name: Name })[],
  series: Series<Name>,
): Promise<string> {
  for (const { name, type, labels, buckets } of docs) {
    const values = Object.fromEntries(labels.map((label) => [label, "x"]));
    if (type === "gauge") series.set(name, values, 1);
    else if (type === "counter") series.add(name, values, 1);
    else if (buckets === undefined) series.observe(name, values, 1);
    else series.merge(name, values, { counts: [1], sum: 1 });
  }
  return await series.render();
}

/** Names in a PromQL expression of which no process of ours serves a series. */
export async function unknownSeriesIn(expression: string): Promise<string[]> {
  const text = (await Promise.all(daemons.map(renderedMetrics))).join("\n");
  const served = new Set([...text.matchAll(/^([a-z_][a-z0-9_]*)[{ ]/gm)].map(([, name]) => name ?? ""));
  const used = [...expression.matchAll(/\b(?:idc|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);
  return used.filter((name) => !served.has(name));
}

/** Labels that a series of metricDocs does not have, in the selectors of an expression. */
export function unknownLabelsIn(expression: string): string[] {
  const common = ["environment", "instance", "job", "le"];
  return [...expression.matchAll(/\b(idc_[a-z0-9_]+)\{([^}]*)\}/g)].flatMap(([, series = "", selector = ""]) => {
    const docs: readonly MetricDoc[] = [...metricDocs, ...arbiterDocs, ...routerDocs];
    const doc = docs.find(({ name }) => name === series.replace(/_bucket$/, ""));
    const labels = [...selector.matchAll(/([a-z_]+)\s*[=!]/g)].map(([, label]) => label ?? "");
    return labels.filter((label) => !common.includes(label) && doc?.labels.includes(label) !== true);
  });
}

export function promtool(args: readonly string[], stdin?: string) {
  return runProcess(inProject(".cache/prometheus/usr/bin/promtool"), args, {
    timeoutMs: promtoolMs,
    cwd: inProject("deploy/prometheus"),
    ...(stdin === undefined ? {} : { stdin }),
  });
}
