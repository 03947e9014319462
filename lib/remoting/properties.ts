import { DecodeError } from "../bytes/reader.ts";
import { shorten } from "./numbers.ts";

/** In the order of the text; of a name that stands there twice the last value. */
export type Properties = ReadonlyMap<string, string>;

/**
 * Properties text: lines `name=value`. What is not plain ASCII is written as \\uXXXX, so it does not matter in which character
 * set the peer reads it.
 * @source Java 17 java.util.Properties
 */
export function encodeProperties(properties: Properties): Uint8Array {
  const lines = [...properties].map(
    ([name, value]) => `${withEscapes(name, everySpecial)}=${withEscapes(value, special)}\n`,
  );
  return Buffer.from(lines.join(""), "latin1");
}

/** @throws {DecodeError} when an escape is cut off */
export function decodeProperties(body: Uint8Array): Properties {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const [, name = "", value = ""] = nameAndValue.exec(line) ?? [];
    properties.set(withoutEscapes(name), withoutEscapes(value));
  }
  return properties;
}

/** Without comments and empty lines; those that end in a lone backslash are joined with the next. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let begun: string | undefined;
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, "");
    if (begun === undefined && (line === "" || line.startsWith("#") || line.startsWith("!"))) continue;
    const goesOn = endsInLoneBackslash(line);
    begun = (begun ?? "") + (goesOn ? line.slice(0, -1) : line);
    if (goesOn) continue;
    lines.push(begun);
    begun = undefined;
  }
  if (begun !== undefined) lines.push(begun);
  return lines;
}

function endsInLoneBackslash(line: string): boolean {
  let count = 0;
  while (line[line.length - 1 - count] === "\\") count += 1;
  return count % 2 === 1;
}

/** The name ends at the first =, : or blank that is not escaped; blanks around the sign belong to neither. */
const nameAndValue = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s;

const everySpecial = /[\\=:#! \t\n\r\f]|[^\x20-\x7e]/g;
const special = /^ |[\\\t\n\r\f]|[^\x20-\x7e]/g;
const letters: Readonly<Record<string, string>> = { "\t": "t", "\n": "n", "\r": "r", "\f": "f" };
const meanings: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function withEscapes(text: string, pattern: RegExp): string {
  return text.replace(pattern, (unit) => {
    const code = unit.charCodeAt(0);
    if (code >= 0x20 && code <= 0x7e) return `\\${unit}`;
    return `\\${letters[unit] ?? `u${code.toString(16).padStart(4, "0")}`}`;
  });
}

function withoutEscapes(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.|$)/gs, (_whole, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    if (escaped === "u") throw new DecodeError(`A \\u without four digits in ${JSON.stringify(shorten(text))}`);
    return meanings[escaped] ?? escaped;
  });
}
