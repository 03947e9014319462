import type { CommandSpec, OptionSpec, OptionSpecs, PositionalSpec } from "./args.ts";
import { exitCodes } from "./errors.ts";

const exitMeanings: Record<keyof typeof exitCodes, string> = {
  ok: "ok",
  error: "an error",
  usage: "the command line is wrong",
  refused: "refused: policy, rights, or nothing may be installed",
  noQuorum: "no quorum",
  stillRunning: "still running; its id is printed",
  different: "differences found, or not ready",
};

/** What `--help` prints. */
export function helpText(spec: CommandSpec, standardOptions: OptionSpecs): string {
  const positionals = spec.positionals ?? [];
  const options = Object.entries({ ...spec.options, ...standardOptions });
  const sections = [
    `${usageLine(spec, positionals)}\n\n${spec.summary}\n`,
    section(
      "Arguments",
      positionals.map(({ name, help }) => [name, help]),
    ),
    section(
      "Commands",
      (spec.commands ?? []).map(({ name, help }) => [name, help]),
    ),
    section(
      "Options",
      options.map(([name, option]) => [optionName(name, option), optionHelp(option)]),
    ),
    section(
      "Examples",
      spec.examples.map(({ command, help }) => [command, help]),
    ),
    section(
      "Exit codes",
      spec.exits.map((name) => [String(exitCodes[name]), exitMeanings[name]]),
    ),
  ];
  return sections.filter((text) => text !== "").join("\n");
}

function usageLine({ program, options }: CommandSpec, positionals: readonly PositionalSpec[]): string {
  const required = Object.entries(options).flatMap(([name, option]) =>
    option.type === "string" && option.required === true ? [`--${name} ${option.placeholder}`] : [],
  );
  const places = positionals.map(({ name, optional, multiple }) => {
    const place = `${name}${multiple === true ? "..." : ""}`;
    return optional === true ? `[${place}]` : place;
  });
  return ["Usage:", program, ...places, ...required, "[options]"].join(" ");
}

function optionName(name: string, option: OptionSpec): string {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  return `${short}--${name}${option.type === "string" ? ` ${option.placeholder}` : ""}`;
}

function optionHelp(option: OptionSpec): string {
  if (option.type === "boolean") return option.help;
  const notes = [
    option.choices === undefined ? [] : [`One of ${option.choices.join(", ")}.`],
    option.default === undefined ? [] : [`Default: ${option.default}.`],
    option.multiple === true ? ["May be given several times."] : [],
  ].flat();
  return [option.help, ...notes].join(" ");
}

/** Rows in two columns. */
function section(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([left]) => left.length));
  return `${title}:\n${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("")}`;
}
