import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileRules, type RulesConfig } from "./compile.ts";
import { type Explanation, explain } from "./explain.ts";
import { zmsConfig } from "./zms.fixture.ts";

/**
 * The stories in testdata: `explain PATH` with the data below it, `----`, the answer; a line `====` between two. Data is text
 * as it stands, or `(null)`, `(empty)`, `(unknown)`, `(hex ff00)`. UPDATE=1 writes the answers anew, for review.
 */
const folder = new URL("testdata/", import.meta.url);

const configs: Readonly<Record<string, RulesConfig>> = {
  "zms.txt": zmsConfig,
  "zms-skip.txt": { ...zmsConfig, unmapped: "skip", onBadData: "skip" },
  "formats.txt": {
    ...zmsConfig,
    rules: [
      { match: "/topics/{instance}/{topic}", action: "copy", to: "/flat/{instance}%{topic}" },
      {
        match: "/json/{name}",
        action: "copy",
        to: "/json/{name}",
        data: { format: "json", edits: [{ at: "/cluster", map: "clusters" }] },
      },
      {
        match: "/text/{name}",
        action: "copy",
        to: "/text/{name}",
        data: { format: "text", edits: [{ at: "^cluster (\\S+)$", map: "clusters" }] },
      },
      { match: "/top/{name}", action: "copy", to: "/{name}" },
    ],
  },
};

test.each(Object.entries(configs))("%s", (file, config) => {
  const compiled = compileRules(config);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const told = readFileSync(new URL(file, folder), "utf8");
  const answered = told
    .trimEnd()
    .split("\n====\n")
    .map((story) => {
      const [question = ""] = story.split("\n----\n");
      const [command = "", ...data] = question.split("\n");
      const source = command.replace(/^explain /, "");
      return `${question}\n----\n${answer(explain(compiled.rules, source, parseData(data)))}`;
    })
    .join("\n====\n");
  if (process.env["UPDATE"] === "1") writeFileSync(new URL(file, folder), `${answered}\n`);
  else expect(`${answered}\n`).toBe(told);
});

test("every story in testdata is told", () => {
  expect(existsSync(folder) && readdirSync(folder).sort()).toEqual(Object.keys(configs).sort());
});

function answer({ tried, captures, because, target, change }: Explanation): string {
  return [
    ...tried.map(({ rule, match, action, whyNot }) => `rule ${rule} ${action} ${match}: ${whyNot ?? "fits"}`),
    ...captures.map(({ name, value }) => `{${name}} = ${value}`),
    because,
    ...(target === undefined ? [] : [`target ${target}`]),
    ...(change === undefined ? [] : changeLines(change)),
  ].join("\n");
}

function changeLines(change: NonNullable<Explanation["change"]>): string[] {
  switch (change.kind) {
    case "null":
      return ["data null"];
    case "same":
      return [`data ${change.bytes} bytes, as they are`];
    case "bytes":
      return [`data ${change.before} bytes -> ${change.after} bytes`];
    case "lines":
      return change.changes.flatMap(({ line, before, after }) => [
        `line ${line}`,
        ...before.map((text) => `- ${text}`),
        ...after.map((text) => `+ ${text}`),
      ]);
  }
}

function parseData(lines: readonly string[]): Uint8Array | null | undefined {
  const text = lines.join("\n");
  if (text === "(null)") return null;
  if (text === "(unknown)") return undefined;
  if (text === "(empty)") return new Uint8Array();
  const hex = /^\(hex ([0-9a-f]*)\)$/.exec(text)?.[1];
  return hex === undefined ? new TextEncoder().encode(text) : Uint8Array.from(Buffer.from(hex, "hex"));
}
