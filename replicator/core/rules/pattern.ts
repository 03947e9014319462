/**
 * Patterns over paths: `/zms/{kind}/{name}`, `/topics/{instance}%{topic}`, `/config/**`. `match` and `to` of a rule have the
 * same syntax; only `to` may name a table.
 */

const patternCharsMax = 1_024;
const capturesMax = 12;
const capturesPerSegmentMax = 3;

/** The name under which the rest (`**`) stands among the captures. */
export const restName = "**";

export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "capture"; readonly name: string; readonly table: "clusters" | undefined };

/** One part for most segments; several when text and captures mix. Two captures never touch. */
export type Segment = readonly [Part, ...Part[]];

export interface Pattern {
  readonly source: string;
  readonly segments: readonly Segment[];
  /** Ends with `**`: one or more segments more. */
  readonly rest: boolean;
}

export type Fault = { readonly message: string; readonly remedy: string };
export type Parsed = { readonly ok: true; readonly pattern: Pattern } | ({ readonly ok: false } & Fault);

export function parsePattern(source: string): Parsed {
  if (source.length > patternCharsMax) {
    return fault(`has ${source.length} characters, at most ${patternCharsMax} are allowed`, "write a shorter pattern");
  }
  const texts = segmentsOf(source);
  if (texts === undefined) {
    return fault(
      `${quote(source)} is no absolute path below the root`,
      "start with /, put one / between segments and none at the end",
    );
  }
  const rest = texts.at(-1) === "**";
  const segments: Segment[] = [];
  for (const text of rest ? texts.slice(0, -1) : texts) {
    const parsed = parseSegment(text);
    if ("message" in parsed) return { ok: false, ...parsed };
    segments.push(parsed);
  }
  const pattern = { source, segments, rest };
  const names = captureNames(pattern);
  if (names.length > capturesMax) {
    return fault(`has ${names.length} captures, at most ${capturesMax} are allowed`, "capture what follows with /**");
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return fault(`captures {${twice}} twice`, "give each capture a name of its own");
  const reserved = reservedRoot(source);
  if (reserved !== undefined) {
    return fault(
      `${quote(source)} lies in /${reserved}, which is never copied`,
      "leave /zookeeper (the server's own) and /crossidc (ours) out of the rules",
    );
  }
  return { ok: true, pattern };
}

/** The captured values, in the order of captureNames(); undefined when the path, which must pass isPath(), doesn't fit. */
export function matchPattern(pattern: Pattern, path: string): string[] | undefined {
  const captures: string[] = [];
  return walk(pattern, path, captures) ? captures : undefined;
}

/** Whether the path, which must pass isPath(), fits. */
export function fits(pattern: Pattern, path: string): boolean {
  return walk(pattern, path, undefined);
}

/**
 * Walks along the text without taking it apart: this is asked several times for each node of a tree.
 * @param captures where the captured values go, if somebody wants them
 */
function walk({ segments, rest }: Pattern, path: string, captures: string[] | undefined): boolean {
  let at = 0;
  for (const segment of segments) {
    if (at === path.length) return false;
    const end = segmentEnd(path, at + 1);
    if (!matchBetween(segment, path, at + 1, end, captures)) return false;
    at = end;
  }
  if (!rest) return at === path.length;
  if (at === path.length) return false;
  captures?.push(path.slice(at + 1));
  return true;
}

function segmentEnd(path: string, from: number): number {
  const end = path.indexOf("/", from);
  return end < 0 ? path.length : end;
}

/** matchSegment() for the part of a path, which is only cut out where it must be. */
function matchBetween(
  segment: Segment,
  path: string,
  from: number,
  end: number,
  captures: string[] | undefined,
): boolean {
  const first = segment[0];
  if (segment.length > 1) return matchSegment(segment, path.slice(from, end), captures ?? []);
  if (first.kind === "text") return first.text.length === end - from && path.startsWith(first.text, from);
  captures?.push(path.slice(from, end));
  return true;
}

/**
 * Appends the captured values. Each capture is the shortest from the left for which the text behind it follows; the last
 * part reaches to the end. This finds a fit whenever there is one: text placed further left leaves more room.
 */
export function matchSegment(segment: Segment | undefined, value: string | undefined, captures: string[]): boolean {
  if (segment === undefined || value === undefined) return false;
  if (segment.length === 1 && segment[0].kind === "text") return segment[0].text === value;
  let at = 0;
  let captureFrom: number | undefined;
  for (const part of segment) {
    if (part.kind === "capture") {
      captureFrom = at;
      continue;
    }
    const { text } = part;
    if (captureFrom === undefined) {
      if (!value.startsWith(text, at)) return false;
      at += text.length;
      continue;
    }
    const found = part === segment.at(-1) ? value.length - text.length : value.indexOf(text, captureFrom + 1);
    if (found <= captureFrom || !value.startsWith(text, found)) return false;
    captures.push(value.slice(captureFrom, found));
    at = found + text.length;
    captureFrom = undefined;
  }
  if (captureFrom === undefined) return at === value.length;
  if (captureFrom >= value.length) return false;
  captures.push(value.slice(captureFrom));
  return true;
}

/** Whether some path below this one could fit. It must pass isPath(), or be the root. */
export function mayFitBelow({ segments, rest }: Pattern, path: string): boolean {
  let at = path === "/" ? path.length : 0;
  for (const segment of segments) {
    if (at === path.length) return true;
    const end = segmentEnd(path, at + 1);
    if (!matchBetween(segment, path, at + 1, end, undefined)) return false;
    at = end;
  }
  return rest;
}

/** Whether every path below this one fits. It must pass isPath(), or be the root. */
export function fitsAllBelow(pattern: Pattern, path: string): boolean {
  return pattern.rest && fits(pattern, path === "/" ? "/x" : `${path}/x`);
}

/** Names in the order of the pattern; `**` stands last when the pattern has a rest. */
export function captureNames(pattern: Pattern): string[] {
  const names = pattern.segments
    .flat()
    .filter((part) => part.kind === "capture")
    .map((part) => part.name);
  return pattern.rest ? [...names, restName] : names;
}

/** The path down to which the pattern is plain text: where to watch. */
export function literalRoot(pattern: Pattern): string {
  const texts: string[] = [];
  for (const segment of pattern.segments) {
    if (segment[0].kind !== "text" || segment.length > 1) break;
    texts.push(segment[0].text);
  }
  return `/${texts.join("/")}`;
}

/** Whether this is an absolute path below the root, without empty segments. */
export function isPath(path: string): boolean {
  return path.startsWith("/") && !path.endsWith("/") && !path.includes("//");
}

/** The segments of an absolute path; undefined for the root and for what is no path. */
export function segmentsOf(path: string): readonly string[] | undefined {
  return isPath(path) ? path.slice(1).split("/") : undefined;
}

/** The first segment, if everything from it on belongs to the server or to us. */
export function reservedRoot(path: string): string | undefined {
  for (const name of reservedNames) {
    if (path.startsWith(name, 1) && (path.length === name.length + 1 || path[name.length + 1] === "/")) return name;
  }
  return undefined;
}

const reservedNames = ["zookeeper", "crossidc"] as const;

/** Whether ZooKeeper refuses the text anywhere in a path. @source ZooKeeper 3.9 PathUtils.validatePath */
export function hasBadCharacter(text: string): boolean {
  return /[^ -~\u00a0-\ud7ff\uf900-\uffef]/.test(text);
}

export function quote(text: string): string {
  return JSON.stringify(text);
}

function parseSegment(text: string): Segment | Fault {
  if (text === "." || text === "..") {
    return { message: `has a segment ${quote(text)}, which ZooKeeper refuses`, remedy: "write the path without it" };
  }
  if (hasBadCharacter(text)) {
    return {
      message: `segment ${quote(text)} has a character that ZooKeeper refuses`,
      remedy: "leave out control characters, surrogates and private-use characters",
    };
  }
  if (text === "*" || text.includes("**")) {
    return {
      message: `segment ${quote(text)}: ** stands alone as the last segment, and * is no wildcard`,
      remedy: "write {name} for one segment or a part of one, /** at the end for all that follows",
    };
  }
  const parts: Part[] = [];
  for (const piece of text.split(/(\{[^{}]*\})/)) {
    if (piece === "") continue;
    const part = parsePart(piece, text);
    if ("message" in part) return part;
    if (part.kind === "capture" && parts.at(-1)?.kind === "capture") {
      return {
        message: `segment ${quote(text)} has two captures side by side, so nothing tells where one ends`,
        remedy: "put text between them or capture both as one",
      };
    }
    parts.push(part);
  }
  const captures = parts.filter((part) => part.kind === "capture").length;
  if (captures > capturesPerSegmentMax) {
    return {
      message: `segment ${quote(text)} has ${captures} captures, at most ${capturesPerSegmentMax} are allowed`,
      remedy: "capture several parts as one",
    };
  }
  const [first, ...others] = parts;
  return first === undefined
    ? { message: "has an empty segment", remedy: "write the path without it" }
    : [first, ...others];
}

function parsePart(piece: string, segment: string): Part | Fault {
  if (!/[{}]/.test(piece)) return { kind: "text", text: piece };
  const inner = /^\{(.*)\}$/.exec(piece)?.[1];
  if (inner === undefined) {
    return {
      message: `segment ${quote(segment)} has a { or } that belongs to no capture`,
      remedy: "write captures as {name}; braces as text are not supported",
    };
  }
  const [, name, table] = /^([A-Za-z][A-Za-z0-9_]*)(?::(.*))?$/.exec(inner) ?? [];
  if (name === undefined) {
    return {
      message: `segment ${quote(segment)} has a capture ${piece}, whose name is not valid`,
      remedy: "name captures with a letter first, then letters, digits and _; braces as text are not supported",
    };
  }
  if (table === undefined) return { kind: "capture", name, table: undefined };
  if (table === "clusters") return { kind: "capture", name, table };
  return {
    message: `segment ${quote(segment)} maps {${name}} through ${quote(table)}, which is no table of names`,
    remedy: `write {${name}} or {${name}:clusters}`,
  };
}

function fault(message: string, remedy: string): Parsed {
  return { ok: false, message, remedy };
}
