import { type CommandSpec, type OptionSpecs, parseCommandLine, type Values } from "./args.ts";
import { exitCodes, messageOf, OperatorError } from "./errors.ts";

/** What each daemon takes. */
export const daemonOptions = {
  config: {
    type: "string",
    short: "c",
    placeholder: "F",
    required: true,
    help: "Config file (YAML); docs/config.md has every key.",
  },
  check: { type: "boolean", help: "Print the effective config and the times it implies, and end." },
} as const satisfies OptionSpecs;

/**
 * The frame of a process: its command line, its exit code, its last words, and its end.
 * @param main gives the exit code; what it throws is printed, an OperatorError with its hint and anything else with its stack
 */
export async function runProgram<const Options extends OptionSpecs>(
  spec: CommandSpec<Options>,
  main: (values: Values<Options>) => Promise<number>,
): Promise<never> {
  try {
    process.exitCode = await fromCommandLine(spec, main);
  } catch (error) {
    const hint = error instanceof OperatorError && error.hint !== "" ? `\n${error.hint}` : "";
    process.stderr.write(`${spec.program}: ${messageOf(error)}${hint}\n`);
    if (!(error instanceof OperatorError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = exitCodes.error;
  }
  // Whatever is still open by now is of no use to anybody.
  process.exit();
}

async function fromCommandLine<const Options extends OptionSpecs>(
  spec: CommandSpec<Options>,
  main: (values: Values<Options>) => Promise<number>,
): Promise<number> {
  const line = parseCommandLine(spec, process.argv.slice(2));
  switch (line.kind) {
    case "print":
      process.stdout.write(line.text);
      return exitCodes.ok;
    case "usage":
      process.stderr.write(`${line.message}\n`);
      return exitCodes.usage;
    case "run":
      return await main(line.values);
  }
}
