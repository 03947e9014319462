import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createSwitchTeller } from "./switch-story.fixture.ts";

/** The stories in testdata/switches; switch-story.fixture.ts says how they are written. UPDATE=1 writes the answers anew, for review. */
const folder = new URL("testdata/switches/", import.meta.url);

test.each(readdirSync(folder).sort())("%s", (file) => {
  const teller = createSwitchTeller();
  const told = readFileSync(new URL(file, folder), "utf8");
  const answered = told
    .trimEnd()
    .split("\n====\n")
    .map((step) => {
      const [happened = ""] = step.split("\n----");
      return `${happened}\n----\n${teller.tell(happened.split("\n")).join("\n")}`;
    })
    .join("\n====\n");
  if (process.env["UPDATE"] === "1") writeFileSync(new URL(file, folder), `${answered}\n`);
  else expect(`${answered}\n`).toBe(told);
});
