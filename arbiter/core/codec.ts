import { OperatorError } from "#lib/errors.ts";

/** Strict text of records, both ways: what is not as it must be is refused by name, and one record has one text. */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Codec<Value> {
  readonly write: (value: Value) => Json;
  /** @throws {OperatorError} ARB_RECORD */
  readonly read: (json: unknown, at: Place) => Value;
  /** What a record of an earlier version means, which does not have the field; left out: it is broken. */
  readonly absent?: Value;
}

/** Where a value stands, for the error: put into words only if there is one. */
interface Place {
  /** The ledger's key. */
  readonly key: string;
  /** The field's name in what it lies in; of the record itself there is none. */
  readonly name: string;
  readonly within: Place | null;
}

/** Larger texts are no records of ours: etcd refuses requests above 1.5 MB. */
export const recordCharsMax = 1_000_000;

const recordSchema = 1;

/** @throws {OperatorError} ARB_RECORD when it could not be read again: what nobody can read is never written */
export function encodeRecord<Value extends object>(codec: Codec<Value>, value: Value, key: string): string {
  const text = JSON.stringify({ schema: recordSchema, ...(codec.write(value) as Record<string, Json>) });
  decodeRecord(codec, text, key);
  return text;
}

/** @throws {OperatorError} ARB_RECORD */
export function decodeRecord<Value extends object>(codec: Codec<Value>, text: string, key: string): Value {
  const place = { key, name: "", within: null };
  if (text.length > recordCharsMax) {
    throw wrong(place, text, `too long: ${text.length} characters, at most ${recordCharsMax}`);
  }
  const json = parsed(text, place);
  if (!isMapping(json)) throw wrong(place, json, "not a mapping");
  const { schema, ...fields } = json;
  if (schema !== recordSchema) throw wrong(within(place, "schema"), schema, `not ${recordSchema}, the one known here`);
  return codec.read(fields, place);
}

export const text: Codec<string> = {
  write: (value) => value,
  read: (json, at) => {
    if (typeof json !== "string") throw wrong(at, json, "not a text");
    return json;
  },
};

export const flag: Codec<boolean> = {
  write: (value) => value,
  read: (json, at) => {
    if (typeof json !== "boolean") throw wrong(at, json, "neither true nor false");
    return json;
  },
};

/** A whole number that a double holds exactly. */
export function integer(min: number): Codec<number> {
  return {
    write: (value) => value,
    read: (json, at) => {
      if (!Number.isSafeInteger(json) || (json as number) < min)
        throw wrong(at, json, `not a whole number from ${min}`);
      return json as number;
    },
  };
}

/** Wall time, or a time span, in ms. */
export const millis: Codec<number> = {
  write: (value) => value,
  read: (json, at) => {
    if (typeof json !== "number" || json < 0) throw wrong(at, json, "not a number from 0");
    return json;
  },
};

/** 64 bits with a sign, as a decimal text: JSON's numbers are doubles. */
export const int64: Codec<bigint> = {
  write: (value) => value.toString(),
  read: (json, at) => {
    const value = typeof json === "string" && /^(0|-?[1-9]\d{0,18})$/.test(json) ? BigInt(json) : undefined;
    if (value === undefined || BigInt.asIntN(64, value) !== value)
      throw wrong(at, json, "not a 64-bit number in a text");
    return value;
  },
};

export function choice<const Name extends string>(names: readonly Name[]): Codec<Name> {
  return {
    write: (value) => value,
    read: (json, at) => {
      const name = names.find((each) => each === json);
      if (name === undefined) throw wrong(at, json, `none of ${names.join(", ")}`);
      return name;
    },
  };
}

export function nullable<Value>(codec: Codec<Value>): Codec<Value | null> {
  return {
    write: (value) => (value === null ? null : codec.write(value)),
    read: (json, at) => (json === null ? null : codec.read(json, at)),
  };
}

export function later<Value>(codec: Codec<Value>, absent: Value): Codec<Value> {
  return { ...codec, absent };
}

export function list<Value>(codec: Codec<Value>): Codec<readonly Value[]> {
  return {
    write: (values) => values.map(codec.write),
    read: (json, at) => {
      if (!Array.isArray(json)) throw wrong(at, json, "not a list");
      return json.map((each, index) => codec.read(each, within(at, String(index))));
    },
  };
}

/** By broker id; in the order of the ids. */
export function byId<Value>(codec: Codec<Value>): Codec<Readonly<Record<number, Value>>> {
  return {
    // Object.entries has such keys in numeric order.
    write: (table) => Object.fromEntries(Object.entries(table).map(([id, value]) => [id, codec.write(value)])),
    read: (json, at) => {
      if (!isMapping(json)) throw wrong(at, json, "not a mapping");
      return Object.fromEntries(
        Object.entries(json).map(([id, value]) => {
          if (!/^(0|[1-9]\d{0,14})$/.test(id)) throw wrong(within(at, id), id, "not a broker's id");
          return [id, codec.read(value, within(at, id))];
        }),
      );
    },
  };
}

/** Some of the names, in the order of `names`. */
export function some<Name extends string, Value>(
  names: readonly Name[],
  codec: Codec<Value>,
): Codec<Readonly<Partial<Record<Name, Value>>>> {
  return {
    write: (table) =>
      Object.fromEntries(
        names.flatMap((name) => {
          const value = table[name];
          return value === undefined ? [] : [[name, codec.write(value)]];
        }),
      ),
    read: (json, at) => {
      const table = knownFields(json, names, at);
      const present = names.filter((name) => table[name] !== undefined);
      return Object.fromEntries(present.map((name) => [name, codec.read(table[name], within(at, name))])) as Partial<
        Record<Name, Value>
      >;
    },
  };
}

/** Exactly these fields, in this order. */
export function record<Value extends object>(
  fields: {
    readonly [Name in keyof Value]-?: Codec<Value[Name]>;
  },
): Codec<Value> {
  const names = Object.keys(fields) as (keyof Value & string)[];
  return {
    write: (value) => Object.fromEntries(names.map((name) => [name, fields[name].write(value[name])])),
    read: (json, at) => {
      const table = knownFields(json, names, at);
      const value: Partial<Value> = {};
      for (const name of names) {
        const { read, absent } = fields[name];
        if (Object.hasOwn(table, name)) value[name] = read(table[name], within(at, name));
        else if (absent === undefined) throw wrong(within(at, name), undefined, "missing");
        else value[name] = absent;
      }
      return value as Value;
    },
  };
}

/** @param value what is there; undefined: nothing */
function wrong(at: Place, value: unknown, what: string): OperatorError {
  const { key } = at;
  const field = fieldOf(at);
  const shown = value === undefined ? "" : `${shortened(JSON.stringify(value))}: `;
  return new OperatorError("ARB_RECORD", `${key}${field === "" ? "" : `, ${field}`}: ${shown}${what}`, {
    hint: "Another version of the arbiter, or somebody else, wrote this key: see that all sites run one version, then look at it with etcdctl get",
  });
}

function knownFields(json: unknown, names: readonly string[], at: Place): Readonly<Record<string, unknown>> {
  if (!isMapping(json)) throw wrong(at, json, "not a mapping");
  const stranger = Object.keys(json).find((name) => !names.includes(name));
  if (stranger !== undefined) throw wrong(within(at, stranger), json[stranger], "a field that is not known here");
  return json;
}

function parsed(source: string, at: Place): unknown {
  try {
    return JSON.parse(source);
  } catch {
    throw wrong(at, source, "not JSON");
  }
}

function within(at: Place, name: string): Place {
  return { key: at.key, name, within: at };
}

/** `replicas.2.address`; "" for the record itself. */
function fieldOf({ name, within: outer }: Place): string {
  const before = outer === null ? "" : fieldOf(outer);
  return before === "" ? name : `${before}.${name}`;
}

function isMapping(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Longest text shown of a value. */
const shownCharsMax = 80;

function shortened(shown: string): string {
  return shown.length > shownCharsMax ? `${shown.slice(0, shownCharsMax - 3)}...` : shown;
}
