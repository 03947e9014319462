import { describe, expect, test } from "vitest";
import { z } from "zod";
import { maskedYaml, printEffective } from "./effective.ts";
import { impliedTimes } from "./implied.ts";
import { loadConfig, readConfigFile } from "./load.ts";
import { replicatorSchema } from "./replicator.ts";
import { marks } from "./schema.ts";

const example = (name: string) => new URL(`examples/${name}`, import.meta.url).pathname;
const loadFile = (file: string) => loadConfig(replicatorSchema, file, { readFile: readConfigFile }).config;
const loadText = (text: string) =>
  loadConfig(replicatorSchema, "/f.yaml", { readFile: () => new TextEncoder().encode(text) }).config;

describe("the effective config", () => {
  test.each(["replicator.yaml", "replicator-minimal.yaml", "replicator-templates.yaml"])(
    "of %s is a config file that means the same",
    (name) => {
      const config = loadFile(example(name));
      expect(loadText(printEffective(config))).toEqual(config);
    },
  );

  test("has the defaults filled in and the worst cases below", () => {
    const text = printEffective(loadFile(example("replicator-minimal.yaml")));
    expect(text).toContain("\n    compareEveryMs: 300000\n");
    expect(text).toContain("\n#   within 6.7 s: a silent source is noticed (2/3 of source.sessionTimeoutMs)\n");
    expect(text).toContain("\n#   at most 500 in 10 min: deletes go through");
  });

  test("names a site that a label file gave as if it had been written", () => {
    const config = { ...loadFile(example("replicator-minimal.yaml")), siteFile: "/f", siteKey: "k" };
    expect(printEffective(config)).toContain("site: idc2\n");
    expect(printEffective(config)).not.toContain("siteFile");
  });

  test("masks secrets wherever they stand", () => {
    const secret = z.string().register(marks, { mark: "secret" });
    const schema = z.strictObject({
      a: secret.optional(),
      list: z.array(z.union([z.strictObject({ b: secret, c: z.string() }), z.int()])).default([]),
      table: z.record(z.string(), secret.meta({ description: "x" })),
    });
    const text = maskedYaml(schema, { a: "s1", list: [{ b: "s2", c: "seen" }, 1], table: { k: "s3" } });
    expect(text).not.toMatch(/s[123]/);
    expect(text).toContain("seen");
  });
});

describe("implied times", () => {
  test("follow from the link's settings", () => {
    const [link] = loadFile(example("replicator.yaml")).links;
    if (link === undefined) throw new Error("the example has a link");
    expect(impliedTimes(link).map(({ ms, deletes }) => [ms, deletes])).toEqual([
      [6_667, undefined],
      [6_667, undefined],
      [10_000, undefined],
      [16_667, undefined],
      [9_000, undefined],
      [300_000, undefined],
      [5_000, undefined],
      [2_000, undefined],
      [600_000, 500],
    ]);
  });

  test("say nothing of deletes where none are made", () => {
    const [link] = loadFile(example("replicator-minimal.yaml")).links;
    if (link === undefined) throw new Error("the example has a link");
    const keeping = impliedTimes({ ...link, deletes: { ...link.deletes, mode: "keep" } });
    expect(keeping.some(({ deletes }) => deletes !== undefined)).toBe(false);
  });
});
