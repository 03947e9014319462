import { describe, expect, test } from "vitest";
import { type CommandSpec, parseCommandLine } from "./args.ts";

const spec = {
  program: "crossidc-sample",
  version: "1.2.3",
  summary: "Does what a sample does.",
  options: {
    config: { type: "string", short: "c", placeholder: "F", required: true, help: "Config file." },
    check: { type: "boolean", help: "Print the effective config." },
    output: {
      type: "string",
      short: "o",
      placeholder: "FORMAT",
      default: "table",
      choices: ["table", "json"],
      help: "Format.",
    },
    endpoint: { type: "string", placeholder: "URL", multiple: true, help: "Where to ask." },
    reason: { type: "string", placeholder: "TEXT", help: "Why." },
  },
  positionals: [
    { name: "LINK", help: "Name of the link." },
    { name: "PATH", optional: true, help: "Path in it." },
  ],
  examples: [{ command: "crossidc-sample -c f.yaml zms", help: "looks at zms" }],
  exits: ["ok", "usage", "different"],
} as const satisfies CommandSpec;

const parse = (...argv: string[]) => parseCommandLine(spec, argv);

describe("a command line that is right", () => {
  test("gives every declared option a value", () => {
    expect(parse("-c", "f", "zms")).toEqual({
      kind: "run",
      values: { config: "f", check: false, output: "table", endpoint: [], reason: undefined },
      positionals: ["zms"],
    });
  });

  test("collects what may be given several times", () => {
    const line = parse("zms", "/a", "--config=f", "--check", "--endpoint", "u", "--endpoint=v", "-ojson");
    expect(line).toMatchObject({
      values: { check: true, endpoint: ["u", "v"], output: "json" },
      positionals: ["zms", "/a"],
    });
  });

  test("may give a value that begins with a dash after an equals sign, and an argument after --", () => {
    expect(parse("-c", "f", "--reason=-1", "--", "--help")).toMatchObject({
      kind: "run",
      values: { reason: "-1" },
      positionals: ["--help"],
    });
  });
});

describe("a command line that is wrong", () => {
  test.each([
    [["-c", "f", "zms", "--chekc"], "unknown option --chekc (did you mean --check?)"],
    [["-c", "f", "zms", "--hlep"], "unknown option --hlep (did you mean --help?)"],
    [["-c", "f", "zms", "-z"], "unknown option -z"],
    [["-c", "f", "zms", "--__proto__=1"], "unknown option --__proto__"],
    [["zms"], "--config F is missing: Config file."],
    [["zms", "--config"], "--config needs a value: --config F"],
    [["zms", "--config="], "--config needs a value: --config F"],
    [
      ["zms", "--config", "--check"],
      "--config needs a value, but --check follows; if that is the value, write --config=--check",
    ],
    [["zms", "-c", "f", "--check=yes"], "--check takes no value"],
    [["zms", "-c", "f", "-c", "g"], "-c is given twice"],
    [["zms", "-c", "f", "-o", "jsn"], "-o jsn: did you mean json? one of table, json"],
    [["-c", "f"], "LINK is missing: Name of the link."],
    [["-c", "f", "zms", "/a", "/b"], "unexpected argument /b"],
  ])("%j is a usage error that says what to write", (argv, message) => {
    expect(parse(...argv)).toEqual({
      kind: "usage",
      message: `crossidc-sample: ${message}\nTry crossidc-sample --help`,
    });
  });
});

describe("what is printed", () => {
  test("--version names the program", () => {
    expect(parse("--version")).toEqual({ kind: "print", text: "crossidc-sample 1.2.3\n" });
  });

  test("--help comes before any complaint", () => {
    const line = parse("--unknown", "-h");
    expect(line.kind === "print" ? line.text : line).toBe(
      `Usage: crossidc-sample LINK [PATH] --config F [options]

Does what a sample does.

Arguments:
  LINK  Name of the link.
  PATH  Path in it.

Options:
  -c, --config F       Config file.
      --check          Print the effective config.
  -o, --output FORMAT  Format. One of table, json. Default: table.
      --endpoint URL   Where to ask. May be given several times.
      --reason TEXT    Why.
  -h, --help           Print this help.
      --version        Print the version.

Examples:
  crossidc-sample -c f.yaml zms  looks at zms

Exit codes:
  0  ok
  2  the command line is wrong
  6  differences found, or not ready
`,
    );
  });
});
