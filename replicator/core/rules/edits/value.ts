import type { Fault } from "../pattern.ts";
import type { TableName } from "../tables.ts";

/** What edits of all formats share: how one value is rewritten, and how the pieces are put together again. */

export type EditOutcome =
  | { readonly kind: "same" }
  | { readonly kind: "edited"; readonly data: Uint8Array }
  /** The bytes are not of the format, or the value is none that can be edited. */
  | { readonly kind: "bad"; readonly message: string }
  | Unmapped;

export interface Unmapped {
  readonly kind: "unmapped";
  readonly table: TableName;
  readonly value: string;
  readonly at: string;
}

export type Edit = (data: Uint8Array) => EditOutcome;

/** What a format's compiler gives: the edit, or the index of the rewrite whose `at` is wrong. */
export type CompiledEdit = { readonly edit: Edit } | (Fault & { readonly at: number });

/** `find` gives the element that stands in for this one; undefined: it has no row. */
export type Rewrite =
  | { readonly kind: "set"; readonly at: string; readonly text: string }
  | {
      readonly kind: "map";
      readonly at: string;
      readonly table: TableName;
      readonly find: (element: string) => string | undefined;
    };

/** A part of the data and the bytes that take its place. Parts come in order and don't overlap. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** The new text of a value; each element of a list (a;b or a,b) is mapped, blanks around elements stay. */
export function rewriteText(rewrite: Rewrite, value: string): string | Unmapped {
  if (rewrite.kind === "set") return rewrite.text;
  let written = "";
  for (const piece of value.split(/([;,])/)) {
    const element = piece.replace(/^[ \t]+|[ \t]+$/g, "");
    if (element === "" || element === ";" || element === ",") {
      written += piece;
      continue;
    }
    const found = rewrite.find(element);
    if (found === undefined) return unmapped(rewrite, element);
    const from = piece.indexOf(element);
    written += piece.slice(0, from) + found + piece.slice(from + element.length);
  }
  return written;
}

export function unmapped(rewrite: Extract<Rewrite, { kind: "map" }>, value: string): Unmapped {
  return { kind: "unmapped", table: rewrite.table, value, at: rewrite.at };
}

/** One edit that does all of these in order, each on what the one before left; the first that fails ends it. */
export function inTurn(edits: readonly Edit[]): Edit {
  const [only] = edits;
  if (only !== undefined && edits.length === 1) return only;
  return (data) => {
    let current = data;
    for (const edit of edits) {
      const outcome = edit(current);
      if (outcome.kind === "edited") current = outcome.data;
      else if (outcome.kind !== "same") return outcome;
    }
    return current === data ? { kind: "same" } : { kind: "edited", data: current };
  };
}

export function splice(data: Uint8Array, replacements: readonly Replacement[]): Uint8Array {
  let length = data.length;
  for (const { start, end, bytes } of replacements) length += bytes.length - (end - start);
  const spliced = allocate(length);
  let read = 0;
  let written = 0;
  for (const { start, end, bytes } of replacements) {
    written = copy(data, read, start, spliced, written);
    written = copy(bytes, 0, bytes.length, spliced, written);
    read = end;
  }
  copy(data, read, data.length, spliced, written);
  return spliced;
}

/** A buffer of its own costs some microseconds, so small ones share one: each byte of a slab is handed out once. */
function allocate(length: number): Uint8Array {
  if (length > slabBytes / 8) return new Uint8Array(length);
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(slabBytes);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

const slabBytes = 65_536;
let slab = new Uint8Array(slabBytes);
let slabUsed = 0;

/** For a few bytes a loop costs less than a view of the part to copy. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  if (end - start > loopBytesMax) to.set(from.subarray(start, end), at);
  else for (let index = start; index < end; index++) to[at + index - start] = from[index] ?? 0;
  return at + end - start;
}

const loopBytesMax = 32;

/** undefined when the bytes are no valid UTF-8. A byte order mark stays. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

export function encodeUtf8(text: string): Uint8Array {
  return utf8.encode(text);
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();
