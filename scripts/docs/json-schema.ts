import { z } from "zod";

/** For editors: the schema of what an operator writes, with descriptions and defaults. */
export function jsonSchemaOf(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, { io: "input", override: ({ jsonSchema }) => siteFromEither(jsonSchema) });
}

/** The loader takes siteFile and siteKey in place of site. */
function siteFromEither(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.properties?.["siteFile"] === undefined) return;
  schema.required = schema.required?.filter((key) => key !== "site") ?? [];
  schema.oneOf = [{ required: ["site"] }, { required: ["siteFile", "siteKey"] }];
}
