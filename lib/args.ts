import { parseArgs } from "node:util";
import type { exitCodes } from "./errors.ts";
import { helpText } from "./help.ts";
import { nearest } from "./nearest.ts";

/** A program's command line as data: parsing, `--help` and "did you mean" all come from it. */
export interface CommandSpec<Options extends OptionSpecs = OptionSpecs> {
  /** As typed: crossidc-replicator. */
  readonly program: string;
  readonly version: string;
  /** One sentence. */
  readonly summary: string;
  /** By long name. `--help` and `--version` are there without being declared. */
  readonly options: Options;
  readonly positionals?: readonly PositionalSpec[];
  /** For programs with verbs: listed in the help, not parsed. */
  readonly commands?: readonly { readonly name: string; readonly help: string }[];
  readonly examples: readonly { readonly command: string; readonly help: string }[];
  /** The exit codes this program uses. */
  readonly exits: readonly (keyof typeof exitCodes)[];
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export type OptionSpec = FlagSpec | TextSpec;

interface FlagSpec {
  readonly type: "boolean";
  readonly short?: string;
  readonly help: string;
}

interface TextSpec {
  readonly type: "string";
  readonly short?: string;
  readonly help: string;
  /** Stands for the value in the help: F, HOST:PORT. */
  readonly placeholder: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  readonly default?: string;
  readonly required?: boolean;
  /** The only values allowed. */
  readonly choices?: readonly string[];
}

export interface PositionalSpec {
  readonly name: string;
  readonly help: string;
  readonly optional?: boolean;
  /** Takes all that is left; only the last one may. */
  readonly multiple?: boolean;
}

/** A flag that was not given is false; a text that was not given is undefined, or [] where there may be several. */
export type Values<Options extends OptionSpecs> = {
  readonly [Name in keyof Options]: Options[Name] extends { type: "boolean" }
    ? boolean
    : Options[Name] extends { multiple: true }
      ? readonly string[]
      : Options[Name] extends { default: string } | { required: true }
        ? string
        : string | undefined;
};

/** print: to standard output, exit 0. usage: to standard error, exit 2. */
export type CommandLine<Options extends OptionSpecs> =
  | { readonly kind: "run"; readonly values: Values<Options>; readonly positionals: readonly string[] }
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "usage"; readonly message: string };

/** @param argv without the interpreter and the script: `process.argv.slice(2)` */
export function parseCommandLine<const Options extends OptionSpecs>(
  spec: CommandSpec<Options>,
  argv: readonly string[],
): CommandLine<Options> {
  const specs: OptionSpecs = { ...spec.options, ...standardOptions };
  const { tokens } = parseArgs({
    args: [...argv],
    options: parserOptions(specs),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = tokens.filter((token) => token.kind === "option");
  if (given.some(({ name }) => name === "help")) return { kind: "print", text: helpText(spec, standardOptions) };
  if (given.some(({ name }) => name === "version")) return { kind: "print", text: `${spec.program} ${spec.version}\n` };

  const values = new Map<string, string[]>();
  for (const token of given) {
    const fault = faultOf(token, specs, values.has(token.name));
    if (fault !== undefined) return usage(spec, fault);
    values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? ""]);
  }
  const positionals = tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : []));
  const fault = missingOption(specs, values) ?? positionalFault(spec.positionals ?? [], positionals);
  if (fault !== undefined) return usage(spec, fault);
  const entries = Object.entries(spec.options).map(([name, option]) => [name, collect(option, values.get(name))]);
  // The mapped type says per option what valueOf gives for its spec.
  return { kind: "run", values: Object.fromEntries(entries) as Values<Options>, positionals };
}

const standardOptions = {
  help: { type: "boolean", short: "h", help: "Print this help." },
  version: { type: "boolean", help: "Print the version." },
} as const satisfies OptionSpecs;

function parserOptions(specs: OptionSpecs) {
  const entries = Object.entries(specs).map(([name, { type, short }]) => [
    name,
    short === undefined ? { type } : { type, short },
  ]);
  return Object.fromEntries(entries) as Record<string, { type: "string" | "boolean"; short?: string }>;
}

function usage(spec: CommandSpec, fault: string): { kind: "usage"; message: string } {
  return { kind: "usage", message: `${spec.program}: ${fault}\nTry ${spec.program} --help` };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function faultOf(
  { name, rawName, value, inlineValue }: OptionToken,
  specs: OptionSpecs,
  repeated: boolean,
): string | undefined {
  const option = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (option === undefined) {
    const meant = nearest(name, Object.keys(specs));
    return `unknown option ${rawName}${meant === undefined ? "" : ` (did you mean --${meant}?)`}`;
  }
  if (option.type === "boolean") return value === undefined ? undefined : `${rawName} takes no value`;
  if (repeated && option.multiple !== true) return `${rawName} is given twice`;
  if (value === undefined || value === "") return `${rawName} needs a value: ${rawName} ${option.placeholder}`;
  if (inlineValue !== true && value.startsWith("-") && value !== "-") {
    return `${rawName} needs a value, but ${value} follows; if that is the value, write --${name}=${value}`;
  }
  if (option.choices === undefined || option.choices.includes(value)) return undefined;
  const meant = nearest(value, option.choices);
  return `${rawName} ${value}: ${meant === undefined ? "" : `did you mean ${meant}? `}one of ${option.choices.join(", ")}`;
}

function missingOption(specs: OptionSpecs, values: ReadonlyMap<string, readonly string[]>): string | undefined {
  for (const [name, option] of Object.entries(specs)) {
    if (option.type === "string" && option.required === true && !values.has(name)) {
      return `--${name} ${option.placeholder} is missing: ${option.help}`;
    }
  }
  return undefined;
}

function positionalFault(specs: readonly PositionalSpec[], given: readonly string[]): string | undefined {
  const missing = specs.find((spec, index) => spec.optional !== true && index >= given.length);
  if (missing !== undefined) return `${missing.name} is missing: ${missing.help}`;
  if (specs.at(-1)?.multiple === true) return undefined;
  const extra = given[specs.length];
  return extra === undefined ? undefined : `unexpected argument ${extra}`;
}

function collect(
  option: OptionSpec,
  given: readonly string[] | undefined,
): string | readonly string[] | boolean | undefined {
  if (option.type === "boolean") return given !== undefined;
  if (option.multiple === true) return given ?? (option.default === undefined ? [] : [option.default]);
  return given?.at(-1) ?? option.default;
}
