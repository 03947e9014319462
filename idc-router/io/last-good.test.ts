import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "#lib/log.ts";
import { twoSets } from "../core/router.fixture.ts";
import { readLastGood, writeLastGood } from "./last-good.ts";

let folder: string;
let file: string;
const options = { log: silentLogger, wall: 5 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "crossidc-last-good-"));
  file = join(folder, "router", "table.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("what was written is read back, and nothing else stays in the folder", async () => {
  const { table } = twoSets();
  await writeLastGood(file, table);
  await writeLastGood(file, table);
  const read = await readLastGood(file, options);
  expect([...(read?.sets.keys() ?? [])]).toEqual([...table.sets.keys()]);
  expect([...(read?.topics ?? [])]).toEqual([...table.topics]);
  expect(read?.revision).toBe(table.revision);
  expect(await readdir(join(folder, "router"))).toEqual(["table.json"]);
});

test("without a file nothing is known", async () => {
  expect(await readLastGood(file, options)).toBeUndefined();
});

test("a file that was cut off or changed anywhere counts as none, and is put aside", async () => {
  await writeLastGood(file, twoSets().table);
  const whole = await readFile(file);
  const changed = (at: number): Buffer => {
    const copy = Buffer.from(whole);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    return copy;
  };
  const damaged = [whole.subarray(0, -1), Buffer.alloc(0), ...[0, 20, 60, 200, whole.length - 2].map(changed)];
  for (const bytes of damaged) {
    await writeFile(file, bytes);
    expect(await readLastGood(file, options)).toBeUndefined();
    expect(await readdir(join(folder, "router"))).toEqual(["table.json.damaged"]);
  }
});
