import { mkdirSync, writeFileSync } from "node:fs";
import { exitCodes } from "#lib/errors.ts";
import { runProgram } from "#lib/program.ts";
import { readVersion } from "#lib/version.ts";
import { differingPages, generatePages, pageUrl } from "./docs/pages.ts";

/** Writes the pages that are made from code: `npm run docs`. */
await runProgram(
  {
    program: "docs",
    version: readVersion(),
    summary: "Writes the generated pages: docs/config.md, metrics.md, states.md and the JSON schemas in docs/schema.",
    options: { check: { type: "boolean", help: "Write nothing; name the pages that differ." } },
    examples: [{ command: "node scripts/docs.ts --check", help: "what CI does" }],
    exits: ["ok", "usage", "different"],
  },
  async (values) => (values.check ? check() : write()),
);

function check(): number {
  const differing = differingPages(generatePages());
  for (const path of differing) console.error(`${path} differs from the code: npm run docs`);
  return differing.length === 0 ? exitCodes.ok : exitCodes.different;
}

function write(): number {
  const pages = generatePages();
  for (const path of differingPages(pages)) {
    mkdirSync(new URL(".", pageUrl(path)), { recursive: true });
    writeFileSync(pageUrl(path), pages.get(path) ?? "");
    console.log(`wrote ${path}`);
  }
  return exitCodes.ok;
}
