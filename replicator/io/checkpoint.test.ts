import fc from "fast-check";
import { expect, test } from "vitest";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { brakeReasons } from "../core/brake.ts";
import { fenceOf } from "../core/claim.ts";
import type { Checkpoint } from "../core/link-events.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";

const atMs = Date.UTC(2026, 2, 1);
const mark = 77n as Zxid;
const bytes = (text: string) => new TextEncoder().encode(text);

const ageMs = fc.integer({ min: 0, max: 1_000_000 });
const checkpoints: fc.Arbitrary<Checkpoint> = fc.record({
  fence: fc.bigInt({ min: 1n, max: 2n ** 62n }).map((epoch) => fenceOf(epoch, "0123abcd")),
  sourceZxid: fc.bigInt({ min: 0n, max: 2n ** 62n }).map((zxid) => zxid as Zxid),
  rules: fc.string(),
  sourceWins: fc.option(
    fc.bigInt({ min: 0n, max: 2n ** 62n }).map((zxid) => zxid as Zxid),
    { nil: undefined },
  ),
  brake: fc.record({
    engaged: fc.option(fc.record({ reason: fc.constantFrom(...brakeReasons), ageMs }), { nil: undefined }),
    deletes: fc.array(fc.record({ count: fc.nat(), ageMs })),
  }),
  witnesses: fc.array(
    fc.record({
      path: fc.string({ maxLength: 100 }).map((rest) => `/${rest}`),
      zxid: fc.bigInt({ min: 0n, max: 2n ** 62n }).map((zxid) => zxid as Zxid),
      there: fc.boolean(),
    }),
  ),
});

test("what is written is read again, with ages as old as they have become", () => {
  fc.assert(
    fc.property(checkpoints, ageMs, (checkpoint, laterMs) => {
      const older = <T extends { ageMs: number }>(one: T): T => ({ ...one, ageMs: one.ageMs + laterMs });
      const { fence, ...rest } = checkpoint;
      const { engaged, deletes } = checkpoint.brake;
      const brake = { engaged: engaged && older(engaged), deletes: deletes.map(older) };
      const data = encodeCheckpoint(checkpoint, atMs);
      expect(decodeCheckpoint({ data, mark }, atMs + laterMs)).toEqual({ epoch: fence.epoch, ...rest, brake, mark });
    }),
  );
});

const plain: Checkpoint = {
  fence: fenceOf(2n, "0123abcd"),
  sourceZxid: 5n as Zxid,
  rules: "r",
  brake: { engaged: undefined, deletes: [] },
  witnesses: [],
  sourceWins: undefined,
};

test("a witness with a path too long for every batch to carry is left out", () => {
  const witnesses = [400, 401].map((length) => ({ path: `/${"x".repeat(length - 1)}`, zxid: 5n as Zxid, there: true }));
  const data = encodeCheckpoint({ ...plain, witnesses }, atMs);
  expect(decodeCheckpoint({ data, mark }, atMs)?.witnesses).toEqual(witnesses.slice(0, 1));
});

test("a stamp in the future counts as now", () => {
  const brake = {
    engaged: { reason: "tooManyDeletes", ageMs: 1_000 },
    deletes: [{ count: 3, ageMs: 2_000 }],
  } as const;
  const data = encodeCheckpoint({ ...plain, brake }, atMs);
  expect(decodeCheckpoint({ data, mark }, atMs - 60_000)?.brake).toEqual({
    engaged: { reason: "tooManyDeletes", ageMs: 0 },
    deletes: [{ count: 3, ageMs: 0 }],
  });
});

test("a checkpoint of an older release has a brake that remembers nothing, and no witnesses", () => {
  const data = bytes('{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","at":"2026-03-01T00:00:00.000Z"}');
  const { brake, witnesses } = plain;
  const expected = { epoch: 3n, sourceZxid: 12n, rules: "r", brake, witnesses, sourceWins: undefined, mark };
  expect(decodeCheckpoint({ data, mark }, atMs)).toStrictEqual(expected);
});

test.each([
  "",
  "null",
  "{}",
  '{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","sourceWins":"all"}',
  '{"schema":2,"epoch":"3","sourceZxid":"12","rules":"r"}',
  '{"schema":1,"epoch":"3","sourceZxid":12,"rules":"r"}',
  '{"schema":1,"epoch":"3","sourceZxid":"-1","rules":"r"}',
  '{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","brake":{"deletes":[{"count":-1,"at":"2026-03-01T00:00:00.000Z"}]}}',
  '{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","brake":{"engaged":{"reason":"because"},"deletes":[]}}',
  '{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","brake":{"deletes":[{"count":1,"at":"yesterday"}]}}',
  '{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","witnesses":[{"path":"/a","zxid":5,"there":true}]}',
  '{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","witnesses":[{"path":"a","zxid":"5","there":true}]}',
  '{"schema":1,"epoch":"3","sourceZxid":"12","rules":"r","witnesses":{}}',
])("%j is no checkpoint", (text) => {
  expect(decodeCheckpoint({ data: bytes(text), mark }, atMs)).toBe(undefined);
});
