import { homedir } from "node:os";
import { join } from "node:path";
import { type CommandSpec, parseCommandLine } from "#lib/args.ts";
import { exitCodes, messageOf, OperatorError } from "#lib/errors.ts";
import { createPaint } from "#lib/terminal.ts";
import { readVersion } from "#lib/version.ts";
import { createClient } from "./client.ts";
import { replicatorEndpoints } from "./endpoints.ts";
import {
  linkAcceptDeletes,
  linkCompare,
  linkExplain,
  linkInit,
  linkPause,
  linkPlan,
  linkResume,
  linkStatus,
  linkVerify,
  onlyLink,
} from "./link.ts";
import { linkDrift, linkDriftEntry } from "./link-drift.ts";
import type { OutputFormat } from "./output.ts";

const verbs = [
  { name: "link status [LINK]", help: "Phase, lag, brake and what is held back. Exit 6 when a link is not well." },
  { name: "link plan [LINK]", help: "What the link would still change in its target." },
  { name: "link verify [LINK]", help: "Compare source and target in full. Exit 6 on differences. Writes nothing." },
  {
    name: "link explain [LINK] PATH",
    help: "Which rule takes a source path, its captures, its target, the change of its data.",
  },
  {
    name: "link drift [LINK]",
    help: "What others wrote in the target and the link overwrote; --show ID: one of them, with its bytes.",
  },
  { name: "link compare [LINK]", help: "Ask for a full compare now, which repairs what differs." },
  {
    name: "link pause [LINK]",
    help: "Carry nothing over until it is resumed, whichever replicator leads. Needs --reason.",
  },
  {
    name: "link resume [LINK]",
    help: "End a pause, or let a stopped link try again; --accept-deletes: let the deletes pass that the brake holds. Needs --reason.",
  },
  {
    name: "link init [LINK]",
    help: "Make a new fence for a link that is stopped as fence-missing or fence-ambiguous. Needs --reason.",
  },
] as const;

const spec = {
  program: "idcctl",
  version: readVersion(),
  summary: "Looks at crossidc's daemons and steers them.",
  options: {
    endpoint: {
      type: "string",
      placeholder: "URL",
      multiple: true,
      help: "A replicator's HTTP address; several are tried in order. Default: the context's, else http://127.0.0.1:7401.",
    },
    context: {
      type: "string",
      placeholder: "NAME",
      help: "A context of ~/.config/crossidc/contexts.yaml, instead of its `current`.",
    },
    output: {
      type: "string",
      short: "o",
      placeholder: "FORMAT",
      default: "table",
      choices: ["table", "json", "yaml"],
      help: "Format of what is printed.",
    },
    "accept-deletes": { type: "boolean", help: "link resume: accept the deletes held by the brake." },
    "source-wins": {
      type: "boolean",
      help: "link resume: carry everything over, also over what others wrote in the target or an older state of the source.",
    },
    show: { type: "string", placeholder: "ID", help: "link drift: the entry to show." },
    reason: {
      type: "string",
      placeholder: "TEXT",
      help: "link pause, resume, init: why; goes to the daemon's log.",
    },
    "dry-run": { type: "boolean", help: "link pause, resume, init: say what would happen, change nothing." },
  },
  positionals: [
    { name: "noun", help: "link" },
    { name: "verb", help: "status, plan, verify, explain, drift, compare, pause, resume, init" },
    { name: "args", help: "what the verb needs", optional: true, multiple: true },
  ],
  commands: verbs,
  examples: [
    { command: "idcctl link status", help: "Are all links well?" },
    { command: "idcctl link explain /zms/topic/orders", help: "What becomes of this node?" },
    { command: "idcctl link verify zms && echo equal", help: "Is the other IDC's copy right?" },
  ],
  exits: ["ok", "error", "usage", "refused", "different"],
} as const satisfies CommandSpec;

const changeFlags = ["accept-deletes", "source-wins", "reason", "dry-run"] as const;
const ownFlags = ["show", ...changeFlags] as const;
/** Which of them a verb takes; none, if it is not listed. */
const flagsOf: Readonly<Record<string, readonly string[]>> = {
  drift: ["show"],
  pause: ["reason", "dry-run"],
  resume: changeFlags,
  init: ["reason", "dry-run"],
};

async function main(): Promise<number> {
  const line = parseCommandLine(spec, process.argv.slice(2));
  if (line.kind === "print") {
    process.stdout.write(line.text);
    return exitCodes.ok;
  }
  if (line.kind === "usage") return usage(line.message);
  const { values, positionals } = line;
  const [noun, name, ...args] = positionals;
  if (noun !== "link") return usage(`idcctl: there is no ${JSON.stringify(noun)}; nouns: link`);

  const common = {
    client: createClient(
      replicatorEndpoints({
        endpoints: values.endpoint,
        context: values.context,
        configHome: process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"),
      }),
    ),
    output: values.output as OutputFormat,
    paint: createPaint(process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined),
    write: (output: string | Uint8Array) => void process.stdout.write(output),
  };
  if (!verbs.some((one) => one.name.startsWith(`link ${name} `))) {
    return usage(`idcctl: there is no link ${name}; there are ${verbs.map((one) => one.name).join(", ")}`);
  }
  const taken: readonly string[] = flagsOf[name ?? ""] ?? [];
  const idle = ownFlags.filter((flag) => values[flag] && !taken.includes(flag));
  if (idle[0] !== undefined) return usage(`idcctl: link ${name} does not take --${idle[0]}`);
  // A path starts with a slash, the name of a link never does: with one link its name can be left out.
  const path = name === "explain" ? args.find((arg) => arg.startsWith("/")) : undefined;
  const [given, ...rest] = args.filter((arg) => arg !== path);
  if (rest.length > 0) return usage(`idcctl: link ${name} does not take ${JSON.stringify(rest[0])}`);
  if (name === "status") return linkStatus({ ...common, link: given });
  const verb = { ...common, link: given ?? (await onlyLink(common.client)) };
  switch (name) {
    case "plan":
      return linkPlan(verb);
    case "verify":
      return linkVerify(verb);
    case "drift":
      return values.show === undefined ? linkDrift(verb) : linkDriftEntry({ ...verb, id: values.show });
    case "compare":
      return linkCompare(verb);
    case "explain":
      if (path === undefined) return usage("idcctl: link explain needs a source path: idcctl link explain [LINK] PATH");
      return linkExplain({ ...verb, path });
    case "pause":
    case "resume":
    case "init": {
      if (values.reason === undefined) return usage(`idcctl: link ${name} needs --reason`);
      const change = { ...verb, reason: values.reason, dryRun: values["dry-run"] };
      if (name === "pause") return linkPause(change);
      if (name === "init") return linkInit(change);
      const sourceWins = values["source-wins"];
      if (!values["accept-deletes"]) return linkResume({ ...change, sourceWins });
      if (sourceWins) return usage("idcctl: link resume takes only one of --accept-deletes and --source-wins");
      return linkAcceptDeletes(change);
    }
    default:
      throw new Error(`link ${name} is listed but not carried out`);
  }
}

function usage(message: string): number {
  process.stderr.write(`${message}\nTry idcctl --help\n`);
  return exitCodes.usage;
}

try {
  process.exitCode = await main();
} catch (error) {
  const hint = error instanceof OperatorError && error.hint !== "" ? `\n${error.hint}` : "";
  process.stderr.write(`idcctl: ${messageOf(error)}${hint}\n`);
  process.exitCode = exitCodes.error;
}
