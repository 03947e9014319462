import { expect, test } from "vitest";
import { answerKey } from "./core/keys.ts";
import { setName } from "./core/model.ts";
import { encodeAnswer } from "./core/records.ts";
import { refreshGauges } from "./gauges.ts";
import { ask, createStanding, wallStart } from "./io/testing/standing.ts";
import { createMetrics } from "./metrics.ts";

const name = setName("C1", "bs1");

async function votes(standing: ReturnType<typeof createStanding>): Promise<string[]> {
  const { series } = createMetrics("prod");
  refreshGauges(series, standing);
  const text = await series.render();
  return [...text.matchAll(/idc_arbiter_set_votes\{set="C1\/bs1",site="(\w+)",verdict="(\w+)"/g)].map(
    ([, site, verdict]) => `${site} ${verdict}`,
  );
}

test("what each voting site says of a master is served while it is asked, and no longer", async () => {
  const standing = createStanding();
  expect(await votes(standing)).toEqual([]);
  ask(standing);
  const master = { verdict: "dead", evidence: "refused a connection" } as const;
  standing.write(
    answerKey(name, "idc2"),
    encodeAnswer({ site: "idc2", question: "7.1", master, replicas: {}, told: null, at: wallStart }, name),
  );
  expect(await votes(standing)).toEqual(["idc1 unknown", "idc2 dead", "witness unknown"]);
});

test("decisions are counted by what led to them, failovers and restarts beside", async () => {
  const metrics = createMetrics("prod");
  for (const kind of ["failover", "restart", "recover"]) metrics.noted("master decided", { set: name, kind });
  const text = await metrics.series.render();
  for (const kind of ["failover", "restart", "recover"]) {
    expect(text).toContain(`idc_arbiter_decisions_total{set="C1/bs1",kind="${kind}",environment="prod"} 1`);
  }
  expect(text).toContain('idc_arbiter_failovers_total{set="C1/bs1",environment="prod"} 2');
});
