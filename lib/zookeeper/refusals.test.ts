import { expect, test } from "vitest";
import type { Instant } from "../clock.ts";
import { createRefusals } from "./refusals.ts";

const at = (ms: number) => ms as Instant;

test("what we know is forgotten only after three rounds of hang-ups that last a session timeout", () => {
  const refusals = createRefusals({ servers: 2, sessionTimeoutMs: 1_000 });
  for (let ms = 0; ms < 5; ms += 1) refusals.hungUp(at(ms));
  expect(refusals.forget(at(5_000))).toBe(false);
  refusals.hungUp(at(5));
  expect(refusals.forget(at(999))).toBe(false);
  expect(refusals.forget(at(1_000))).toBe(true);
});

test("it is forgotten for one round of all servers; then they must hang up for as long again", () => {
  const refusals = createRefusals({ servers: 2, sessionTimeoutMs: 1_000 });
  const refuse = (from: number) => {
    for (let ms = from; ms < from + 6; ms += 1) refusals.hungUp(at(ms));
  };
  refuse(0);
  expect([1_000, 1_001, 1_002].map((ms) => refusals.forget(at(ms)))).toEqual([true, true, false]);
  refuse(1_003);
  expect(refusals.forget(at(2_002))).toBe(false);
  expect(refusals.forget(at(2_003))).toBe(true);
});

test("a server that answers ends the count", () => {
  const refusals = createRefusals({ servers: 1, sessionTimeoutMs: 0 });
  for (const ms of [0, 1, 2]) refusals.hungUp(at(ms));
  refusals.answered();
  expect(refusals.forget(at(10))).toBe(false);
});
