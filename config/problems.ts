import { OperatorError } from "#lib/errors.ts";

/** Where a key or a value stands inside a file: `["links", 0, "name"]` is links[0].name. */
export type ConfigPath = readonly (string | number)[];

export interface Location {
  readonly file: string;
  /** Both count from 1; the column in UTF-16 units. */
  readonly line: number;
  readonly column: number;
}

/** What is wrong at a path. The file's source turns it into a {@link Problem}. */
export interface Fault {
  readonly path: ConfigPath;
  /** Goes on after the path and the value: "is too small". */
  readonly message: string;
  /** What to do, or what would be right: "at least 1000". */
  readonly remedy: string;
}

export interface Problem extends Location {
  /** `links[0].rules[2].to`; empty for the file as a whole. */
  readonly path: string;
  /** As written, shortened, never a secret; undefined where there is none or it is a whole mapping. */
  readonly value: string | undefined;
  readonly message: string;
  readonly remedy: string;
}

/** More are counted, not printed. */
export const problemsShownMax = 50;

/** A file that cannot be used, with everything that is wrong in it at once. */
export class ConfigError extends OperatorError {
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const hint = visible(`Correct ${file}, then try it with --check`);
    super("CONFIG_INVALID", formatProblems(problems), { hint });
    this.problems = problems;
  }
}

/** One line each, in the order of the file, as compilers do: editors jump to `file:line:column`. */
function formatProblems(problems: readonly Problem[]): string {
  const lines = problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .slice(0, problemsShownMax)
    .map(formatProblem);
  const hidden = problems.length - lines.length;
  return [...lines, ...(hidden > 0 ? [`... and ${hidden} more`] : [])].join("\n");
}

/** On one line, whatever names of the file its parts repeat. */
export function formatProblem({ file, line, column, path, value, message, remedy }: Problem): string {
  const what = [value, message].filter((part) => part !== undefined).join(" ");
  const where = `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}`;
  return visible(`${where}${what}${remedy === "" ? "" : ` (${remedy})`}`);
}

/** `links[0].clusters["rmq.a"].to`: quoted where a name would be ambiguous. */
export function formatPath(path: ConfigPath): string {
  let text = "";
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(segment)) text += text === "" ? segment : `.${segment}`;
    else text += `[${quoted(segment)}]`;
  }
  return text;
}

/** Longest text shown of a value. */
const shownLengthMax = 80;

/** On one line, shortened, without characters that would steer a terminal. */
export function quoted(text: string): string {
  return visible(JSON.stringify(shortened(text)));
}

/** What would steer a terminal or begin another line, written as JSON would. What is left of it is one line. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    const written = JSON.stringify(character).slice(1, -1);
    // JSON leaves DEL, the C1 controls and the separators as they are.
    return written === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : written;
  });
}

export function shortened(text: string): string {
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax - 3)}...` : text;
}
