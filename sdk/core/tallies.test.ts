import fc from "fast-check";
import { expect, test } from "vitest";
import { telemetryBounds, telemetryLimits } from "../../lib/telemetry.ts";
import { createTallies } from "./tallies.ts";

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);

test("every message is in one bucket, the right one, and in one report", () => {
  const seconds = fc.double({ min: 0, max: 60, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.record({ seconds, bytes: fc.nat(5_000_000) }), { maxLength: 50 }), (messages) => {
      const tallies = createTallies();
      for (const message of messages) tallies.consumed({ idc: "idc1", ...message });
      const [report] = tallies.take()?.consumed ?? [];
      expect(report?.messages ?? 0).toBe(messages.length);
      expect(sum(report?.seconds.counts ?? [])).toBe(messages.length);
      const upTo = (bounds: readonly number[], nth: number): number => bounds[nth] ?? Number.POSITIVE_INFINITY;
      for (const what of ["seconds", "bytes"] as const) {
        const bounds = telemetryBounds[what];
        for (const [nth, count] of (report?.[what].counts ?? []).entries()) {
          const from = nth === 0 ? Number.NEGATIVE_INFINITY : upTo(bounds, nth - 1);
          expect(count).toBe(messages.filter((each) => each[what] > from && each[what] <= upTo(bounds, nth)).length);
        }
      }
      expect(tallies.take()).toBeUndefined();
    }),
  );
});

test("a report has no more IDCs and groups than a router takes, whatever is sent", () => {
  const tallies = createTallies();
  for (let nth = 0; nth < 100; nth += 1) {
    tallies.sent({ idc: `idc${nth}`, ok: nth % 2 === 0, seconds: 1, bytes: [1, 2] });
    tallies.agreed({ topic: `t${nth}`, group: "g" }, "crossidc-nearest");
  }
  const { produced, groups } = tallies.take() ?? { produced: [], groups: [] };
  expect(produced).toHaveLength(telemetryLimits.idcsMax);
  expect(produced[0]).toMatchObject({ idc: "idc0", acknowledged: 2, failed: 0 });
  expect(produced[1]).toMatchObject({ idc: "idc1", acknowledged: 0, failed: 2 });
  expect(groups).toHaveLength(telemetryLimits.groupsMax);
});

test("a group is told again and again until its member has left", () => {
  const tallies = createTallies();
  const group = { topic: "orders", group: "g" };
  tallies.agreed(group, "RoundRobinAssigner");
  for (const _again of [1, 2]) expect(tallies.take()?.groups).toEqual([{ ...group, allocator: "RoundRobinAssigner" }]);
  tallies.agreed(group, null);
  expect(tallies.take()).toBeUndefined();
});
