import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { stopCodes } from "../../replicator/core/claim.ts";
import { problemKinds } from "../../replicator/core/problems.ts";
import { inProject } from "../../test/integration/harness/project.ts";
import { operationsAnchors } from "../anchors.ts";
import { promtool, renderedMetrics, unknownLabelsIn, unknownSeriesIn } from "../series.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity?: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = parse(await readFile(inProject("deploy/prometheus/replicator.rules.yaml"), "utf8")) as {
  groups: { rules: Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);

test("Prometheus accepts the rules", async () => {
  const { code, stdout, stderr } = await promtool(["check", "rules", "replicator.rules.yaml"]);
  expect(code, stdout + stderr).toBe(0);
});

test("each alert fires when it should, with the words it should have, and not otherwise", async () => {
  const { code, stdout, stderr } = await promtool(["test", "rules", "replicator.rules.test.yaml"]);
  expect(code, stdout + stderr).toBe(0);
});

test("each alert has a case in which it fires and one in which it does not", async () => {
  const cases = parse(await readFile(inProject("deploy/prometheus/replicator.rules.test.yaml"), "utf8")) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
  };
  const tried = cases.tests.flatMap((one) => one.alert_rule_test);
  const firing = tried.filter((one) => one.exp_alerts.length > 0).map(({ alertname }) => alertname);
  const silent = tried.filter((one) => one.exp_alerts.length === 0).map(({ alertname }) => alertname);
  for (const { alert } of alerts) {
    expect(firing).toContain(alert);
    expect(silent).toContain(alert);
  }
});

test.for(alerts)("$alert asks for series and labels that the replicator serves", async ({ expr }) => {
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

test("promtool finds nothing wrong with what /metrics serves", async () => {
  const { code, stdout, stderr } = await promtool(["check", "metrics"], await renderedMetrics());
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
