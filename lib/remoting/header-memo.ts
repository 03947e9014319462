import type { Header } from "./header.ts";
import { decodeJsonHeader } from "./header-json.ts";

/**
 * Reads JSON headers. Clients write the same ones again and again, but for the request's number: those are read once. What it
 * gives for the same bytes is what decodeJsonHeader gives.
 */
export type HeaderReader = (bytes: Buffer, from: number, to: number) => Header;

/** Keeps nothing. */
export const readPlainly: HeaderReader = (bytes, from, to) => decodeJsonHeader(bytes.subarray(from, to));

/** Longer ones are read each time, and beyond so many all are forgotten. */
const bytesMax = 512;
const keptMax = 20_000;
/** No request is kept with it; see isItsNumber. */
const otherOpaque = -2_147_483_648;
const opaqueName = '"opaque":';
const nameBytes = Buffer.from(opaqueName);
const [comma, minus, zero, nine, colon, brace] = [...Buffer.from(",-09:}")] as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const digitsMax = 10;

/** A header that was read, and its bytes around the number. */
interface Kept {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly header: Header;
}

export function createHeaderMemo(): HeaderReader {
  /** By a hash of the bytes without the number; of two with the same hash one is kept. */
  const all = new Map<number, Kept>();
  return (bytes, start, end) => {
    if (end - start > bytesMax) return readPlainly(bytes, start, end);
    let hash = 0;
    let from = -1;
    let to = -1;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      hash = Math.imul(hash ^ byte, 0x01_00_01_93);
      if (byte !== colon || from >= 0 || !isName(bytes, start, at)) continue;
      from = at + 1;
      to = endOfNumber(bytes, from, end);
      at = to - 1;
    }
    const opaque = from < 0 ? Number.NaN : wholeNumber(bytes, from, to, end);
    // Whatever else it is, decodeJsonHeader knows what to say of it.
    if (Number.isNaN(opaque)) return readPlainly(bytes, start, end);
    const known = all.get(hash);
    if (known !== undefined && isAt(known.before, bytes, start, from) && isAt(known.after, bytes, to, end))
      return withOpaque(known.header, opaque);
    const header = readPlainly(bytes, start, end);
    const before = bytes.subarray(start, from);
    const after = bytes.subarray(to, end);
    if (isItsNumber(before, after)) {
      if (all.size >= keptMax) all.clear();
      all.set(hash, { before: Uint8Array.from(before), after: Uint8Array.from(after), header });
    }
    return header;
  };
}

/** Field by field: spreading an object costs several times as much, for each request. */
function withOpaque(header: Header, opaque: number): Header {
  const { code, language, version, isResponse, isOneway, remark, fields } = header;
  return { code, language, version, opaque, isResponse, isOneway, remark, fields };
}

/** The number that stands there is the request's, and no field's of the same name: another one there makes another request of it. */
function isItsNumber(before: Buffer, after: Buffer): boolean {
  if (after.includes(opaqueName)) return false;
  const other = Buffer.concat([before, Buffer.from(String(otherOpaque)), after]);
  return decodeJsonHeader(other).opaque === otherOpaque;
}

/** Whether `"opaque":` ends with the colon at `at`. */
function isName(bytes: Buffer, start: number, at: number): boolean {
  const first = at + 1 - nameBytes.length;
  if (first < start) return false;
  for (let nth = 0; nth < nameBytes.length; nth += 1) if (bytes[first + nth] !== nameBytes[nth]) return false;
  return true;
}

function endOfNumber(bytes: Buffer, from: number, end: number): number {
  let to = bytes[from] === minus ? from + 1 : from;
  for (; to < end; to += 1) {
    const byte = bytes[to] ?? 0;
    if (byte < zero || byte > nine) break;
  }
  return to;
}

/** As JSON writes whole numbers of 32 bits, with a comma or the end of the object behind it; NaN: it is none. */
function wholeNumber(bytes: Buffer, from: number, to: number, end: number): number {
  const isNegative = bytes[from] === minus;
  const first = isNegative ? from + 1 : from;
  const next = to < end ? bytes[to] : undefined;
  if (to === first || to - first > digitsMax || (next !== comma && next !== brace)) return Number.NaN;
  if (bytes[first] === zero && (to - first > 1 || isNegative)) return Number.NaN;
  let value = 0;
  for (let at = first; at < to; at += 1) value = value * 10 + (bytes[at] ?? 0) - zero;
  if (isNegative) value = -value;
  return (value | 0) === value && value !== otherOpaque ? value : Number.NaN;
}

function isAt(part: Uint8Array, bytes: Buffer, from: number, to: number): boolean {
  if (part.length !== to - from) return false;
  for (let nth = 0; nth < part.length; nth += 1) if (part[nth] !== bytes[from + nth]) return false;
  return true;
}
