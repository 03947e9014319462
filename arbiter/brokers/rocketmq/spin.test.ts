import { expect, test } from "vitest";
import { doesSpin } from "./spin.ts";

const spins = (allAckInSyncStateSet: string, readUnCommitted: string, version: number): boolean =>
  doesSpin(new Map(Object.entries({ allAckInSyncStateSet, readUnCommitted })), version);

test("a broker spins that gives out nothing before every in-sync replica has it, until RocketMQ 5.4", () => {
  const [v533, v540] = [479, 493];
  expect(spins("true", "false", v533)).toBe(true);
  expect(spins("true", "false", v540)).toBe(false);
  expect(spins("true", "true", v533)).toBe(false);
  expect(spins("false", "false", v533)).toBe(false);
});
