import { z } from "zod";

type Json = z.core.JSONSchema.BaseSchema;

/** The schema of what an operator writes, with descriptions and defaults: for the pages. */
export function jsonSchemaOf(schema: z.ZodType): Json {
  const json = z.toJSONSchema(schema, { io: "input", override: ({ jsonSchema }) => siteFromEither(jsonSchema) });
  const templates = json.properties?.["templates"];
  if (typeof templates === "object") templates.additionalProperties = { title: "keys of a link" };
  return json;
}

/** The same for editors, which judge a file before its links are written out. */
export function editorSchemaOf(schema: z.ZodType): Json {
  const json = jsonSchemaOf(schema);
  const { templates, links } = json.properties ?? {};
  if (typeof templates !== "object" || typeof links !== "object") return json;
  const link = links.items as Json;
  const partOfLink = { $ref: "#/$defs/partOfLink" };
  json.$defs = { link, partOfLink: withoutRequired(link) as Json };
  templates.additionalProperties = partOfLink;
  links.items = {
    if: { required: ["template"] },
    // biome-ignore lint/suspicious/noThenProperty: a key of JSON Schema
    then: { allOf: [partOfLink, { required: ["name"] }] },
    else: { $ref: "#/$defs/link" },
  };
  return json;
}

/** A copy in which no mapping asks for a key: what is left out stands in the template. */
function withoutRequired(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutRequired);
  if (typeof json !== "object" || json === null) return json;
  const entries = Object.entries(json).filter(([key, value]) => key !== "required" || !Array.isArray(value));
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutRequired(value)]));
}

/** The loader takes siteFile and siteKey in place of site. */
function siteFromEither(schema: Json): void {
  if (schema.properties?.["siteFile"] === undefined) return;
  schema.required = schema.required?.filter((key) => key !== "site") ?? [];
  schema.oneOf = [{ required: ["site"] }, { required: ["siteFile", "siteKey"] }];
}
