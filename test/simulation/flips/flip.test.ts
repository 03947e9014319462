import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { applyFlip, flipsOf } from "./flip.ts";
import { readSurvivors } from "./survivors.ts";
import { withSyntax } from "./syntax.ts";

async function flipped(text: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-flips-"));
  try {
    const config = join(folder, "tsconfig.json");
    const file = join(folder, "a.ts");
    await writeFile(config, JSON.stringify({ include: ["*.ts"] }));
    await writeFile(file, text);
    const flips = withSyntax(config, (treeOf) => flipsOf(treeOf(file), "a.ts"));
    return Object.fromEntries(flips.map((flip) => [flip.key, applyFlip(text, flip)]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a bound is moved by one, and turned round", async () => {
  expect(await flipped("export const f = (a: number) => a < 3;")).toEqual({
    "a.ts: a < 3: <=": "export const f = (a: number) => a <= 3;",
    "a.ts: a < 3: >=": "export const f = (a: number) => a >= 3;",
  });
});

test("conditions, negations and what joins them are turned round; types and texts are left alone", async () => {
  const text = `export function f(a: boolean | "x && y", b?: () => 1) { if (a) return !b; return a && b ? "a < b" : 1; }`;
  const flips = await flipped(text);
  expect(Object.keys(flips)).toEqual(["a.ts: a: not so", "a.ts: !b: no negation", "a.ts: a && b: ||"]);
  expect(flips["a.ts: a: not so"]).toContain("if (!(a)) return !b;");
  expect(flips["a.ts: !b: no negation"]).toContain("return b;");
  expect(flips["a.ts: a && b: ||"]).toContain(`return a || b ? "a < b"`);
});

test("the same comparison twice has two names", async () => {
  expect(Object.keys(await flipped("export const f = (a: 1 | 2) => [a === 1, a === 1];"))).toEqual([
    "a.ts: a === 1: !==",
    "a.ts: a === 1: !==, number 2",
  ]);
});

test("each survivor has a reason", async () => {
  for (const [flip, why] of await readSurvivors()) expect(why, flip).toMatch(/^.{20,}[^.]$/);
});
