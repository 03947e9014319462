import { homedir, hostname, userInfo } from "node:os";
import { join } from "node:path";
import { type CommandSpec, parseCommandLine } from "#lib/args.ts";
import { exitCodes, messageOf, OperatorError } from "#lib/errors.ts";
import { nearest } from "#lib/nearest.ts";
import { createPaint } from "#lib/terminal.ts";
import { readVersion } from "#lib/version.ts";
import { type Call, type FlagName, type Flags, UsageError, type Verb } from "./call.ts";
import { createClient, type Daemon } from "./client.ts";
import { endpointsOf } from "./endpoints.ts";
import { auditNoun } from "./nouns/audit.ts";
import { decisionNoun } from "./nouns/decision.ts";
import { doctorVerb } from "./nouns/doctor.ts";
import { idcNoun } from "./nouns/idc.ts";
import { linkNoun } from "./nouns/link.ts";
import { policyNoun } from "./nouns/policy.ts";
import { routeNoun } from "./nouns/route.ts";
import { setNoun } from "./nouns/set.ts";
import { setMoveVerbs } from "./nouns/set-moves.ts";
import { setRecoveryVerbs } from "./nouns/set-recovery.ts";
import { siteVerbs } from "./nouns/sites.ts";
import type { OutputFormat } from "./output.ts";

/** Every verb there is. The help, the checks of flags and the dispatch read this one table. */
const verbs: readonly Verb[] = [
  ...siteVerbs,
  doctorVerb,
  ...setNoun,
  ...setRecoveryVerbs,
  ...setMoveVerbs,
  ...idcNoun,
  ...decisionNoun,
  ...policyNoun,
  ...auditNoun,
  ...routeNoun,
  ...linkNoun,
];

const spec = {
  program: "idcctl",
  version: readVersion(),
  summary: "Looks at crossidc's daemons and steers them.",
  options: {
    endpoint: {
      type: "string",
      placeholder: "URL",
      multiple: true,
      help: "A daemon's HTTP address; several are tried in order. Default: the context's, else http://127.0.0.1:7401 for links, :7403 for routes, and :7402 for all else.",
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
    reason: { type: "string", placeholder: "TEXT", help: "What changes something: why; goes to the daemon's logs." },
    "dry-run": { type: "boolean", help: "What changes something: say what would happen, change nothing." },
    "accept-deletes": { type: "boolean", help: "link resume: accept the deletes held by the brake." },
    "source-wins": {
      type: "boolean",
      help: "link resume: carry everything over, also over what others wrote in the target or an older state of the source.",
    },
    show: { type: "string", placeholder: "ID", help: "link drift: the entry to show." },
    sites: {
      type: "string",
      placeholder: "A,B,C",
      help: "init: the sites that vote, 3 or 5; the first one that is there leads.",
    },
    for: {
      type: "string",
      placeholder: "TIME",
      help: "pause, set freeze: end by itself after this time: 90s, 30m, 2h, 1d.",
    },
    master: {
      type: "string",
      placeholder: "ID",
      help: "set recover, set adopt: the broker that becomes master; else who acts as one, else the furthest.",
    },
    brokers: {
      type: "string",
      placeholder: "ID,…",
      help: "set adopt: all brokers of the set, one that is down as ID=HOST:PORT.",
    },
    all: {
      type: "boolean",
      help: "set recover: every set that is ledger-behind. set adopt: every set that is not on record.",
    },
    replicas: { type: "string", placeholder: "N", help: "set adopt --all: how many brokers each set has." },
    to: {
      type: "string",
      placeholder: "WHOM",
      help: "set switch: the broker that becomes master, by id, address or host; or an IDC.",
    },
    force: { type: "boolean", help: "set recover, set adopt: make --master the master even if it lacks messages." },
    policy: { type: "string", placeholder: "KEY=VALUE,…", help: "decision replay: as if the policy had said so." },
    limit: { type: "string", placeholder: "N", help: "decision list, audit list: how many. Default: 20." },
    "to-preferred": { type: "boolean", help: "set rebalance: to the first IDC of the policy's preferIdcs that can." },
    "max-in-flight": {
      type: "string",
      placeholder: "N",
      help: "set rebalance, idc drain: so many masters at a time, 1 to 64. Default: 4.",
    },
    undo: { type: "boolean", help: "set drain-broker: end it, as set undrain-broker does." },
    idc: {
      type: "string",
      placeholder: "IDC",
      help: "route: the client's IDC. Default: that of this machine's address.",
    },
  },
  positionals: [
    { name: "noun", help: "one of the commands below" },
    { name: "args", help: "the verb, and what it needs", optional: true, multiple: true },
  ],
  commands: verbs.map(({ name, args, help }) => ({ name: args === "" ? name : `${name} ${args}`, help })),
  examples: [
    { command: "idcctl status", help: "Is there a quorum, which sites vote, is every set well?" },
    { command: "idcctl set list", help: "Who is master of what, and how is it protected?" },
    { command: 'idcctl set switch C1/bs1 --to idc2 --reason "upgrade"', help: "Another master, on purpose." },
    { command: "idcctl decision explain C1/bs1", help: "Why did the last failover of this set go as it did?" },
    { command: "idcctl audit list", help: "Who has changed what, and why?" },
    { command: "idcctl route explain orders --idc idc1", help: "Where do messages of idc1 go, and why?" },
    { command: "idcctl link status", help: "Are all links well?" },
    { command: "idcctl link explain /zms/topic/orders", help: "What becomes of this node?" },
    { command: "idcctl link verify zms && echo equal", help: "Is the other IDC's copy right?" },
  ],
  exits: ["ok", "error", "usage", "refused", "noQuorum", "stillRunning", "different"],
} as const satisfies CommandSpec;

async function main(): Promise<number> {
  const line = parseCommandLine(spec, process.argv.slice(2));
  if (line.kind === "print") {
    process.stdout.write(line.text);
    return exitCodes.ok;
  }
  if (line.kind === "usage") return usage(line.message);
  const { values, positionals } = line;
  const verb = findVerb(positionals);
  if (typeof verb === "string") return usage(`idcctl: ${verb}`);
  const flags: Omit<Flags, "reason"> = {
    dryRun: values["dry-run"],
    acceptDeletes: values["accept-deletes"],
    sourceWins: values["source-wins"],
    force: values.force,
    show: values.show,
    sites: values.sites,
    for: values.for,
    master: values.master,
    to: values.to,
    policy: values.policy,
    limit: values.limit,
    idc: values.idc,
    toPreferred: values["to-preferred"],
    undo: values.undo,
    maxInFlight: values["max-in-flight"],
    all: values.all,
    brokers: values.brokers,
    replicas: values.replicas,
  };
  const idle = (Object.keys(flags) as FlagName[]).find((flag) => flags[flag] && !(verb.flags ?? []).includes(flag));
  if (idle !== undefined)
    return usage(`idcctl: ${verb.name} does not take --${idle.replace(/[A-Z]/g, "-$&").toLowerCase()}`);
  if (values.reason !== undefined && verb.reason === undefined)
    return usage(`idcctl: ${verb.name} does not take --reason`);
  if (values.reason === undefined && verb.reason === "needed") return usage(`idcctl: ${verb.name} needs --reason`);
  const clientOf = (daemon: Daemon) =>
    createClient(
      endpointsOf(daemon, {
        endpoints: values.endpoint,
        context: values.context,
        configHome: process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"),
      }),
      daemon,
      whoAmI(),
    );
  const call: Call = {
    output: values.output as OutputFormat,
    paint: createPaint(process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined),
    write: (output) => void process.stdout.write(output),
    args: positionals.slice(verb.name.split(" ").length),
    flags: { ...flags, reason: values.reason ?? "" },
    replicators: () => clientOf("replicator"),
    arbiters: () => clientOf("arbiter"),
    routers: () => clientOf("router"),
  };
  try {
    return await verb.run(call);
  } catch (error) {
    if (error instanceof UsageError) return usage(`idcctl: ${error.message}`);
    throw error;
  }
}

/** Whoever called sudo, else the user of this process; with the machine, since logs of many are read together. */
function whoAmI(): string {
  const user = (): string => {
    try {
      return userInfo().username;
    } catch {
      // A user without an entry in the machine's list.
      return `uid ${process.getuid?.() ?? "unknown"}`;
    }
  };
  return `${process.env["SUDO_USER"] ?? user()}@${hostname()}`;
}

/** The verb, or why there is none. */
function findVerb([noun = "", name = ""]: readonly string[]): Verb | string {
  const found = verbs.find((verb) => verb.name === `${noun} ${name}` || verb.name === noun);
  if (found !== undefined) return found;
  const ofNoun = verbs.filter((verb) => verb.name.startsWith(`${noun} `)).map((verb) => verb.name);
  if (ofNoun.length > 0) {
    const meant = nearest(`${noun} ${name}`, ofNoun);
    return `there is no ${noun} ${name}${meant === undefined ? "" : `, did you mean ${meant}?`}; there are ${ofNoun.join(", ")}`;
  }
  const nouns = [...new Set(verbs.map((verb) => verb.name.split(" ")[0] ?? ""))];
  const meant = nearest(noun, nouns);
  return `there is no ${JSON.stringify(noun)}${meant === undefined ? "" : `, did you mean ${meant}?`}; there are ${nouns.join(", ")}`;
}

function usage(message: string): number {
  process.stderr.write(`${message}\nTry idcctl --help\n`);
  return exitCodes.usage;
}

/** Of what a daemon answered. */
function exitCodeOf(error: unknown): number {
  const code = error instanceof OperatorError ? error.code : "";
  if (code === "ARB_NO_QUORUM" || code === "ARB_LEDGER_UNANSWERED") return exitCodes.noQuorum;
  if (code === "ARB_SWITCH_RUNNING") return exitCodes.stillRunning;
  const isRefusal =
    ["ARB_REFUSED", "ARB_INITIALIZED", "ARB_CHANGED", "ARB_NOT_FENCED"].includes(code) ||
    code.startsWith("ARB_SWITCH_");
  return isRefusal ? exitCodes.refused : exitCodes.error;
}

try {
  process.exitCode = await main();
} catch (error) {
  const hint = error instanceof OperatorError && error.hint !== "" ? `\n${error.hint}` : "";
  process.stderr.write(`idcctl: ${messageOf(error)}${hint}\n`);
  process.exitCode = exitCodeOf(error);
}
