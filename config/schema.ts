import { z } from "zod";
import type { ConfigPath } from "./problems.ts";

/** Questions about a schema: what stands at a path, and which values of a config carry a mark. */

export type Schema = z.core.$ZodType;

/** file: a path, made absolute by the loader. secret: never printed. */
export type Mark = "file" | "secret";

export const marks = z.registry<{ mark: Mark }>();

export interface SchemaFacts {
  readonly description: string | undefined;
  readonly secret: boolean;
  /** Names of a mapping's keys; undefined where it takes any, or is none. */
  readonly keys: readonly string[] | undefined;
}

/** undefined where the schema knows no such path. */
export function schemaAt(schema: Schema, path: ConfigPath): SchemaFacts | undefined {
  const layers = unwrap(schema);
  const secret = hasMark(layers, "secret");
  const [segment, ...rest] = path;
  const base = layers.at(-1);
  if (segment === undefined) {
    return {
      description: layers.map((layer) => z.globalRegistry.get(layer)?.description).find((text) => text !== undefined),
      secret,
      keys: keysOf(base),
    };
  }
  for (const child of childrenAt(base, segment)) {
    const facts = schemaAt(child, rest);
    if (facts !== undefined) return { ...facts, secret: secret || facts.secret };
  }
  return undefined;
}

function keysOf(base: Schema | undefined): readonly string[] | undefined {
  if (base instanceof z.ZodUnion) return base.options.flatMap((option) => keysOf(unwrap(option).at(-1)) ?? []);
  return base instanceof z.ZodObject ? Object.keys(base.shape) : undefined;
}

/** A copy of a checked value in which `change` was applied to each text with this mark. */
export function mapMarked(schema: Schema, value: unknown, mark: Mark, change: (text: string) => string): unknown {
  const layers = unwrap(schema);
  if (typeof value === "string") return hasMark(layers, mark) ? change(value) : value;
  const base = layers.at(-1);
  const inside = (child: Schema | undefined, part: unknown): unknown =>
    child === undefined ? part : mapMarked(child, part, mark, change);
  if (base instanceof z.ZodUnion) {
    return inside(
      base.options.find((option) => z.safeParse(option, value).success),
      value,
    );
  }
  if (Array.isArray(value)) return value.map((part, index) => inside(childrenAt(base, index)[0], part));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inside(childrenAt(base, key)[0], part)]));
}

function hasMark(layers: readonly Schema[], mark: Mark): boolean {
  return layers.some((layer) => marks.get(layer)?.mark === mark);
}

/** The schema, and what is inside its optional, default and similar wrappers; the innermost last. */
function unwrap(schema: Schema): Schema[] {
  const layers = [schema];
  for (let inner = innerOf(schema); inner !== undefined; inner = innerOf(inner)) layers.push(inner);
  return layers;
}

function innerOf(schema: Schema): Schema | undefined {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return schema.def.innerType;
  }
  return undefined;
}

function childrenAt(base: Schema | undefined, segment: string | number): readonly Schema[] {
  if (base instanceof z.ZodUnion) return base.options.flatMap((option) => childrenAt(unwrap(option).at(-1), segment));
  if (typeof segment === "number") return base instanceof z.ZodArray ? [base.element] : [];
  if (base instanceof z.ZodRecord) return [base.valueType];
  if (!(base instanceof z.ZodObject) || !Object.hasOwn(base.shape, segment)) return [];
  return [base.shape[segment]].filter((child) => child !== undefined);
}
