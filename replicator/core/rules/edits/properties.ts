import { readEscapes, writeEscapes } from "./properties-escapes.ts";
import { afterEscape, createPlainFinder, isContinuation, type Line, logicalLines } from "./properties-lines.ts";
import {
  type CompiledEdit,
  decodeUtf8,
  type Edit,
  type EditOutcome,
  inTurn,
  type Replacement,
  type Rewrite,
  splice,
  unmapped,
} from "./value.ts";

/**
 * Edits of Java properties, on the bytes: comments, order, line ends, escapes and whatever no edit touches stay as they are.
 * A key that stands twice is edited twice: which one counts depends on the reader.
 * @source java.util.Properties.load (OpenJDK 17)
 */
export function compilePropertiesEdit(rewrites: readonly Rewrite[]): CompiledEdit {
  const passes: Map<string, Rewrite>[] = [];
  for (const rewrite of rewrites) {
    const pass = passes.find((wanted) => !wanted.has(rewrite.at));
    if (pass === undefined) passes.push(new Map([[rewrite.at, rewrite]]));
    else pass.set(rewrite.at, rewrite);
  }
  return {
    edit: inTurn(
      passes.map((wanted): Edit => {
        const keys = [...wanted.keys()];
        const findPlain = createPlainFinder(keys);
        return (data) => {
          const text = plainText(data);
          const lines = text === undefined ? logicalLines(data, keys) : findPlain(text);
          return lines.length === 0 ? { kind: "same" } : editLines(data, text, lines, wanted);
        };
      }),
    ),
  };
}

function editLines(
  data: Uint8Array,
  text: string | undefined,
  lines: readonly Line[],
  wanted: ReadonlyMap<string, Rewrite>,
): EditOutcome {
  const replacements: Replacement[] = [];
  for (const line of lines) {
    const rewrite = wanted.get(line.key);
    if (rewrite === undefined) continue;
    const value: Value = { data, text, start: line.start, end: line.end };
    const refused =
      rewrite.kind === "map"
        ? mapValue(value, rewrite, replacements)
        : setValue(value, line, rewrite.text, replacements);
    if (refused !== undefined) return refused;
  }
  return replacements.length === 0 ? { kind: "same" } : { kind: "edited", data: splice(data, replacements) };
}

/** The data as text when each byte is one character that means itself, which is the usual case and the quick one. */
function plainText(data: Uint8Array): string | undefined {
  const text = decodeUtf8(data);
  return text === undefined || text.length !== data.length || text.includes("\\") ? undefined : text;
}

interface Value {
  readonly data: Uint8Array;
  readonly text: string | undefined;
  readonly start: number;
  readonly end: number;
}

function setValue({ data, start, end }: Value, { keyEnd }: Line, text: string, replacements: Replacement[]): undefined {
  const old = data.subarray(start, end);
  if (readEscapes(old) === text) return;
  const bytes = writeEscapes(text, old);
  // A key at the very end of its line has nothing yet that parts it from a value.
  replacements.push({ start, end, bytes: start === keyEnd ? Uint8Array.of(0x3d, ...bytes) : bytes });
}

type Mapping = Extract<Rewrite, { kind: "map" }>;

/** Maps each element of a list. Blanks around elements stay; blanks and separators may be escaped. */
function mapValue(value: Value, rewrite: Mapping, replacements: Replacement[]): EditOutcome | undefined {
  const { data, end: valueEnd } = value;
  let start = -1;
  let end = -1;
  for (let at = value.start; at < valueEnd; ) {
    const byte = data[at];
    const next = byte === backslash ? endOfEscape(data, at, valueEnd) : at + 1;
    const meant = byte === backslash ? meaning(data, at, next) : byte;
    if (meant === semicolon || meant === comma) {
      const refused = mapElement(value, start, end, rewrite, replacements);
      if (refused !== undefined) return refused;
      start = -1;
    } else if (meant !== space && meant !== tab) {
      if (start < 0) start = at;
      end = next;
    }
    at = next;
  }
  return mapElement(value, start, end, rewrite, replacements);
}

/** `start` is negative where nothing but blanks stands. */
function mapElement(
  { data, text }: Value,
  start: number,
  end: number,
  rewrite: Mapping,
  replacements: Replacement[],
): EditOutcome | undefined {
  if (start < 0) return undefined;
  const old = text === undefined ? data.subarray(start, end) : undefined;
  const element = old === undefined ? text?.slice(start, end) : readEscapes(old);
  if (element === undefined) {
    return { kind: "bad", message: `malformed \\u escape in the value of ${rewrite.at} (byte ${start})` };
  }
  const found = rewrite.find(element);
  if (found === undefined) return unmapped(rewrite, element);
  if (found !== element) replacements.push({ start, end, bytes: writeEscapes(found, old) });
  return undefined;
}

const tab = 0x09;
const space = 0x20;
const comma = 0x2c;
const semicolon = 0x3b;
const backslash = 0x5c;

function endOfEscape(data: Uint8Array, at: number, end: number): number {
  const next = data[at + 1] === 0x75 ? at + 6 : afterEscape(data, at);
  return Math.min(next, end);
}

/** What an escape stands for in a list. A continuation is nothing, which at the ends of an element is as good as a blank. */
function meaning(data: Uint8Array, at: number, next: number): number | undefined {
  return isContinuation(data, at) ? space : readEscapes(data.subarray(at, next))?.charCodeAt(0);
}
