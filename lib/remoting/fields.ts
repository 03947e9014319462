import { RemotingError } from "./errors.ts";
import type { Fields } from "./header.ts";
import { inInt32, inInt64, shorten } from "./numbers.ts";

type Value = string | number | bigint | boolean | undefined;

/** As text; what is undefined is left out. */
export function toFields(values: Readonly<Record<string, Value>>): Fields {
  const fields: Record<string, string> = {};
  for (const name in values) {
    const value = values[name];
    if (value !== undefined) fields[name] = String(value);
  }
  return fields;
}

/**
 * Reads the fields of one message. Every method throws a RemotingError REMOTING_FIELD that names field and value where the
 * text is missing or says something else. A class because one is made for each heartbeat.
 */
export class FieldReader {
  readonly #fields: Fields;
  readonly #what: string;

  /** @param what the message, for people */
  constructor(fields: Fields, what: string) {
    this.#fields = fields;
    this.#what = what;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw this.#misfit(name, "a text");
    return value;
  }

  optionalText(name: string): string | undefined {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  int32(name: string): number {
    const value = this.optionalInt32(name);
    if (value === undefined) throw this.#misfit(name, "a number of 32 bits");
    return value;
  }

  optionalInt32(name: string): number | undefined {
    const text = this.optionalText(name);
    if (text === undefined) return undefined;
    const value = decimal.test(text) ? Number(text) : Number.NaN;
    if (!inInt32(value)) throw this.#misfit(name, "a number of 32 bits");
    return value;
  }

  int64(name: string): bigint {
    const value = this.optionalInt64(name);
    if (value === undefined) throw this.#misfit(name, "a number of 64 bits");
    return value;
  }

  optionalInt64(name: string): bigint | undefined {
    const text = this.optionalText(name);
    if (text === undefined) return undefined;
    if (!decimal.test(text)) throw this.#misfit(name, "a number of 64 bits");
    const value = BigInt(text);
    if (!inInt64(value)) throw this.#misfit(name, "a number of 64 bits");
    return value;
  }

  /** Not negative, and far below 2^53: ids are counted from 1 in a set. */
  brokerId(name: string): number {
    const value = this.optionalBrokerId(name);
    if (value === undefined) throw this.#misfit(name, "a broker id");
    return value;
  }

  optionalBrokerId(name: string): number | undefined {
    const text = this.optionalText(name);
    if (text === undefined) return undefined;
    const value = decimal.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < 0) throw this.#misfit(name, "a broker id");
    return value;
  }

  /** As Java reads it: what is not "true" is false, also when it is missing. */
  bool(name: string): boolean {
    return this.optionalText(name)?.toLowerCase() === "true";
  }

  #misfit(field: string, due: string): RemotingError {
    const value = this.optionalText(field);
    const shown = value === undefined ? "missing" : JSON.stringify(shorten(value));
    return new RemotingError("REMOTING_FIELD", `${this.#what}: field ${field} is ${shown}, where ${due} was due`, {
      field,
      value,
    });
  }
}

/** No more digits than a 64-bit number has: what is longer is refused before it is converted. */
const decimal = /^-?\d{1,19}$/;
