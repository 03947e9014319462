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

export function splice(data: Uint8Array, replacements: readonly Replacement[]): Uint8Array {
  let length = data.length;
  for (const { start, end, bytes } of replacements) length += bytes.length - (end - start);
  const spliced = new Uint8Array(length);
  let read = 0;
  let written = 0;
  for (const { start, end, bytes } of replacements) {
    spliced.set(data.subarray(read, start), written);
    written += start - read;
    spliced.set(bytes, written);
    written += bytes.length;
    read = end;
  }
  spliced.set(data.subarray(read), written);
  return spliced;
}

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
