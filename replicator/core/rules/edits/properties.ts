import {
  type CompiledEdit,
  decodeUtf8,
  type EditOutcome,
  encodeUtf8,
  type Replacement,
  type Rewrite,
  splice,
  type Unmapped,
  unmapped,
} from "./value.ts";

/**
 * Edits of Java properties, on the bytes: comments, order, line ends, escapes and whatever no edit touches stay as they are.
 * A key that stands twice is edited twice: which one counts depends on the reader.
 * @source java.util.Properties.load (OpenJDK 17)
 */
export function compilePropertiesEdit(rewrites: readonly Rewrite[]): CompiledEdit {
  const keys = new Map<string, Rewrite[]>();
  for (const rewrite of rewrites) keys.set(rewrite.at, [...(keys.get(rewrite.at) ?? []), rewrite]);
  const wanted = [...keys].map(([key, of]): WantedKey => ({ key, bytes: encodeUtf8(key), rewrites: of }));
  return { edit: (data) => editProperties(data, wanted) };
}

interface WantedKey {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly rewrites: readonly Rewrite[];
}

const tab = 0x09;
const lineFeed = 0x0a;
const formFeed = 0x0c;
const carriageReturn = 0x0d;
const space = 0x20;
const bang = 0x21;
const hash = 0x23;
const comma = 0x2c;
const colon = 0x3a;
const semicolon = 0x3b;
const equals = 0x3d;
const backslash = 0x5c;
const letterU = 0x75;

function editProperties(data: Uint8Array, wanted: readonly WantedKey[]): EditOutcome {
  const replacements: Replacement[] = [];
  let at = 0;
  while (at < data.length) {
    const byte = data[at];
    if (isBlank(byte) || isLineEnd(byte)) {
      at++;
      continue;
    }
    if (byte === hash || byte === bang) {
      at = endOfNaturalLine(data, at);
      continue;
    }
    const keyEnd = endOfKey(data, at);
    const key = wantedKey(data, at, keyEnd, wanted);
    const end = endOfLine(data, keyEnd);
    if (key !== undefined) {
      const start = startOfValue(data, keyEnd, end);
      const value = rewriteRaw(data.subarray(start, end), key.rewrites);
      if ("kind" in value) {
        if (value.kind !== "bad") return value;
        return { kind: "bad", message: `${value.message} in the value of ${key.key} at byte ${start}` };
      }
      if (value.bytes !== undefined) {
        // A key at the end of its line has nothing yet that parts it from a value.
        const bytes = start === keyEnd ? Uint8Array.of(equals, ...value.bytes) : value.bytes;
        replacements.push({ start, end, bytes });
      }
    }
    at = end;
  }
  return replacements.length === 0 ? { kind: "same" } : { kind: "edited", data: splice(data, replacements) };
}

function endOfKey(data: Uint8Array, from: number): number {
  let at = from;
  while (at < data.length) {
    const byte = data[at];
    if (byte === backslash) at = afterEscape(data, at);
    else if (byte === equals || byte === colon || isBlank(byte) || isLineEnd(byte)) break;
    else at++;
  }
  return Math.min(at, data.length);
}

/** The logical line's end: a line end after an odd number of backslashes goes on in the next line. */
function endOfLine(data: Uint8Array, from: number): number {
  let at = from;
  while (at < data.length && !isLineEnd(data[at])) at = data[at] === backslash ? afterEscape(data, at) : at + 1;
  return Math.min(at, data.length);
}

function endOfNaturalLine(data: Uint8Array, from: number): number {
  let at = from;
  while (at < data.length && !isLineEnd(data[at])) at++;
  return at;
}

/** Past blanks, at most one = or :, and blanks again; continued lines count as nothing. */
function startOfValue(data: Uint8Array, keyEnd: number, end: number): number {
  let at = skipBlanks(data, keyEnd, end);
  if (data[at] === equals || data[at] === colon) at = skipBlanks(data, at + 1, end);
  return Math.min(at, end);
}

function skipBlanks(data: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    if (isBlank(data[at])) at++;
    else if (isContinuation(data, at)) at = afterEscape(data, at);
    else break;
  }
  return at;
}

/** The index past what a backslash begins: a continued line with the blanks that open the next one, \uXXXX, or one byte. */
function afterEscape(data: Uint8Array, at: number): number {
  if (!isContinuation(data, at)) return at + (data[at + 1] === letterU ? 6 : 2);
  let next = at + (data[at + 1] === carriageReturn && data[at + 2] === lineFeed ? 3 : 2);
  while (isBlank(data[next])) next++;
  return next;
}

function isContinuation(data: Uint8Array, at: number): boolean {
  return data[at] === backslash && isLineEnd(data[at + 1]);
}

function wantedKey(data: Uint8Array, start: number, end: number, wanted: readonly WantedKey[]): WantedKey | undefined {
  let plain = true;
  for (let at = start; at < end; at++) {
    const byte = data[at] ?? 0;
    if (byte === backslash || byte >= 0x80) plain = false;
  }
  if (plain) return wanted.find(({ bytes }) => bytes.length === end - start && startsWith(data, start, bytes));
  const key = readEscapes(data.subarray(start, end));
  return wanted.find((one) => one.key === key);
}

function startsWith(data: Uint8Array, start: number, bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (data[start + index] !== bytes[index]) return false;
  return true;
}

/** `bytes`: undefined when nothing changes. */
type RawValue = { readonly bytes: Uint8Array | undefined };

function rewriteRaw(
  raw: Uint8Array,
  rewrites: readonly Rewrite[],
): RawValue | Unmapped | { kind: "bad"; message: string } {
  let current = raw;
  for (const rewrite of rewrites) {
    if (rewrite.kind === "set") {
      if (readEscapes(current) !== rewrite.text) current = writeEscapes(rewrite.text, current);
      continue;
    }
    const replacements: Replacement[] = [];
    for (const { start, end } of elementsOf(current)) {
      const old = current.subarray(start, end);
      const element = readEscapes(old);
      if (element === undefined) return { kind: "bad", message: "malformed \\u escape" };
      const found = rewrite.find(element);
      if (found === undefined) return unmapped(rewrite, element);
      if (found !== element) replacements.push({ start, end, bytes: writeEscapes(found, old) });
    }
    if (replacements.length > 0) current = splice(current, replacements);
  }
  return { bytes: current === raw ? undefined : current };
}

/** The elements of a list, without the blanks around them. Separators and blanks may be escaped. */
function elementsOf(raw: Uint8Array): { start: number; end: number }[] {
  const elements: { start: number; end: number }[] = [];
  let start = -1;
  let end = -1;
  for (let at = 0; at < raw.length; ) {
    const escaped = raw[at] === backslash;
    const next = Math.min(escaped ? afterEscape(raw, at) : at + 1, raw.length);
    const byte = escaped ? escapedByte(raw, at, next) : raw[at];
    if (byte === semicolon || byte === comma) {
      if (start >= 0) elements.push({ start, end });
      start = -1;
    } else if (byte !== space && byte !== tab) {
      if (start < 0) start = at;
      end = next;
    }
    at = next;
  }
  if (start >= 0) elements.push({ start, end });
  return elements;
}

/** What an escape stands for where that matters to a list; a continued line counts as a blank: nothing at an element's ends. */
function escapedByte(raw: Uint8Array, at: number, next: number): number | undefined {
  if (isContinuation(raw, at)) return space;
  const text = readEscapes(raw.subarray(at, next));
  return text === "\t" ? tab : text?.charCodeAt(0);
}

/** undefined when a \u is not followed by four hexadecimal digits. */
function readEscapes(raw: Uint8Array): string | undefined {
  const text = decodeUtf8(raw) ?? latin1(raw);
  if (!text.includes("\\")) return text;
  let malformed = false;
  const unescaped = text.replace(
    /\\(?:u([0-9a-fA-F]{4})|(\r\n|\r|\n)[ \t\f]*|([\s\S])|$)/g,
    (_, code?: string, continued?: string, letter?: string) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      if (continued !== undefined || letter === undefined) return "";
      if (letter === "u") malformed = true;
      return letterEscapes.get(letter) ?? letter;
    },
  );
  return malformed ? undefined : unescaped;
}

const letterEscapes = new Map([
  ["t", "\t"],
  ["n", "\n"],
  ["r", "\r"],
  ["f", "\f"],
]);

/** Escapes as Properties.store does where the old value was escaped like that, else only what would be read wrong. */
function writeEscapes(text: string, old: Uint8Array): Uint8Array {
  const special = hasStoreEscape(old) ? /[\\:=#!\t\n\r\f]|[^ -~]|^ /g : /[\\\t\n\r\f]|[^ -~]|^ /g;
  return encodeUtf8(
    text.replace(special, (character) => {
      const letter = { "\t": "t", "\n": "n", "\r": "r", "\f": "f" }[character];
      if (letter !== undefined) return `\\${letter}`;
      if (character >= " " && character <= "~") return `\\${character}`;
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    }),
  );
}

function hasStoreEscape(raw: Uint8Array): boolean {
  return raw.some((byte, at) => byte === backslash && [colon, equals, hash, bang].some((one) => one === raw[at + 1]));
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === tab || byte === formFeed;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === lineFeed || byte === carriageReturn;
}
