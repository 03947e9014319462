import type { z } from "zod";
import { nearest } from "#lib/nearest.ts";
import { type ConfigPath, type Fault, formatPath } from "./problems.ts";
import { type Schema, schemaAt } from "./schema.ts";
import type { Anchor } from "./source.ts";

type Issue = z.core.$ZodIssue;

export interface FaultAt {
  readonly fault: Fault;
  readonly anchor: Anchor;
}

/** Puts a schema's issues into the words of {@link Fault}. `input` is the value that was checked. */
export function faultsOf(issues: readonly Issue[], schema: Schema, input: unknown): FaultAt[] {
  const found = issues.flatMap((issue) => faultsOfIssue(issue, [], schema, input));
  // Of several bounds a number breaks, the one checked last is the field's own.
  return [...new Map(found.map((each) => [`${each.anchor} ${formatPath(each.fault.path)}`, each])).values()];
}

function faultsOfIssue(issue: Issue, parent: ConfigPath, schema: Schema, input: unknown): FaultAt[] {
  const path = [...parent, ...issue.path.map((segment) => (typeof segment === "symbol" ? String(segment) : segment))];
  const here = (message: string, remedy: string, anchor: Anchor = "value"): FaultAt[] => [
    { fault: { path, message, remedy }, anchor },
  ];
  const value = valueAt(input, path);
  if (value === undefined && issue.code !== "custom") return here("is missing", meaning(schema, path));

  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, path, schema));
    case "invalid_type":
      if (value === null && path.length === 0) return here("the file is empty", "start from an example");
      if (value === null) return here("has no value", `give ${nameOf(issue.expected)}, or remove the key`);
      return here(`is not ${nameOf(issue.expected)}`, `give ${nameOf(issue.expected)}${ifKnown(schema, path)}`);
    case "too_small":
      return here(
        smallness(issue),
        `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unit(issue)}`,
      );
    case "too_big":
      return here(
        bigness(issue),
        `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unit(issue)}`,
      );
    case "invalid_value":
      return here("is not one of the choices", choices(value, issue.values));
    case "invalid_format":
      return here("is not valid", issue.message);
    case "not_multiple_of":
      return here("does not fit", `a multiple of ${issue.divisor}`);
    case "invalid_key":
      return issue.issues.flatMap(({ message }) => here("is not a valid key", message, "key"));
    case "invalid_element":
      return issue.issues.flatMap((inner) => faultsOfIssue(inner, path, schema, input));
    case "custom":
      return here(issue.message, remedyOf(issue));
    case "invalid_union":
      return unionFaults(issue, path, schema, input);
  }
}

/** Speaks of the alternative that the value comes nearest to: the one with the least to correct below the top. */
function unionFaults(issue: z.core.$ZodIssueInvalidUnion, path: ConfigPath, schema: Schema, input: unknown): FaultAt[] {
  const atTop = (inner: Issue): boolean => inner.path.length === 0 && inner.code === "invalid_type";
  const [closest] = issue.errors.filter((errors) => !errors.some(atTop)).toSorted((a, b) => a.length - b.length);
  if (closest !== undefined) return closest.flatMap((inner) => faultsOfIssue(inner, path, schema, input));
  const kinds = issue.errors.flat().flatMap((inner) => (inner.code === "invalid_type" ? [nameOf(inner.expected)] : []));
  const options = "options" in issue && issue.options !== undefined ? choices(valueAt(input, path), issue.options) : "";
  const remedy = options === "" ? `give ${[...new Set(kinds)].join(" or ")}` : options;
  return [{ fault: { path, message: "fits none of the choices", remedy }, anchor: "value" }];
}

function unknownKey(key: string, path: ConfigPath, schema: Schema): FaultAt {
  const known = schemaAt(schema, path)?.keys ?? [];
  const meant = nearest(key, known);
  const remedy = meant === undefined ? `known here: ${known.join(", ")}` : `did you mean ${meant}?`;
  return { fault: { path: [...path, key], message: "is not a known key", remedy }, anchor: "key" };
}

function choices(value: unknown, values: readonly unknown[]): string {
  const names = values.map(String);
  const meant = typeof value === "string" ? nearest(value, names) : undefined;
  return `${meant === undefined ? "" : `did you mean ${meant}? `}one of: ${names.join(", ")}`;
}

function smallness(issue: z.core.$ZodIssueTooSmall): string {
  if (issue.origin === "string") return "is too short";
  return issue.origin === "array" ? "has too few elements" : "is too small";
}

function bigness(issue: z.core.$ZodIssueTooBig): string {
  if (issue.origin === "string") return "is too long";
  return issue.origin === "array" ? "has too many elements" : "is too big";
}

function unit({ origin }: { readonly origin: string }): string {
  return origin === "string" ? " characters" : "";
}

const names: Record<string, string> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function nameOf(expected: string): string {
  return names[expected] ?? expected;
}

function meaning(schema: Schema, path: ConfigPath): string {
  return `add it${ifKnown(schema, path)}`;
}

function ifKnown(schema: Schema, path: ConfigPath): string {
  const description = schemaAt(schema, path)?.description;
  return description === undefined ? "" : `: ${description}`;
}

function remedyOf(issue: z.core.$ZodIssueCustom): string {
  const remedy: unknown = issue.params?.["remedy"];
  return typeof remedy === "string" ? remedy : "";
}

/** undefined where there is no such path. */
export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const segment of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[segment];
  }
  return value;
}
