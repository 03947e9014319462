import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { metricDocs as arbiterDocs } from "../../arbiter/metrics.ts";
import { metricDocs as routerDocs } from "../../idc-router/metrics.ts";
import { metricDocs } from "../../replicator/metrics.ts";
import { inProject } from "../../test/integration/harness/project.ts";
import { promtool, unknownLabelsIn, unknownSeriesIn } from "../series.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly panels: readonly Panel[];
}

const daemons = [
  {
    daemon: "replicator",
    variables: ["datasource", "environment", "link"],
    docs: metricDocs,
    // How old the last one is, is there.
    notShown: ["idc_replicator_compares_total"],
  },
  { daemon: "arbiter", variables: ["datasource", "environment", "set"], docs: arbiterDocs, notShown: [] },
  { daemon: "router", variables: ["datasource", "environment", "instance"], docs: routerDocs, notShown: [] },
] as const;

describe.for(daemons)("the dashboard of the $daemon", async ({ daemon, variables, docs, notShown }) => {
  const text = await readFile(inProject(`deploy/grafana/${daemon}.json`), "utf8");
  const { panels, templating } = JSON.parse(text) as Dashboard;

  test.for(panels)("$title asks for series and labels that are served", async ({ targets }) => {
    for (const { expr } of targets) {
      expect(await unknownSeriesIn(expr)).toEqual([]);
      expect(unknownLabelsIn(expr)).toEqual([]);
    }
  });

  test("has every series, or its reason not to", () => {
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join("\n");
    const missing = docs.map(({ name }) => name).filter((name) => !queries.includes(name));
    expect(missing.toSorted()).toEqual([...notShown].toSorted());
  });

  test("is understood by Prometheus, query by query", async () => {
    const folder = await mkdtemp(join(tmpdir(), "crossidc-dashboard-"));
    try {
      const rules = panels.flatMap(({ id, targets }) =>
        targets.map(({ expr }, at) => ({
          record: `panel:${id}:${at}`,
          expr: expr.replaceAll("$__rate_interval", "5m"),
        })),
      );
      // JSON is YAML.
      await writeFile(join(folder, "queries.yaml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
      const { code, stdout, stderr } = await promtool(["check", "rules", join(folder, "queries.yaml")]);
      expect(code, stdout + stderr).toBe(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("asks the data source that the viewer chose in every panel, and its variables exist", () => {
    const names = templating.list.map(({ name }) => name);
    expect(names).toEqual(variables);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own syntax
    const chosen = "${datasource}";
    for (const { datasource, targets } of panels) {
      expect(datasource.uid).toBe(chosen);
      for (const target of targets) {
        expect(target.datasource.uid).toBe(chosen);
        const used = [...target.expr.matchAll(/"\$(\w+)"/g)].map(([, name]) => name);
        expect(names).toEqual(expect.arrayContaining(used));
      }
    }
  });

  test("has panels with ids of their own, side by side", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [at, one] of panels.entries()) {
      expect(one.gridPos.x + one.gridPos.w).toBeLessThanOrEqual(24);
      for (const other of panels.slice(at + 1)) expect(overlap(one.gridPos, other.gridPos)).toBe(false);
    }
  });
});

function overlap(a: Panel["gridPos"], b: Panel["gridPos"]): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
