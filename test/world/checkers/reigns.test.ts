import { expect, test } from "vitest";
import { epochsOfTwo, namedBetween, type Reign, withSighting } from "./reigns.ts";

const reigns = [
  { epoch: 7, broker: "a:1", firstSeenAt: 0, lastSeenAt: 900 },
  { epoch: 8, broker: "b:1", firstSeenAt: 1_000, lastSeenAt: 1_900 },
  { epoch: 9, broker: "b:1", firstSeenAt: 2_000, lastSeenAt: 2_900 },
];

test("who was master all the time was not named in it", () => {
  expect(namedBetween(reigns, -1, 500)).toEqual([]);
});

test("every master named in it counts, also the same one under another epoch, and none from before or after", () => {
  expect(namedBetween(reigns, 500, 3_000).map(({ epoch }) => epoch)).toEqual([8, 9]);
  expect(namedBetween(reigns, 500, 1_500).map(({ epoch }) => epoch)).toEqual([8]);
  expect(namedBetween(reigns, 1_000, 1_500)).toEqual([]);
});

test("two masters in one epoch are found, one after the other in two epochs are as it should be", () => {
  expect(epochsOfTwo(reigns)).toEqual([]);
  expect(epochsOfTwo([...reigns, { epoch: 9, broker: "c:1", firstSeenAt: 3_000, lastSeenAt: 3_000 }])).toEqual([9]);
});

test("a reign is seen until the next one is; whoever is behind changes nothing", () => {
  const looks = [
    { epoch: 7, broker: "a:1", at: 10 },
    { epoch: 7, broker: "a:1", at: 20 },
    { epoch: 8, broker: "b:1", at: 30 },
    { epoch: 7, broker: "a:1", at: 40 },
    { epoch: 8, broker: "b:1", at: 50 },
  ];
  expect(looks.reduce(withSighting, [] as readonly Reign[])).toEqual([
    { epoch: 7, broker: "a:1", firstSeenAt: 10, lastSeenAt: 20 },
    { epoch: 8, broker: "b:1", firstSeenAt: 30, lastSeenAt: 50 },
  ]);
});

test("another broker in an epoch that is over, or a reign that is told late, is kept", () => {
  const told = withSighting(withSighting(reigns, { epoch: 8, broker: "c:1", at: 4_000 }), {
    epoch: 6,
    broker: "a:1",
    at: 4_100,
  });
  expect(epochsOfTwo(told)).toEqual([8]);
  expect(told[0]).toMatchObject({ epoch: 6, broker: "a:1" });
});
