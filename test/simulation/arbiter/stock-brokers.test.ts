import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { retell } from "./stock/story.ts";
import { virtualWorld } from "./stock/virtual.ts";

const seedsMax = 20;
const storyFile = join(import.meta.dirname, "testdata/stock-brokers.txt");

test("the simulation's brokers do what stock brokers did", async () => {
  const story = await readFile(storyFile, "utf8");
  for (let seed = 1; seed <= seedsMax; seed += 1)
    expect(await retell(story, virtualWorld(seed)), `seed ${seed}`).toBe(story);
});
