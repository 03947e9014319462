import { expect, test } from "vitest";
import { createLanes } from "./lanes.ts";

const { signal } = new AbortController();

function gates(count: number) {
  return Array.from({ length: count }, () => Promise.withResolvers<void>());
}

test("no more run than there are lanes, and the others come in order", async () => {
  const lanes = createLanes(2);
  const doors = gates(4);
  const begun: number[] = [];
  const all = doors.map(({ promise }, index) =>
    lanes.run(async () => {
      begun.push(index);
      await promise;
      return index;
    }, signal),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  doors[1]?.resolve();
  await all[1];
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  for (const door of doors) door.resolve();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

test("work that fails leaves its lane to the next", async () => {
  const lanes = createLanes(1);
  await expect(lanes.run(() => Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  expect(await lanes.run(async () => "yes", signal)).toBe("yes");
});

test("whoever gives up while it waits takes no lane", async () => {
  const lanes = createLanes(1);
  const [door] = gates(1);
  const first = lanes.run(() => door?.promise ?? Promise.resolve(), signal);
  const giveUp = new AbortController();
  const second = lanes.run(async () => "second", giveUp.signal);
  const third = lanes.run(async () => "third", signal);
  giveUp.abort(new Error("enough"));
  await expect(second).rejects.toThrow("enough");
  await expect(lanes.run(async () => "fourth", giveUp.signal)).rejects.toThrow("enough");
  door?.resolve();
  await first;
  expect(await third).toBe("third");
});
