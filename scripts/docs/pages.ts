import { readFileSync } from "node:fs";
import { arbiterSchema } from "#config/arbiter.ts";
import { contextsSchema } from "#config/contexts.ts";
import { idcRouterSchema } from "#config/idc-router.ts";
import { replicatorSchema } from "#config/replicator.ts";
import { policyDocs, policyForms, usualPolicy } from "../../arbiter/core/policy-forms.ts";
import { transitions as setTransitions, stays } from "../../arbiter/core/transitions.ts";
import { metricDocs as arbiterMetrics } from "../../arbiter/metrics.ts";
import { metricDocs as routerMetrics } from "../../idc-router/metrics.ts";
import { transitions as linkTransitions } from "../../replicator/core/transitions.ts";
import { metricDocs } from "../../replicator/metrics.ts";
import { configPage, type JsonSchema, type PolicyKey } from "./config-page.ts";
import { editorSchemaOf, jsonSchemaOf } from "./json-schema.ts";
import { metricsPage } from "./metrics-page.ts";
import { statesPage } from "./states-page.ts";

const root = new URL("../../", import.meta.url);

/** Every generated page: its path in the repository, and its text. */
export function generatePages(): ReadonlyMap<string, string> {
  const replicator = jsonSchemaOf(replicatorSchema);
  const contexts = jsonSchemaOf(contextsSchema);
  const arbiter = jsonSchemaOf(arbiterSchema);
  const idcRouter = jsonSchemaOf(idcRouterSchema);
  return new Map([
    [
      "docs/config.md",
      configPage(
        [
          {
            file: "/etc/crossidc/replicator.yaml",
            example: "config/examples/replicator.yaml",
            schema: replicator as JsonSchema,
          },
          {
            file: "/etc/crossidc/arbiter.yaml",
            example: "config/examples/arbiter.yaml",
            schema: arbiter as JsonSchema,
          },
          {
            file: "/etc/crossidc/idc-router.yaml",
            example: "config/examples/idc-router.yaml",
            schema: idcRouter as JsonSchema,
          },
          {
            file: "~/.config/crossidc/contexts.yaml",
            example: "config/examples/contexts.yaml",
            schema: contexts as JsonSchema,
          },
        ],
        policyKeys(),
      ),
    ],
    ["docs/schema/replicator.schema.json", `${JSON.stringify(editorSchemaOf(replicatorSchema), null, 2)}\n`],
    ["docs/schema/arbiter.schema.json", `${JSON.stringify(arbiter, null, 2)}\n`],
    ["docs/schema/idc-router.schema.json", `${JSON.stringify(idcRouter, null, 2)}\n`],
    ["docs/schema/contexts.schema.json", `${JSON.stringify(contexts, null, 2)}\n`],
    [
      "docs/metrics.md",
      metricsPage([
        { daemon: "arbiter", metrics: arbiterMetrics },
        { daemon: "replicator", metrics: metricDocs },
        { daemon: "router", metrics: routerMetrics },
      ]),
    ],
    [
      "docs/states.md",
      statesPage([
        {
          title: "A link of the replicator",
          source: "replicator/core/transitions.ts",
          transitions: linkTransitions,
        },
        {
          title: "A broker set at the arbiter",
          source: "arbiter/core/transitions.ts",
          transitions: setTransitions,
          stays,
        },
      ]),
    ],
  ]);
}

function policyKeys(): PolicyKey[] {
  return (Object.keys(policyForms) as (keyof typeof policyForms)[]).map((key) => {
    const usual: unknown = usualPolicy[key];
    return {
      key,
      expected: policyForms[key].expected,
      usual: typeof usual === "bigint" ? Number(usual) : usual,
      what: policyDocs[key],
    };
  });
}

/** Pages whose file says something else than the code, or is not there. */
export function differingPages(pages: ReadonlyMap<string, string>): string[] {
  return [...pages].filter(([path, text]) => readPage(path) !== text).map(([path]) => path);
}

/** Where a page's file is. */
export function pageUrl(path: string): URL {
  return new URL(path, root);
}

function readPage(path: string): string | undefined {
  try {
    return readFileSync(pageUrl(path), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
