import { expect, test } from "vitest";
import { replicatorSchema } from "#config/replicator.ts";
import { defaultLimits, limitsOf } from "./limits.ts";

const settingsOf = (limits: object) => replicatorSchema.shape.links.element.shape.limits.parse(limits);

test("a link whose config says nothing has the limits of the core", () => {
  expect({ ...defaultLimits, ...limitsOf(settingsOf({})) }).toEqual(defaultLimits);
});

test("what the config says becomes a bound", () => {
  const settings = { writesPerSecond: 300, requestsInFlight: 7, pendingPaths: 1_000, bufferBytes: 100_000 };
  expect(limitsOf(settingsOf(settings))).toEqual({
    writesPerSecond: 300,
    scanReadsInFlight: 7,
    readsInFlight: 7,
    writesInFlight: 7,
    dirtyPaths: 1_000,
    outboxBytes: 100_000,
    outboxOps: 300,
  });
});

test.for([
  [1, defaultLimits.opsPerWrite],
  [1_000_000, defaultLimits.outboxOps],
] as const)("at %i writes a second %i operations are read ahead", ([writesPerSecond, ahead]) => {
  expect(limitsOf(settingsOf({ writesPerSecond })).outboxOps).toBe(ahead);
});
