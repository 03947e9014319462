import { DecodeError } from "../bytes/reader.ts";
import { messageOf } from "../errors.ts";

/**
 * Bodies as fastjson writes them: JSON, but numbers that are keys stand without quotes, `{0:"a"}`. A whole number that does
 * not fit a double comes out as bigint, all others as number.
 * @throws {DecodeError}
 */
export function parseFastjson(body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const json = mayHaveNumberKeys.test(text) ? quoteNumberKeys(text) : text;
  try {
    return mayHaveLargeNumbers.test(json) ? JSON.parse(json, keepDigits) : JSON.parse(json);
  } catch (error) {
    throw new DecodeError(`The body is no JSON: ${messageOf(error)}`);
  }
}

/** Strict JSON, which stock peers read as well. A bigint is written as a number. */
export function printJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value, writeDigits));
}

const mayHaveNumberKeys = /[{,]\s*-?\d+\s*:/;
/** Fewer digits are always exact. */
const mayHaveLargeNumbers = /\d{16}/;
const whole = /^-?\d+$/;

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  return Number.isSafeInteger(value) || !whole.test(source) ? value : BigInt(source);
}

function writeDigits(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJson(value.toString()) : value;
}

/** Not yet among the types of JSON. */
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** Puts quotes around each number that is a key. What stands within a string is left alone, whatever it looks like. */
function quoteNumberKeys(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    const mark = text[at];
    if (mark === '"') at = afterString(text, at);
    else {
      at += 1;
      if (mark !== "{" && mark !== ",") continue;
      const key = numberKeyAt(text, at);
      if (key === undefined) continue;
      parts.push(text.slice(copied, key.from), '"', text.slice(key.from, key.to), '"');
      copied = key.to;
      at = key.to;
    }
  }
  parts.push(text.slice(copied));
  return parts.join("");
}

/** @param at of its first quote */
function afterString(text: string, at: number): number {
  for (let index = at + 1; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === '"') return index + 1;
  }
  return text.length;
}

const numberKey = /\s*(-?\d+)\s*:/y;

function numberKeyAt(text: string, at: number): { from: number; to: number } | undefined {
  numberKey.lastIndex = at;
  const match = numberKey.exec(text);
  if (match?.[1] === undefined) return undefined;
  const from = at + match[0].indexOf(match[1]);
  return { from, to: from + match[1].length };
}
