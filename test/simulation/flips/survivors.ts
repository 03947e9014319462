import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";

/** Flips that nobody notices, each with the reason why nobody has to: `survivors.yaml` beside this file. */
export async function readSurvivors(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(import.meta.dirname, "survivors.yaml"), "utf8");
  const listed = parse(text) as readonly { readonly flip: string; readonly why: string }[] | null;
  return new Map((listed ?? []).map(({ flip, why }) => [flip, why]));
}
