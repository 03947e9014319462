import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  Parser,
} from "yaml";
import { messageOf } from "#lib/errors.ts";
import type { ConfigPath } from "./problems.ts";

/** Nesting of mappings and lists; the YAML library composes recursively, so this also protects the stack. */
export const depthMax = 100;
/** Values in all, counted as if each alias were written out: what an alias bomb would make of a few lines. */
export const valuesMax = 200_000;

/** A value of the file, with where it stands. Aliases share their anchor's node, so this may be a graph without cycles. */
export interface YamlNode {
  readonly value: unknown;
  readonly offset: number;
  /** Source text of a plain number, boolean or null; undefined for texts, mappings and lists. */
  readonly source: string | undefined;
  /** Values in it, itself included, aliases written out. */
  readonly size: number;
  readonly children: ReadonlyMap<string | number, YamlChild>;
}

export interface YamlChild {
  /** Where the key stands; for an element of a list, where the element does. */
  readonly keyOffset: number;
  readonly node: YamlNode;
}

export interface YamlFault {
  readonly offset: number;
  readonly path: ConfigPath;
  readonly message: string;
  readonly remedy: string;
}

/** `root` is undefined when the text is no YAML at all; `faults` may come with a root, so that more can be checked. */
export interface YamlTree {
  readonly root: YamlNode | undefined;
  readonly faults: readonly YamlFault[];
}

/** Reads one YAML 1.2 document. Never throws, whatever the text. Pure. */
export function parseYaml(text: string): YamlTree {
  const control = /[^\t\n\r\u0020-\u007e\u0085\u00a0-\u{10ffff}]/u.exec(text);
  if (control !== null) {
    const code = control[0].codePointAt(0)?.toString(16).padStart(4, "0");
    return broken(control.index, `a control character, U+${code}, is not allowed`, "remove it; is this a text file?");
  }
  const parser = new Parser();
  let documents: Document.Parsed[];
  try {
    const tokens = readTokens(text, parser);
    if (!Array.isArray(tokens)) return { root: undefined, faults: [tokens] };
    // Repeated keys are found below: the library compares each with all others.
    const composer = new Composer({ prettyErrors: false, uniqueKeys: false, merge: false, resolveKnownTags: false });
    documents = [...composer.compose(tokens, true, text.length)];
  } catch (error) {
    // The library recurses in places that the depth check does not see; no text may take the process down.
    return broken(parser.offset, asClause(messageOf(error)), "correct the YAML before or here");
  }
  return readDocuments(documents);
}

const tooDeepRemedy = `at most ${depthMax} levels`;

function readTokens(text: string, parser: Parser): CST.Token[] | YamlFault {
  const tokens: CST.Token[] = [];
  const take = (from: Iterable<CST.Token>): CST.Token | undefined => {
    for (const token of from) {
      if (token.type === "directive") return token;
      tokens.push(token);
    }
    return undefined;
  };
  for (const lexeme of new Lexer().lex(text)) {
    const directive = take(parser.next(lexeme));
    if (directive !== undefined) return fault(directive.offset, "a YAML directive is not allowed", "remove the line");
    if (parser.stack.length > depthMax) return fault(parser.offset, "is nested too deeply", tooDeepRemedy);
  }
  take(parser.end());
  return tokens;
}

function readDocuments([first, second]: readonly Document.Parsed[]): YamlTree {
  if (first === undefined) return { root: undefined, faults: [] };
  const rejected = [...first.errors, ...first.warnings].map((error) =>
    fault(error.pos[0], asClause(error.message), remedyByCode[error.code] ?? "correct the YAML here"),
  );
  if (second !== undefined && rejected.length === 0) {
    rejected.push(fault(second.range[0], "a second document begins here", "one document per file: remove the ---"));
  }
  if (rejected.length > 0) return { root: undefined, faults: rejected };
  return readNodes(first);
}

const remedyByCode: Record<string, string> = {
  TAB_AS_INDENT: "indent with spaces",
  BAD_INDENT: "align it with its neighbours, with spaces",
  MISSING_CHAR: "add what is missing, or put quotes around the text",
  TAG_RESOLVE_FAILED: "remove the tag",
  IMPOSSIBLE: "correct the YAML here",
};

/** The library's sentence as part of ours, on one line and bounded: it may quote the file. */
function asClause(message: string): string {
  const line = message.replaceAll(/\s+/g, " ").slice(0, 160);
  return `not valid YAML: ${line.slice(0, 1).toLowerCase()}${line.slice(1)}`;
}

function fault(offset: number, message: string, remedy: string, path: ConfigPath = []): YamlFault {
  return { offset, path, message, remedy };
}

function broken(offset: number, message: string, remedy: string): YamlTree {
  return { root: undefined, faults: [fault(offset, message, remedy)] };
}

/** Turns the library's nodes into ours, in the order of the file, so that an alias can only mean an anchor before it. */
function readNodes(document: Document.Parsed): YamlTree {
  const faults: YamlFault[] = [];
  const anchors = new Map<string, YamlNode>();

  const read = (node: ParsedNode | null, offset: number, path: ConfigPath): YamlNode => {
    if (isAlias(node)) return readAlias(node.source, node.range[0], path);
    const ours = readValue(node, node === null ? offset : node.range[0], path);
    if (node?.anchor !== undefined) anchors.set(node.anchor, ours);
    return ours;
  };

  const readAlias = (name: string, offset: number, path: ConfigPath): YamlNode => {
    const anchored = anchors.get(name);
    if (anchored !== undefined) return anchored;
    faults.push(
      fault(offset, `the alias *${name} has no anchor`, `write &${name} at a value before and outside it`, path),
    );
    return leaf(null, offset, undefined);
  };

  const readValue = (node: ParsedNode | null, offset: number, path: ConfigPath): YamlNode => {
    if (isMap(node)) return readMap(node.items, offset, path);
    if (isSeq(node)) return readList(node.items, offset, path);
    if (isScalar(node)) return leaf(node.value, offset, typeof node.value === "string" ? undefined : node.source);
    return leaf(null, offset, undefined);
  };

  const readList = (items: readonly unknown[], offset: number, path: ConfigPath): YamlNode => {
    const children = new Map<number, YamlChild>();
    const value: unknown[] = [];
    let size = 1;
    for (const [index, item] of items.entries()) {
      const node = read(item as ParsedNode | null, offset, [...path, index]);
      children.set(index, { keyOffset: node.offset, node });
      value.push(node.value);
      size += node.size;
    }
    return withinLimit({ value, offset, source: undefined, size, children }, path);
  };

  const readMap = (items: readonly { key: unknown; value: unknown }[], offset: number, path: ConfigPath): YamlNode => {
    const children = new Map<string, YamlChild>();
    const value: Record<string, unknown> = {};
    let size = 1;
    for (const pair of items) {
      const key = pair.key as ParsedNode | null;
      const keyOffset = key?.range[0] ?? offset;
      const name = keyName(key);
      if (typeof name !== "string") {
        faults.push(fault(keyOffset, name.message, name.remedy, path));
        continue;
      }
      const node = read(pair.value as ParsedNode | null, keyOffset, [...path, name]);
      if (children.has(name)) {
        faults.push(fault(keyOffset, "stands here a second time", "keep one of the two", [...path, name]));
        continue;
      }
      children.set(name, { keyOffset, node });
      value[name] = node.value;
      size += node.size;
    }
    return withinLimit({ value, offset, source: undefined, size, children }, path);
  };

  let tooMany = false;
  const withinLimit = (node: YamlNode, path: ConfigPath): YamlNode => {
    if (node.size <= valuesMax) return node;
    if (!tooMany) {
      faults.push(fault(node.offset, `has more than ${valuesMax} values, aliases written out`, "use fewer", path));
    }
    tooMany = true;
    return leaf(null, node.offset, undefined);
  };

  const root = read(document.contents, 0, []);
  return { root: tooMany ? undefined : root, faults };
}

function leaf(value: unknown, offset: number, source: string | undefined): YamlNode {
  return { value, offset, source, size: 1, children: new Map() };
}

/** Keys are texts as written: 2181 is "2181". */
function keyName(key: ParsedNode | null): string | { message: string; remedy: string } {
  if (key === null || !isScalar(key)) {
    return { message: "a key must be a text", remedy: "put quotes around it if it is meant as one" };
  }
  const name = typeof key.value === "string" ? key.value : (key.source ?? "");
  if (name === "<<") {
    return {
      message: "merge keys (<<) are not supported",
      remedy: "share a whole value: &name at one, *name at the other",
    };
  }
  if (name === "" && typeof key.value !== "string")
    return { message: "a key is missing", remedy: "write it before the :" };
  if (name === "__proto__") return { message: "__proto__ cannot be a key", remedy: "choose another name" };
  return name;
}
