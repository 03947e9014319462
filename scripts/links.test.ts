import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
  .map(({ name }) => name);

test("every link from one page to a file of the project leads somewhere", async () => {
  expect((await pages()).flatMap(deadLinks)).toEqual([]);
});

test("every file and folder of the project that a page names, whole, is there", async () => {
  expect(pathsIn("`lib/gone.ts`, `lib/**/*.ts` and `core/evidence.ts`")).toEqual(["lib/gone.ts"]);
  expect((await pages()).flatMap(gonePaths)).toEqual([]);
});

async function pages(): Promise<string[]> {
  const names = [...(await readdir(root)), ...(await readdir(resolve(root, "docs"), { recursive: true })).map(inDocs)];
  const found = names.filter((name) => name.endsWith(".md"));
  expect(found).toContain("README.md");
  return found;
}

function inDocs(name: string): string {
  return `docs/${name}`;
}

function deadLinks(page: string): string[] {
  const text = readFileSync(resolve(root, page), "utf8");
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link = ""]) => link);
  return links
    .filter((link) => !link.includes("://") && !existsSync(resolve(root, dirname(page), link)))
    .map((link) => `${page}: ${link}`);
}

function gonePaths(page: string): string[] {
  return pathsIn(readFileSync(resolve(root, page), "utf8"))
    .filter((path) => !existsSync(resolve(root, path)))
    .map((path) => `${page}: ${path}`);
}

/** In backticks, from one of the project's folders on, without wildcards. */
function pathsIn(text: string): string[] {
  const quoted = [...text.matchAll(/`([\w-]+\/[\w./-]*)`/g)].map(([, path = ""]) => path);
  return quoted.filter((path) => folders.includes(path.split("/")[0] ?? ""));
}
