import type { RuleConfig } from "#config/replicator.ts";
import type { Fault } from "../pattern.ts";
import type { TableName, Tables } from "../tables.ts";
import { compileJsonEdit } from "./json.ts";
import { compilePropertiesEdit } from "./properties.ts";
import { compileTextEdit } from "./text.ts";
import type { Edit, Rewrite } from "./value.ts";

type DataConfig = NonNullable<RuleConfig["data"]>;
type EditProblem = Fault & { readonly path: readonly (string | number)[] };

/** The edits of a rule as one function over bytes. Paths of problems start at the rule's `data`. */
export function compileEdits(
  data: DataConfig,
  tables: Tables,
  unmapped: "error" | "copy" | "skip",
): { readonly edit: Edit } | { readonly problems: readonly EditProblem[] } {
  const rewrites = data.edits.map(({ at, map, set }): Rewrite => {
    if (map === undefined) return { kind: "set", at, text: set ?? "" };
    return { kind: "map", at, table: map, find: finder(tables, map, unmapped) };
  });
  const compiled = compileFormat[data.format](rewrites);
  if ("edit" in compiled) return compiled;
  const { at, ...fault } = compiled;
  return { problems: [{ path: ["edits", at, "at"], ...fault }] };
}

const compileFormat = {
  properties: compilePropertiesEdit,
  json: compileJsonEdit,
  text: compileTextEdit,
} as const;

function finder(tables: Tables, name: TableName, unmapped: "error" | "copy" | "skip") {
  const table = tables[name];
  return unmapped === "copy"
    ? (element: string) => table.get(element) ?? element
    : (element: string) => table.get(element);
}
