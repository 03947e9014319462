import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { stopCodes } from "../replicator/core/claim.ts";
import { problemKinds } from "../replicator/core/problems.ts";
import { phaseNames } from "../replicator/core/transitions.ts";
import { inProject } from "../test/integration/harness/project.ts";
import { operationsAnchors } from "./anchors.ts";

test.for(stopCodes)("there is a runbook entry for links stopped with %s", async (code) => {
  expect(await operationsAnchors()).toContain(`stop-${code}`);
});

test.for(problemKinds)("there is a runbook entry for paths held back as %s", async (kind) => {
  expect(await operationsAnchors()).toContain(`problem-${kind.toLowerCase()}`);
});

test("each phase is explained", async () => {
  const page = await readFile(inProject("docs/operations.md"), "utf8");
  for (const phase of phaseNames) expect(page).toMatch(new RegExp(`^\\| \`${phase}\` \\|`, "m"));
});

test("links within the page lead somewhere, and links to files lead to files", async () => {
  const page = await readFile(inProject("docs/operations.md"), "utf8");
  const anchors = await operationsAnchors();
  for (const [, url = ""] of page.matchAll(/\]\(([^)]+)\)/g)) {
    const [file = "", anchor] = url.split("#");
    if (file !== "") await readFile(inProject(`docs/${file}`));
    else expect(anchors).toContain(anchor);
  }
});
