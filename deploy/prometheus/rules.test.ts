import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { stopCodes } from "../../replicator/core/claim.ts";
import { problemKinds } from "../../replicator/core/problems.ts";
import { inProject } from "../../test/integration/harness/project.ts";
import { operationsAnchors } from "../anchors.ts";
import { daemons, promtool, renderedMetrics, unknownLabelsIn, unknownSeriesIn } from "../series.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity?: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const alerts = (await Promise.all(daemons.map(rulesOf))).flat();

async function rulesOf(daemon: string): Promise<Alert[]> {
  const text = await readFile(inProject(`deploy/prometheus/${daemon}.rules.yaml`), "utf8");
  const { groups } = parse(text) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

test.for(daemons)("Prometheus accepts the rules of the %s", async (daemon) => {
  const { code, stdout, stderr } = await promtool(["check", "rules", `${daemon}.rules.yaml`]);
  expect(code, stdout + stderr).toBe(0);
});

test.for(daemons)(
  "each alert of the %s fires when it should, with the words it should have, and not otherwise",
  async (daemon) => {
    const { code, stdout, stderr } = await promtool(["test", "rules", `${daemon}.rules.test.yaml`]);
    expect(code, stdout + stderr).toBe(0);
  },
);

test.for(daemons)("each alert of the %s has a case in which it fires and one in which it does not", async (daemon) => {
  const cases = parse(await readFile(inProject(`deploy/prometheus/${daemon}.rules.test.yaml`), "utf8")) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
  };
  const tried = cases.tests.flatMap((one) => one.alert_rule_test);
  const firing = tried.filter((one) => one.exp_alerts.length > 0).map(({ alertname }) => alertname);
  const silent = tried.filter((one) => one.exp_alerts.length === 0).map(({ alertname }) => alertname);
  for (const { alert } of await rulesOf(daemon)) {
    expect(firing).toContain(alert);
    expect(silent).toContain(alert);
  }
});

test.for(alerts)("$alert asks for series and labels that a daemon serves", async ({ expr }) => {
  expect(await unknownSeriesIn(expr)).toEqual([]);
  expect(unknownLabelsIn(expr)).toEqual([]);
});

test.for(alerts)("$alert says how bad it is, what it means and where to read on", async (rule) => {
  expect(["critical", "warning", "info"]).toContain(rule.labels.severity);
  expect(rule.annotations["summary"]).not.toBe("");
  expect(rule.annotations["description"]).toMatch(/\b(idcctl|systemctl|journalctl|zkCli\.sh) /);
  const anchors = await operationsAnchors();
  expect(anchors).toContain(`alert-${rule.alert.toLowerCase()}`);
  for (const url of runbookUrls(rule)) {
    const [page, anchor = ""] = url.split("#");
    expect(page).toBe("docs/operations.md");
    expect(anchors).toContain(anchor);
  }
});

test.for(daemons)("promtool finds nothing wrong with what the %s serves at /metrics", async (daemon) => {
  const { code, stdout, stderr } = await promtool(["check", "metrics"], await renderedMetrics(daemon));
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});

/** With each value that its template can have. */
function runbookUrls({ annotations }: Alert): string[] {
  const url = annotations["runbook_url"] ?? "";
  if (url.includes("{{ $labels.code }}")) return stopCodes.map((code) => url.replace("{{ $labels.code }}", code));
  const kind = "{{ $labels.kind | toLower }}";
  if (url.includes(kind)) return problemKinds.map((one) => url.replace(kind, one.toLowerCase()));
  return [url];
}
