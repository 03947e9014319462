import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, parseDocument } from "yaml";
import { OperatorError } from "#lib/errors.ts";
import { loadConfig } from "./load.ts";
import { ConfigError, type ConfigPath, formatPath, problemsShownMax } from "./problems.ts";
import { replicatorSchema } from "./replicator.ts";

const [complete, minimal, templated] = ["", "-minimal", "-templates"].map((name) =>
  readFileSync(new URL(`examples/replicator${name}.yaml`, import.meta.url), "utf8"),
) as [string, string, string];
/** Reading the complete one takes milliseconds, so it comes up less often than its parts. */
const trees = partsOf(parse(complete) as Mapping, parse(minimal) as Mapping, parse(templated) as Mapping);
const small = minimal.replaceAll(/^#.*\n/gm, "");
const texts = trees.flatMap((tree) => [small, small, textOf(tree, [])]).concat(minimal, complete, templated);
const structuralRuns = 2_500;
const byteRuns = 7_500;
/** They take three seconds each; on a machine that is busy, as many are run as this allows. */
const enoughMs = 20_000;
const timeout = 60_000;

/** A text with one mistake, and where the loader must find it. */
interface Mutant {
  readonly text: string;
  readonly path: ConfigPath;
  readonly offset: number;
}

describe("a mistake is found where it was made", () => {
  test("whatever the mistake and the style of the file", { timeout }, () => {
    fc.assert(
      fc.property(
        fc.noBias(fc.nat()),
        fc.noBias(fc.nat()),
        fc.nat({ max: mutants.length - 1 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        (a, b, kind, flow) => {
          const mutant = pick(mutants, kind)(structuredClone(pick(trees, a)), b, flow);
          const { problems } = errorOf(mutant.text, ConfigError);
          const before = mutant.text.slice(0, mutant.offset).split("\n");
          expect(problems.map(({ path, line, column }) => ({ path, line, column }))).toEqual([
            { path: formatPath(mutant.path), line: before.length, column: (before.at(-1)?.length ?? 0) + 1 },
          ]);
        },
      ),
      { numRuns: structuralRuns, interruptAfterTimeLimit: enoughMs },
    );
  });
});

describe("no file takes the loader down", () => {
  const fragments = [
    "\t·\0·\u009b·- ·[·]·{·}·? ·: ·\"·'·|\n·>·#·\n· ·&a ·*a ·<<: *a·!!set ·!x ",
    "---\n·...\n·%YAML 1.1\n·__proto__: ·\ufeff·\r·null·1e999",
  ].flatMap((list) => list.split("·"));
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.constantFrom(...fragments).map((fragment) => new TextEncoder().encode(fragment)),
  );
  const edit = fc.record({
    at: fc.noBias(fc.nat()),
    remove: fc.nat({ max: 8 }),
    piece,
    times: fc.constantFrom(1, 1, 1, 1, 50),
  });

  test("whatever bytes are changed", { timeout }, () => {
    fc.assert(
      fc.property(fc.noBias(fc.nat()), fc.array(edit, { minLength: 1, maxLength: 4 }), (a, edits) => {
        let bytes = Buffer.from(pick(texts, a));
        for (const { at, remove, piece, times } of edits) {
          const offset = at % (bytes.length + 1);
          const pieces = Array.from({ length: times }, () => piece);
          bytes = Buffer.concat([bytes.subarray(0, offset), ...pieces, bytes.subarray(offset + remove)]);
        }
        const lines = bytes.toString("latin1").split("\n").length;
        const error = outcomeOf(bytes);
        if (error === undefined) return;
        expect(error).toBeInstanceOf(OperatorError);
        if (!(error instanceof ConfigError)) return;
        expect(error.message).not.toMatch(/[^\n\P{Cc}]/u);
        expect(error.message.split("\n")).toHaveLength(Math.min(error.problems.length, problemsShownMax + 1));
        const outside = error.problems.filter(({ line, column }) => {
          return line < 1 || line > lines || column < 1 || column > bytes.length + 1;
        });
        expect(outside).toEqual([]);
        expect(error.problems).not.toEqual([]);
      }),
      { numRuns: byteRuns, interruptAfterTimeLimit: enoughMs },
    );
  });
});

function outcomeOf(bytes: Uint8Array): unknown {
  try {
    loadConfig(replicatorSchema, "f.yaml", { readFile: () => bytes });
    return undefined;
  } catch (error) {
    return error;
  }
}

function errorOf<E>(text: string, kind: new (...args: never[]) => E): E {
  const error = outcomeOf(Buffer.from(text));
  if (error instanceof kind) return error;
  throw new Error(`should have been refused:\n${text}`, { cause: error });
}

type Mapping = Record<string, unknown>;
type Mutate = (tree: Mapping, choice: number, flow: readonly boolean[]) => Mutant;

const enumKeys = ["kind", "action", "format", "unmapped", "onBadData", "mode", "ephemerals", "acl", "map", "level"];
const requiredKeys = [
  "site",
  "links",
  "name",
  "kind",
  "source",
  "target",
  "rules",
  "servers",
  "match",
  "to",
  "format",
].concat(["edits", "at", "credentialFile", "ca", "perms", "id", "scheme"]);
const freeMappings = ["clusters", "addresses", "templates", "with"];

const wrongType: Mutate = (tree, choice, flow) => {
  const { path, value } = pick(placesOf(tree), choice);
  const wrong = ["mutant", 987654321, { mutantMap: 1 }, ["mutantItem"]].filter(
    (each) => kindOf(each) !== kindOf(value),
  );
  setAt(tree, path, pick(wrong, choice >>> 8));
  const text = textOf(tree, flow);
  return { text, path, offset: text.search(/(\{ ?)?mutantMap|[-[] ?mutantItem|mutant|987654321/) };
};

const unknownKey: Mutate = (tree, choice, flow) => {
  const mappings = [{ path: [], value: tree }, ...placesOf(tree)].filter(
    ({ path, value }) => kindOf(value) === "mapping" && !freeMappings.includes(String(path.at(-1))),
  );
  const { path, value } = pick(mappings, choice);
  const entries = Object.entries(value as Mapping);
  entries.splice((choice >>> 8) % (entries.length + 1), 0, ["mutant", 1]);
  if (path.length > 0) setAt(tree, path, Object.fromEntries(entries));
  const text = textOf(path.length > 0 ? tree : Object.fromEntries(entries), flow);
  return { text, path: [...path, "mutant"], offset: text.indexOf("mutant") };
};

const deletedKey: Mutate = (tree, choice, flow) => {
  const places = placesOf(tree).filter(({ path }) => path[0] !== "log" && isKeyIn([...requiredKeys, "map"], path));
  const { path } = pick(places, choice);
  const parent = path.slice(0, -1);
  delete (getAt(tree, parent) as Mapping)[String(path.at(-1))];
  const text = textOf(tree, flow);
  const document = parseDocument(text);
  const node = parent.length === 0 ? document.contents : document.getIn(parent, true);
  // A mapping that has lost its only key is {}.
  const offset = (node as { range?: [number, number, number] | null } | null)?.range?.[0] ?? -1;
  return { text, path: path.at(-1) === "map" ? parent : path, offset };
};

const outOfRange: Mutate = (tree, choice, flow) => {
  Object.assign(tree, { links: (tree["links"] as Mapping[]).map((link) => ({ ...link, compareEveryMs: 300_000 })) });
  const { path } = pick(
    placesOf(tree).filter(({ value }) => typeof value === "number"),
    choice,
  );
  setAt(tree, path, choice % 2 === 0 ? -987654321 : 987654321);
  const text = textOf(tree, flow);
  return { text, path, offset: text.search(/-?987654321/) };
};

const badEnum: Mutate = (tree, choice, flow) => {
  const { path } = pick(
    placesOf(tree).filter(({ path }) => isKeyIn(enumKeys, path)),
    choice,
  );
  setAt(tree, path, "mutant");
  const text = textOf(tree, flow);
  return { text, path, offset: text.indexOf("mutant") };
};

const mutants = [wrongType, unknownKey, deletedKey, outOfRange, badEnum];

/** Every value below the root, with its path. */
function placesOf(value: unknown, path: ConfigPath = []): { path: ConfigPath; value: unknown }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    return [{ path: at, value: child }, ...placesOf(child, at)];
  });
}

/** Whether the path ends in such a key of a mapping that has fixed keys. */
function isKeyIn(keys: readonly string[], path: ConfigPath): boolean {
  return keys.includes(String(path.at(-1))) && !freeMappings.includes(String(path.at(-2)));
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "list" : value !== null && typeof value === "object" ? "mapping" : typeof value;
}

function getAt(tree: unknown, path: ConfigPath): unknown {
  return path.reduce((value, segment) => (value as Record<string | number, unknown>)[segment], tree);
}

function setAt(tree: unknown, path: ConfigPath, value: unknown): void {
  const parent = getAt(tree, path.slice(0, -1)) as Record<string | number, unknown>;
  parent[path.at(-1) ?? ""] = value;
}

/** As YAML, some mappings and lists in braces. */
function textOf(tree: Mapping, flow: readonly boolean[]): string {
  let index = 0;
  const scalar = (value: unknown): string =>
    typeof value === "string" && /^[a-z][\w-]*$/i.test(value) ? value : JSON.stringify(value);
  const inFlow = (value: unknown): string => {
    if (Array.isArray(value)) return `[ ${value.map(inFlow).join(", ")} ]`;
    if (kindOf(value) !== "mapping") return scalar(value);
    return `{ ${Object.entries(value as Mapping)
      .map(([key, child]) => `${scalar(key)}: ${inFlow(child)}`)
      .join(", ")} }`;
  };
  /** Lines without their indentation's first part; the first one stands after a key or a dash. */
  const lines = (value: unknown): string[] => {
    const entries = Array.isArray(value) ? value : kindOf(value) === "mapping" ? Object.entries(value as Mapping) : [];
    if (entries.length === 0 || flow[index++] === true) return [inFlow(value)];
    if (Array.isArray(value)) {
      return value.flatMap((child) => lines(child).map((line, number) => `${number === 0 ? "- " : "  "}${line}`));
    }
    return Object.entries(value as Mapping).flatMap(([key, child]) => {
      const [first = "", ...rest] = lines(child);
      const inline = rest.length === 0 && !/^- |^\S+: /.test(first);
      return inline
        ? [`${scalar(key)}: ${first}`]
        : [`${scalar(key)}:`, ...[first, ...rest].map((line) => `  ${line}`)];
    });
  };
  return `${lines(tree).join("\n")}\n`;
}

function pick<Item>(items: readonly Item[], choice: number): Item {
  const item = items[choice % items.length];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

/** The complete config, preceded by smaller ones that have each kind of setting once. */
function partsOf(whole: Mapping, least: Mapping, shared: Mapping): Mapping[] {
  const [full] = whole["links"] as [Mapping];
  const [small] = least["links"] as [Mapping];
  const { source, clusters, rules, targetAcl, target: _, ...scalars } = full;
  const [first] = Object.keys(clusters as Mapping);
  const ends = { ...whole, links: [{ ...small, source, targetAcl }] };
  const mapping = { ...least, links: [{ ...small, clusters: { [first ?? ""]: (clusters as Mapping)[first ?? ""] } }] };
  const ruled = { ...least, links: [{ ...small, rules: (rules as Mapping[]).slice(0, 2) }] };
  const limits = { ...least, links: [{ ...small, ...scalars }] };
  const parts = [mapping, ruled, limits, ends, shared, mapping, ruled, limits, shared];
  return [...parts, ...parts, ...parts, whole];
}
