import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { createAborts } from "./aborts.ts";

function start() {
  const told: [string, unknown][] = [];
  return { told, aborts: createAborts<string>((item, reason) => told.push([item, reason])) };
}

test("all things that wait under an aborted signal are told its reason, others are not", () => {
  const { told, aborts } = start();
  const [one, two] = [new AbortController(), new AbortController()];
  aborts.add(one.signal, "a");
  aborts.add(one.signal, "b");
  aborts.add(two.signal, "c");
  one.abort("why");
  expect(told).toEqual([
    ["a", "why"],
    ["b", "why"],
  ]);
});

test("a thing that was taken out is not told", () => {
  const { told, aborts } = start();
  const one = new AbortController();
  aborts.add(one.signal, "a");
  aborts.add(one.signal, "b");
  aborts.remove(one.signal, "a");
  one.abort("why");
  expect(told).toEqual([["b", "why"]]);
});

test("one signal has one listener, and none once nothing waits under it", () => {
  const { aborts } = start();
  const { signal } = new AbortController();
  for (const item of ["a", "b", "c"]) aborts.add(signal, item);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  for (const item of ["a", "b", "c"]) aborts.remove(signal, item);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("things may be taken out while they are told", () => {
  const told: string[] = [];
  const one = new AbortController();
  const aborts = createAborts<string>((item) => {
    told.push(item);
    aborts.remove(one.signal, item);
  });
  for (const item of ["a", "b", "c"]) aborts.add(one.signal, item);
  one.abort();
  expect(told).toEqual(["a", "b", "c"]);
});
