import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { arbiterCautions, arbiterSchema } from "./arbiter.ts";
import { contextsSchema } from "./contexts.ts";
import { idcRouterSchema } from "./idc-router.ts";
import { idcRouterCautions } from "./idc-router-cautions.ts";
import { loadConfig, readConfigFile } from "./load.ts";
import { replicatorCautions, replicatorSchema } from "./replicator.ts";

const folder = new URL("examples/", import.meta.url);
const schemas: Record<string, z.ZodType> = {
  replicator: replicatorSchema,
  arbiter: arbiterSchema,
  "idc-router": idcRouterSchema,
  contexts: contextsSchema,
};

describe("the examples", () => {
  test.each(readdirSync(folder).filter((name) => name.endsWith(".yaml")))(
    "%s loads, and names its schema for editors",
    (name) => {
      const kind = Object.keys(schemas).find((each) => name.startsWith(each)) ?? "";
      const schema = schemas[kind];
      if (schema === undefined) throw new Error(`no schema for ${name}`);
      const file = new URL(name, folder);
      expect(() => loadConfig(schema, file.pathname, { readFile: readConfigFile })).not.toThrow();
      expect(readFileSync(file, "utf8").split("\n")[0]).toBe(
        `# yaml-language-server: $schema=../../docs/schema/${kind}.schema.json`,
      );
    },
  );

  test.each(["replicator.yaml", "replicator-minimal.yaml", "replicator-templates.yaml"])(
    "%s gives no reason for a warning",
    (name) => {
      const options = { readFile: readConfigFile, cautions: replicatorCautions };
      expect(loadConfig(replicatorSchema, new URL(name, folder).pathname, options).warnings).toEqual([]);
    },
  );

  test.each(["idc-router.yaml", "idc-router-minimal.yaml"])("%s gives no reason for a warning", (name) => {
    const options = { readFile: readConfigFile, cautions: idcRouterCautions };
    expect(loadConfig(idcRouterSchema, new URL(name, folder).pathname, options).warnings).toEqual([]);
  });

  test.each(["arbiter.yaml", "arbiter-minimal.yaml", "arbiter-exec.yaml"])(
    "%s gives no reason for a warning",
    (name) => {
      const options = { readFile: readConfigFile, cautions: arbiterCautions };
      expect(loadConfig(arbiterSchema, new URL(name, folder).pathname, options).warnings).toEqual([]);
    },
  );
});
