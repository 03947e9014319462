import { dirname, resolve } from "node:path";
import { z } from "zod";
import { OperatorError } from "#lib/errors.ts";
import { readBounded, whyUnreadable } from "./files.ts";
import { type FaultAt, faultsOf } from "./issues.ts";
import {
  ConfigError,
  type ConfigPath,
  type Fault,
  formatProblem,
  type Location,
  type Problem,
  quoted,
} from "./problems.ts";
import { mapMarked } from "./schema.ts";
import { resolveSite } from "./site.ts";
import { createSource, type Source } from "./source.ts";
import { type WrittenOut, writeOut } from "./templates.ts";
import { decodeUtf8 } from "./text.ts";
import { parseYaml } from "./yaml.ts";

/** Enough for some ten thousand lines; more is a wrong file, and YAML is slow to read. */
export const configBytesMax = 1_048_576;

/** The bytes of a file; throws the system's error. Files longer than `bytesMax` may be cut after one byte more. */
type ReadFile = (file: string, bytesMax: number) => Uint8Array;

export interface Loaded<Config> {
  readonly config: Config;
  readonly file: string;
  /** Nothing that stops the start, but an operator should know. */
  readonly warnings: readonly Problem[];
  /** Where a value stands; for one that the file leaves out, where its nearest parent begins. */
  locate(path: ConfigPath): Location;
  /** What a check outside of the schema has found, as an error in the same shape: `throw loaded.error(faults)`. */
  error(faults: readonly Fault[]): ConfigError;
}

export interface LoadOptions<Config> {
  readonly readFile: ReadFile;
  /** What is allowed but doubtful. */
  readonly cautions?: (config: Config) => readonly Fault[];
}

/**
 * Reads and checks a config file. Relative paths in it are made absolute from its folder; a site that `siteFile` and
 * `siteKey` name is filled in as `site`, and links of a template are written out.
 * @throws {ConfigError} with all that is wrong, each with its line
 * @throws {OperatorError} CONFIG_UNREADABLE when there is no text to speak of
 */
export function loadConfig<S extends z.ZodType>(
  schema: S,
  file: string,
  options: LoadOptions<z.output<S>>,
): Loaded<z.output<S>> {
  const text = readConfigText(file, options.readFile);
  const { root, faults } = parseYaml(text);
  const source = createSource({ file, text, root, schema });
  const problems = faults.map(source.yamlProblem);
  if (root === undefined) throw new ConfigError(file, problems);

  const absolute = (name: string): string => resolve(dirname(file), name);
  const whole = writeOut(schema, root.value);
  const { input, found, rename } = withSite(schema, whole.value, (name) => readText(absolute(name), options.readFile));
  found.push(...whole.found);
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    found.push(...faultsOf(parsed.error.issues, schema, input).map(rename).flatMap(whole.relocate));
  }
  problems.push(...distinct(found.map(({ fault, anchor }) => source.problem(fault, anchor))));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(file, problems);

  const config = mapMarked(schema, parsed.data, "file", absolute) as z.output<S>;
  return describeLoaded(config, file, source, whole, options.cautions?.(config) ?? []);
}

/** `readFile` for {@link loadConfig}: never reads more than asked for, whatever stands behind the name. */
export function readConfigFile(file: string, bytesMax: number): Uint8Array {
  const { bytes, truncated } = readBounded(file, bytesMax);
  if (truncated) throw new Error(`it has more than ${bytesMax} bytes`);
  return bytes;
}

/** The file as text. @throws {ConfigError} located at the first byte that is not UTF-8 */
function readConfigText(file: string, readFile: ReadFile): string {
  const decoded = decodeUtf8(readBytes(file, readFile));
  if ("text" in decoded) return decoded.text;
  const lines = decoded.readable.split("\n");
  throw new ConfigError(file, [
    {
      file,
      line: lines.length,
      column: (lines.at(-1)?.length ?? 0) + 1,
      path: "",
      value: undefined,
      message: "not UTF-8 from here on",
      remedy: "save the file as UTF-8",
    },
  ]);
}

function readBytes(file: string, readFile: ReadFile): Uint8Array {
  try {
    const bytes = readFile(file, configBytesMax);
    if (bytes.length <= configBytesMax) return bytes;
  } catch (error) {
    throw unreadable(file, whyUnreadable(error), error);
  }
  throw unreadable(file, `it has more than ${configBytesMax} bytes`);
}

function unreadable(file: string, why: string, cause?: unknown): OperatorError {
  const hint = "Name the config file with --config; the daemon's user must be able to read it";
  return new OperatorError("CONFIG_UNREADABLE", `Cannot read the config file ${file}: ${why}`, { hint, cause });
}

function readText(file: string, readFile: ReadFile): string {
  try {
    return new TextDecoder().decode(readFile(file, configBytesMax));
  } catch (error) {
    throw new Error(whyUnreadable(error), { cause: error });
  }
}

interface WithSite {
  readonly input: unknown;
  readonly found: FaultAt[];
  /** Puts what the schema says of a site that a label file gave to where the operator wrote something. */
  readonly rename: (at: FaultAt) => FaultAt;
}

/** The input with `site` filled in, for schemas that know `siteFile`. */
function withSite(schema: z.ZodType, value: unknown, readLabels: (file: string) => string): WithSite {
  const rename = (at: FaultAt): FaultAt => at;
  const named = schema instanceof z.ZodObject && Object.hasOwn(schema.shape, "siteFile");
  if (!named || !isMapping(value)) return { input: value, found: [], rename };
  const name = resolveSite(value, readLabels);
  // A name that never leaves this file: so that the schema does not also say that there is none.
  const input = { site: "unresolved", ...value };
  switch (name.kind) {
    case "settled":
      return { input, found: [], rename };
    case "failed":
      return { input, found: [{ fault: name.fault, anchor: "value" }], rename };
    case "resolved":
      return { input: { ...value, site: name.site }, found: [], rename: (at) => renameSite(at, name.site) };
  }
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function renameSite(at: FaultAt, site: string): FaultAt {
  if (at.fault.path[0] !== "site") return at;
  const message = `names the site ${quoted(site)}, which ${at.fault.message}`;
  return { ...at, fault: { ...at.fault, path: ["siteKey"], message } };
}

function describeLoaded<Config>(
  config: Config,
  file: string,
  source: Source,
  whole: WrittenOut,
  cautions: readonly Fault[],
): Loaded<Config> {
  const relocated = (fault: Fault): FaultAt[] => [...whole.relocate({ fault, anchor: "value" })];
  const problemsOf = (faults: readonly Fault[]): Problem[] =>
    distinct(faults.flatMap(relocated).map(({ fault }) => source.problem(fault)));
  return {
    config,
    file,
    warnings: problemsOf([...whole.cautions, ...cautions]),
    locate: (path) => source.locate(relocated({ path, message: "", remedy: "" })[0]?.fault.path ?? path),
    error: (faults) => new ConfigError(file, problemsOf(faults)),
  };
}

/** A mistake in a template is seen in each of its links. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const identity = formatProblem({ ...problem, remedy: "" });
    return !seen.has(identity) && seen.add(identity);
  });
}
