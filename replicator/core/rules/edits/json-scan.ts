/** Deepest nesting of JSON that is read. */
export const jsonDepthMax = 256;

/** A value at the pointer: a string, one string of an array there, or something that can't be edited. Quotes included. */
interface JsonValue {
  readonly kind: "string" | "element" | "other";
  readonly start: number;
  readonly end: number;
}

export type FoundJson =
  | { readonly ok: true; readonly values: readonly JsonValue[] }
  | { readonly ok: false; readonly message: string };

/**
 * Where in the bytes the value stands that the pointer names; several when a member's name stands twice. Reads the whole
 * document, so that what is no JSON (RFC 8259) is found out; the bytes inside strings need not be valid UTF-8.
 */
export function findJson(data: Uint8Array, pointer: readonly string[]): FoundJson {
  const scan: Scan = { data, pointer, values: [], at: 0 };
  skipSpace(scan);
  if (scanValue(scan, 0, 0)) {
    skipSpace(scan);
    if (scan.at === data.length) return { ok: true, values: scan.values };
  }
  return { ok: false, message: `not JSON at byte ${scan.at}` };
}

interface Scan {
  readonly data: Uint8Array;
  readonly pointer: readonly string[];
  readonly values: JsonValue[];
  /** The next byte; when a scan gives false, the one that is wrong. */
  at: number;
}

/** Steps of the pointer that lead to the value at hand; `aside` when it lies elsewhere. */
type Reached = number | "aside";

function scanValue(scan: Scan, reached: Reached, depth: number): boolean {
  const start = scan.at;
  const isTarget = reached === scan.pointer.length;
  switch (scan.data[start]) {
    case quoteMark:
      if (!scanString(scan)) return false;
      if (isTarget) scan.values.push({ kind: "string", start, end: scan.at });
      return true;
    case 0x7b: {
      const ok = scanObject(scan, reached, depth + 1);
      if (isTarget) scan.values.push({ kind: "other", start, end: scan.at });
      return ok;
    }
    case 0x5b:
      return scanArray(scan, reached, depth + 1);
    default: {
      const ok = scanScalar(scan);
      if (isTarget) scan.values.push({ kind: "other", start, end: scan.at });
      return ok;
    }
  }
}

function scanObject(scan: Scan, reached: Reached, depth: number): boolean {
  if (depth > jsonDepthMax) return false;
  scan.at++;
  skipSpace(scan);
  if (accept(scan, 0x7d)) return true;
  for (;;) {
    const nameAt = scan.at;
    if (!scanString(scan)) return false;
    const inside = step(scan, reached, () => nameOf(scan.data.subarray(nameAt, scan.at)));
    skipSpace(scan);
    if (!accept(scan, 0x3a)) return false;
    skipSpace(scan);
    if (!scanValue(scan, inside, depth)) return false;
    skipSpace(scan);
    if (accept(scan, 0x7d)) return true;
    if (!accept(scan, 0x2c)) return false;
    skipSpace(scan);
  }
}

function scanArray(scan: Scan, reached: Reached, depth: number): boolean {
  if (depth > jsonDepthMax) return false;
  const isTarget = reached === scan.pointer.length;
  scan.at++;
  skipSpace(scan);
  if (accept(scan, 0x5d)) return true;
  for (let index = 0; ; index++) {
    const start = scan.at;
    const kind = scan.data[start] === quoteMark ? "element" : "other";
    const inside = isTarget ? "aside" : step(scan, reached, () => String(index));
    if (!scanValue(scan, inside, depth)) return false;
    if (isTarget) scan.values.push({ kind, start, end: scan.at });
    skipSpace(scan);
    if (accept(scan, 0x5d)) return true;
    if (!accept(scan, 0x2c)) return false;
    skipSpace(scan);
  }
}

function step(scan: Scan, reached: Reached, name: () => string | undefined): Reached {
  if (reached === "aside" || reached >= scan.pointer.length) return "aside";
  return name() === scan.pointer[reached] ? reached + 1 : "aside";
}

/** Of a string that was scanned, quotes included. */
function nameOf(literal: Uint8Array): string | undefined {
  const name: unknown = JSON.parse(lenientUtf8.decode(literal));
  return typeof name === "string" ? name : undefined;
}

const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const quoteMark = 0x22;

function scanString(scan: Scan): boolean {
  if (!accept(scan, quoteMark)) return false;
  for (;;) {
    const byte = scan.data[scan.at];
    if (byte === undefined || byte < 0x20) return false;
    scan.at++;
    if (byte === quoteMark) return true;
    if (byte === 0x5c && !scanEscape(scan)) return false;
  }
}

function scanEscape(scan: Scan): boolean {
  const letter = scan.data[scan.at];
  if (letter === undefined || !escapeLetters.has(letter)) return false;
  scan.at++;
  if (letter !== 0x75) return true;
  for (const end = scan.at + 4; scan.at < end; scan.at++) {
    if (!hexDigits.has(scan.data[scan.at] ?? -1)) return false;
  }
  return true;
}

const bytesOf = (text: string) => new Set(new TextEncoder().encode(text));
const escapeLetters = bytesOf('"\\/bfnrtu');
const hexDigits = bytesOf("0123456789abcdefABCDEF");
const scalarBytes = bytesOf("+-.0123456789Eaeflnrstu");

/** A number, true, false or null. */
function scanScalar(scan: Scan): boolean {
  const start = scan.at;
  let text = "";
  let end = start;
  for (let byte = scan.data[end]; byte !== undefined && scalarBytes.has(byte); byte = scan.data[++end]) {
    text += String.fromCharCode(byte);
  }
  if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(text)) return false;
  scan.at = end;
  return true;
}

function accept(scan: Scan, byte: number): boolean {
  if (scan.data[scan.at] !== byte) return false;
  scan.at++;
  return true;
}

function skipSpace(scan: Scan): void {
  for (;;) {
    const byte = scan.data[scan.at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    scan.at++;
  }
}
