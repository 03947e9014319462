import { readEscapes } from "./properties-escapes.ts";

/** Where the keys and values of Java properties stand in the bytes. */

/** A logical line with one of the keys that were asked for. */
export interface Line {
  readonly key: string;
  readonly keyEnd: number;
  /** Of the value, escapes and continued lines included, the line's end excluded. */
  readonly start: number;
  readonly end: number;
}

/** The lines of these keys, in order. */
export function logicalLines(data: Uint8Array, keys: readonly string[]): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < data.length; ) {
    const byte = data[at];
    if (isBlank(byte) || isLineEnd(byte)) {
      at++;
    } else if (byte === hash || byte === bang) {
      at = endOfComment(data, at);
    } else {
      const keyEnd = endOfKey(data, at);
      const end = endOfLine(data, keyEnd);
      const key = readEscapes(data.subarray(at, keyEnd));
      if (key !== undefined && keys.includes(key)) {
        lines.push({ key, keyEnd, start: startOfValue(data, keyEnd, end), end });
      }
      at = end;
    }
  }
  return lines;
}

/** Finds the same lines in ASCII without a backslash, where a line is a line: those of other keys cost next to nothing. */
export function createPlainFinder(keys: readonly string[]): (text: string) => Line[] {
  // The longest first: at the end of a key, only a longer one that ends with it could be meant instead.
  const plainKeys = keys.filter((key) => !needsEscape.test(key)).sort((one, other) => other.length - one.length);
  if (plainKeys.length === 0) return () => [];
  const choice = plainKeys.map((key) => key.replace(/[$()*+.?[\]^{|}]/g, "\\$&")).join("|");
  const keyOfLine = new RegExp(`^[ \\t\\f]*(?:${choice})(?![^=: \\t\\f\\r\\n])`, "gm");
  return (text) => {
    const lines: Line[] = [];
    keyOfLine.lastIndex = 0;
    while (keyOfLine.test(text)) {
      const keyEnd = keyOfLine.lastIndex;
      const end = endOfPlainLine(text, keyEnd);
      const key = plainKeys.find((one) => text.endsWith(one, keyEnd)) ?? "";
      lines.push({ key, keyEnd, start: startOfPlainValue(text, keyEnd, end), end });
    }
    return lines;
  };
}

/** Keys that stand in no file without a backslash, or not in ASCII. */
const needsEscape = /[\\=: ]|^[#!]|[^ -~]/;

/** The index past what a backslash begins: a continuation with the blanks that open the next line, or one byte. */
export function afterEscape(data: Uint8Array, at: number): number {
  if (!isContinuation(data, at)) return at + 2;
  let next = at + (data[at + 1] === carriageReturn && data[at + 2] === lineFeed ? 3 : 2);
  while (isBlank(data[next])) next++;
  return next;
}

export function isContinuation(data: Uint8Array, at: number): boolean {
  return data[at] === backslash && isLineEnd(data[at + 1]);
}

const tab = 0x09;
const lineFeed = 0x0a;
const formFeed = 0x0c;
const carriageReturn = 0x0d;
const space = 0x20;
const bang = 0x21;
const hash = 0x23;
const colon = 0x3a;
const equals = 0x3d;
const backslash = 0x5c;

function endOfKey(data: Uint8Array, from: number): number {
  let at = from;
  while (at < data.length && !isKeyEnd(data[at])) at = data[at] === backslash ? afterEscape(data, at) : at + 1;
  return Math.min(at, data.length);
}

/** A line end behind a backslash that counts goes on in the next line. */
function endOfLine(data: Uint8Array, from: number): number {
  let at = from;
  while (at < data.length && !isLineEnd(data[at])) at = data[at] === backslash ? afterEscape(data, at) : at + 1;
  return Math.min(at, data.length);
}

function endOfComment(data: Uint8Array, from: number): number {
  let at = from;
  while (at < data.length && !isLineEnd(data[at])) at++;
  return at;
}

/** Past blanks, at most one = or :, and blanks again; a continuation counts as nothing. */
function startOfValue(data: Uint8Array, keyEnd: number, end: number): number {
  const at = skipBlanks(data, keyEnd, end);
  return at < end && (data[at] === equals || data[at] === colon) ? skipBlanks(data, at + 1, end) : at;
}

function skipBlanks(data: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    if (isBlank(data[at])) at++;
    else if (isContinuation(data, at)) at = afterEscape(data, at);
    else break;
  }
  return Math.min(at, end);
}

function endOfPlainLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isLineEnd(text.charCodeAt(at))) at++;
  return at;
}

function startOfPlainValue(text: string, keyEnd: number, end: number): number {
  let at = skipPlainBlanks(text, keyEnd, end);
  const byte = text.charCodeAt(at);
  if (at < end && (byte === equals || byte === colon)) at = skipPlainBlanks(text, at + 1, end);
  return at;
}

function skipPlainBlanks(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(text.charCodeAt(at))) at++;
  return at;
}

function isKeyEnd(byte: number | undefined): boolean {
  return byte === equals || byte === colon || isBlank(byte) || isLineEnd(byte);
}

function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === tab || byte === formFeed;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === lineFeed || byte === carriageReturn;
}
