import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { createLogger } from "#lib/log.ts";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { stopCodes } from "./core/claim.ts";
import type { LinkStatus } from "./core/link-events.ts";
import { problemKinds } from "./core/problems.ts";
import { createNoteTaker, refreshGauges } from "./link-notes.ts";
import { createMetrics } from "./metrics.ts";

const link = "zms";
const log = createLogger({ level: "error", format: "json" });

test("what an alert counts is there from the start, as 0", async () => {
  const metrics = createMetrics("prod");
  createNoteTaker({ link, log, metrics });
  expect(await valuesOf(metrics.render(), "idc_replicator_drift_total")).toEqual([0, 0, 0, 0]);
  expect(await valuesOf(metrics.render(), "idc_replicator_drift_repaired_total")).toEqual([0, 0, 0]);
  expect(await valuesOf(metrics.render(), "idc_replicator_refusals_total")).toEqual([0]);
  expect(await valuesOf(metrics.render(), "idc_replicator_compares_total")).toEqual([0]);
  expect(await valuesOf(metrics.render(), "idc_replicator_session_losses_total")).toEqual([0, 0]);
  expect(await valuesOf(metrics.render(), "idc_replicator_operations_total")).toEqual([0, 0, 0, 0]);
});

test("a gauge with a code or a kind goes back to 0 when the cause is gone", async () => {
  const metrics = createMetrics("prod");
  const show = (status: LinkStatus) =>
    refreshGauges({ link, status, journal: { entries: 0, bytes: 0 }, canary: undefined, nowMs: 1_000, metrics });

  show({ ...well, stopped: { code: "fenced", detail: "" }, problemCounts: { conflict: 3 } });
  expect(await valuesOf(metrics.render(), 'idc_replicator_link_stopped.*code="fenced"')).toEqual([1]);
  expect(await valuesOf(metrics.render(), 'idc_replicator_problem_paths.*kind="conflict"')).toEqual([3]);

  show(well);
  expect(await valuesOf(metrics.render(), "idc_replicator_link_stopped")).toEqual(stopCodes.map(() => 0));
  expect(await valuesOf(metrics.render(), "idc_replicator_problem_paths")).toEqual(problemKinds.map(() => 0));
});

test("the age of a canary is told only where one is expected", async () => {
  const metrics = createMetrics("prod");
  const show = (ageMs: number | undefined) =>
    refreshGauges({
      link,
      status: well,
      journal: { entries: 0, bytes: 0 },
      canary: { everyMs: 1_000, ageMs, lagMs: undefined, problem: undefined },
      nowMs: 1_000,
      metrics,
    });
  show(1_500);
  expect(await valuesOf(metrics.render(), "idc_replicator_canary_age_seconds")).toEqual([1.5]);
  show(undefined);
  expect(await valuesOf(metrics.render(), "idc_replicator_canary_age_seconds")).toEqual([]);
});

const well: LinkStatus = {
  phase: "following",
  stopped: undefined,
  connected: { source: true, target: true },
  leader: undefined,
  pause: undefined,
  epoch: 4n,
  sourceZxid: 0n as Zxid,
  watch: "recursive",
  rules: "",
  pending: 0,
  oldestPendingSince: undefined,
  idle: true,
  targetNodes: 10,
  tombstones: 3,
  comparing: undefined,
  lastCompare: { at: 0 as Instant, sourceNodes: 10, targetNodes: 10, differences: 0, tookMs: 5 },
  brake: { engaged: false, reason: undefined, since: undefined, held: 0 },
  problems: [],
  problemCounts: {},
  counts: {
    created: 0,
    updated: 0,
    deleted: 0,
    aclsSet: 0,
    events: 0,
    eventsIgnored: 0,
    skipped: 0,
    drift: 0,
    refused: 0,
    compares: 0,
  },
};

/** The values of the series whose line starts as given. */
async function valuesOf(text: Promise<string>, series: string): Promise<number[]> {
  return [...(await text).matchAll(new RegExp(`^${series}.* (\\S+)$`, "gm"))].map(([, value]) => Number(value));
}
