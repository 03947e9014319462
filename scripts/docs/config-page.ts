import { cell, row } from "./markdown.ts";

/** The parts of a JSON Schema that the config schemas use. */
export interface JsonSchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export interface ConfigFile {
  /** Where it lies when installed. */
  readonly file: string;
  readonly example: string;
  readonly schema: JsonSchema;
}

/** A key of a policy, which stands in the ledger and in no file of a daemon. */
export interface PolicyKey {
  readonly key: string;
  readonly expected: string;
  readonly usual: unknown;
  readonly what: string;
}

/** docs/config.md: per file one table for each mapping, and the keys of policies. */
export function configPage(files: readonly ConfigFile[], policies: readonly PolicyKey[]): string {
  return [
    "# Configuration",
    "",
    "Files are YAML 1.2. Unknown keys, repeated keys, tags and merge keys (`<<`) are errors; anchors and aliases are allowed.",
    "A relative path of a file starts at the config file's folder. Durations end in `Ms` and are milliseconds.",
    "`--check` prints the effective config and the worst-case times it implies.",
    "",
    "Links that differ in a few words take a template: [replicator-templates.yaml](../config/examples/replicator-templates.yaml).",
    "What the link says itself goes in front of the template's: two mappings are merged key by key, a list or a value is taken as a",
    `whole. \`\${word}\` in a text of the template (put it in quotes inside braces) becomes what the link's \`with\` says. A mistake is`,
    "told where it was written.",
    "",
    ...files.flatMap(fileSection),
    ...policySection(policies),
  ].join("\n");
}

function policySection(keys: readonly PolicyKey[]): string[] {
  return [
    "## Policies of broker sets",
    "",
    "What is promised for which sets: `policies:` in a YAML file that `idcctl policy apply FILE` puts into the ledger, so that all sites go",
    "by the same. The first policy whose `match` takes a set's name (`cluster/set`, `*` stands for any characters) is the set's. What a",
    "policy leaves out, and a set that none takes, has the default.",
    "",
    row("key", "what is written", "default", "what it promises, and costs"),
    row("---", "---", "---", "---"),
    ...keys.map(({ key, expected, usual, what }) => row(`\`${key}\``, cell(expected), inline(usual), cell(what))),
    "",
  ];
}

function fileSection({ file, example, schema }: ConfigFile): string[] {
  return [
    `## ${schema.title}`,
    "",
    `${schema.description} Installed as \`${file}\`; a complete sample is [${example}](../${example}).`,
    "",
    ...mappingSections("", schema, new Map()),
  ];
}

/** @param known path of each mapping that is described already, by its keys: source and target are described once */
function mappingSections(path: string, schema: JsonSchema, known: Map<string, string>): string[] {
  const properties = Object.entries(schema.properties ?? {});
  const identity = JSON.stringify(schema.properties);
  const same = known.get(identity);
  if (same !== undefined) return [...title(path), `${schema.description ?? ""} Keys as in \`${same}\`.`.trim(), ""];
  known.set(identity, path);
  const nested = properties.flatMap(([key, property]) => nestedMapping(join(path, key), property));
  return [
    ...title(path),
    ...(path !== "" && schema.description !== undefined ? [schema.description, ""] : []),
    row("key", "type", "default", "range", "what it is"),
    row("---", "---", "---", "---", "---"),
    ...properties.map(([key, property]) => propertyRow(key, property, schema.required?.includes(key) === true)),
    "",
    ...nested.flatMap((mapping) => mappingSections(mapping.path, mapping.schema, known)),
  ];
}

function title(path: string): string[] {
  return path === "" ? [] : [`### \`${path}\``, ""];
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** The mapping that a property is, or that its elements are. */
function nestedMapping(path: string, schema: JsonSchema): { path: string; schema: JsonSchema }[] {
  if (schema.properties !== undefined) return [{ path, schema }];
  if (schema.oneOf !== undefined) {
    return schema.oneOf.flatMap((one) => nestedMapping(`${path} (${one.properties?.["kind"]?.const ?? "?"})`, one));
  }
  if (schema.items !== undefined) return nestedMapping(`${path}[]`, schema.items);
  const { additionalProperties: values } = schema;
  return typeof values === "object" ? nestedMapping(`${path}.<name>`, values) : [];
}

function propertyRow(key: string, schema: JsonSchema, required: boolean): string {
  const given = required
    ? "**required**"
    : schema.default === undefined || isMapping(schema)
      ? ""
      : inline(schema.default);
  return row(`\`${key}\``, typeName(schema), given, rangeOf(schema), cell(schema.description ?? ""));
}

function isMapping(schema: JsonSchema): boolean {
  return schema.properties !== undefined;
}

function inline(value: unknown): string {
  return cell(`\`${JSON.stringify(value)}\``);
}

function typeName(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.items !== undefined) return `list of ${typeName(schema.items)}`;
  if (isMapping(schema) || schema.oneOf !== undefined) return "mapping";
  if (typeof schema.additionalProperties === "object")
    return `mapping of name to ${typeName(schema.additionalProperties)}`;
  if (schema.title !== undefined) return schema.title;
  return (
    { string: "text", integer: "whole number", number: "number", boolean: "true or false" }[schema.type ?? ""] ?? "any"
  );
}

function rangeOf(schema: JsonSchema): string {
  const low = schema.minimum ?? above(schema.exclusiveMinimum);
  if (low !== undefined || schema.maximum !== undefined) return `${low ?? ""} to ${schema.maximum ?? ""}`.trim();
  if (schema.items === undefined) return "";
  return `${schema.minItems ?? 0} to ${schema.maxItems ?? "any number of"} elements`;
}

function above(limit: number | undefined): string | undefined {
  return limit === undefined ? undefined : `> ${limit}`;
}
