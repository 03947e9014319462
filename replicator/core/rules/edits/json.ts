import { findJson } from "./json-scan.ts";
import {
  type CompiledEdit,
  decodeUtf8,
  type Edit,
  type EditOutcome,
  encodeUtf8,
  inTurn,
  type Replacement,
  type Rewrite,
  rewriteText,
  splice,
} from "./value.ts";

/** Edits of JSON: the string at a pointer, or each string of the array there, is rewritten in place. */
export function compileJsonEdit(rewrites: readonly Rewrite[]): CompiledEdit {
  const edits: Edit[] = [];
  for (const [index, rewrite] of rewrites.entries()) {
    if (!/^(\/([^/~]|~[01])*)+$/.test(rewrite.at)) {
      return {
        at: index,
        message: `${JSON.stringify(rewrite.at)} is no JSON Pointer to a value inside the document`,
        remedy: "write /member/member or /member/0; ~1 stands for / and ~0 for ~ inside a name (RFC 6901)",
      };
    }
    const names = rewrite.at.slice(1).split("/");
    const pointer = names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
    edits.push((data) => editOnce(data, rewrite, pointer));
  }
  return { edit: inTurn(edits) };
}

function editOnce(data: Uint8Array, rewrite: Rewrite, pointer: readonly string[]): EditOutcome {
  const found = findJson(data, pointer);
  if (!found.ok) return { kind: "bad", message: found.message };
  const replacements: Replacement[] = [];
  for (const value of found.values) {
    if (value.kind === "other" || (value.kind === "element" && rewrite.kind === "set")) {
      const wanted = rewrite.kind === "set" ? "a string" : "a string or an array of strings";
      return { kind: "bad", message: `the value at ${rewrite.at} (byte ${value.start}) is not ${wanted}` };
    }
    const literal = decodeUtf8(data.subarray(value.start, value.end));
    if (literal === undefined) {
      return { kind: "bad", message: `the string at ${rewrite.at} (byte ${value.start}) is not valid UTF-8` };
    }
    const text: unknown = JSON.parse(literal);
    if (typeof text !== "string") return { kind: "bad", message: `the value at ${rewrite.at} is not a string` };
    const written = rewriteText(rewrite, text);
    if (typeof written !== "string") return written;
    if (written === text) continue;
    replacements.push({ start: value.start, end: value.end, bytes: encodeUtf8(JSON.stringify(written)) });
  }
  return replacements.length === 0 ? { kind: "same" } : { kind: "edited", data: splice(data, replacements) };
}
