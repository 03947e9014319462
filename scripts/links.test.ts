import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

test("every link from one page to a file of the project leads somewhere", async () => {
  const names = [...(await readdir(root)), ...(await readdir(resolve(root, "docs"), { recursive: true })).map(inDocs)];
  const pages = names.filter((name) => name.endsWith(".md"));
  expect(pages).toContain("README.md");
  expect(pages.flatMap(deadLinks)).toEqual([]);
});

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
