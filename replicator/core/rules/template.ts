import { captureNames, matchPattern, matchSegment, type Pattern, type Segment, segmentsOf } from "./pattern.ts";

/** Patterns the other way round: from captures to a path, and from a path to the captures that may have made it. */

/**
 * Most ways in which one target path is split into captures. Only patterns with several captures in one segment have more
 * than one way; a path with more than this is refused when it is translated, so the search in the other direction is short.
 */
export const splitsMax = 1_000;

/** Text and captures in turn, slashes included. `capture` is an index into the captures of the rule's `match`. */
type Piece = string | { readonly capture: number; readonly table: "clusters" | undefined };

export interface Template {
  readonly pattern: Pattern;
  readonly pieces: readonly Piece[];
  /** Those of the pieces that go through a table: their captures. */
  readonly mapped: readonly number[];
  /** For each capture in the order of `pattern`, its index among those of `match`. */
  readonly order: readonly number[];
  /** Whether a path may be split in more than one way. */
  readonly ambiguous: boolean;
}

export type Filled = { readonly path: string } | { readonly unmapped: string };

/** `names` are those of `match`, in its order; every capture of `pattern` must be among them. */
export function compileTemplate(pattern: Pattern, names: readonly string[]): Template {
  const pieces: Piece[] = [];
  for (const segment of pattern.segments) {
    addText(pieces, "/");
    for (const part of segment) {
      if (part.kind === "text") addText(pieces, part.text);
      else pieces.push({ capture: names.indexOf(part.name), table: part.table });
    }
  }
  if (pattern.rest) {
    addText(pieces, "/");
    pieces.push({ capture: names.length - 1, table: undefined });
  }
  return {
    pattern,
    pieces,
    mapped: pieces.flatMap((piece) => (typeof piece === "string" || piece.table === undefined ? [] : [piece.capture])),
    order: captureNames(pattern).map((name) => names.indexOf(name)),
    ambiguous: pattern.segments.some((segment) => segment.filter((part) => part.kind === "capture").length > 1),
  };
}

/** `mapCluster` gives undefined for a name without a row: the whole path is then unmapped. */
export function fill(
  template: Template,
  captures: readonly string[],
  mapCluster: (name: string) => string | undefined,
): Filled {
  let path = "";
  for (const piece of template.pieces) {
    if (typeof piece === "string") {
      path += piece;
      continue;
    }
    const value = captures[piece.capture] ?? "";
    const written = piece.table === undefined ? value : mapCluster(value);
    if (written === undefined) return { unmapped: value };
    path += written;
  }
  return { path };
}

/**
 * All captures, in the order of `match`, that fill the template to this path; names of clusters are still the mapped ones.
 * undefined when there are more than splitsMax.
 */
export function splitsOf(template: Template, target: string): string[][] | undefined {
  if (!template.ambiguous) {
    const only = matchPattern(template.pattern, target);
    return only === undefined ? [] : [reordered(template, only)];
  }
  const { segments, rest } = template.pattern;
  const path = segmentsOf(target) ?? [];
  if (rest ? path.length <= segments.length : path.length !== segments.length) return [];
  let splits: string[][] = [[]];
  for (let index = 0; index < segments.length; index++) {
    const ways = waysThrough(segments[index], path[index]);
    if (ways === undefined || ways.length * splits.length > splitsMax) return undefined;
    splits = splits.flatMap((split) => ways.map((way) => [...split, ...way]));
  }
  const behind = rest ? [path.slice(segments.length).join("/")] : [];
  return splits.map((split) => reordered(template, [...split, ...behind]));
}

function reordered({ order }: Template, captures: readonly string[]): string[] {
  const inOrder = new Array<string>(order.length).fill("");
  for (let index = 0; index < order.length; index++) inOrder[order[index] ?? 0] = captures[index] ?? "";
  return inOrder;
}

function waysThrough(segment: Segment | undefined, value: string | undefined): string[][] | undefined {
  if (segment === undefined || value === undefined) return [];
  if (segment.filter((part) => part.kind === "capture").length < 2) {
    const captures: string[] = [];
    return matchSegment(segment, value, captures) ? [captures] : [];
  }
  const ways: string[][] = [];
  const walk = (index: number, at: number, captures: readonly string[]): void => {
    const part = segment[index];
    if (ways.length > splitsMax) return;
    if (part === undefined) {
      if (at === value.length) ways.push([...captures]);
    } else if (part.kind === "text") {
      if (value.startsWith(part.text, at)) walk(index + 1, at + part.text.length, captures);
    } else {
      for (const end of endsOfCapture(segment[index + 1], value, at)) {
        walk(index + 1, end, [...captures, value.slice(at, end)]);
      }
    }
  };
  walk(0, 0, []);
  return ways.length > splitsMax ? undefined : ways;
}

/** Where a capture that starts at `at` may end: before each occurrence of the text that follows it. */
function endsOfCapture(next: Segment[number] | undefined, value: string, at: number): number[] {
  if (next === undefined) return at < value.length ? [value.length] : [];
  if (next.kind === "capture") return [];
  const ends: number[] = [];
  for (let end = value.indexOf(next.text, at + 1); end >= 0; end = value.indexOf(next.text, end + 1)) ends.push(end);
  return ends;
}

function addText(pieces: Piece[], text: string): void {
  const last = pieces.at(-1);
  if (typeof last === "string") pieces[pieces.length - 1] = last + text;
  else pieces.push(text);
}
