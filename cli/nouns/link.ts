import { type Call, UsageError, type Verb } from "../call.ts";
import { linkDrift, linkDriftEntry } from "./link-drift.ts";
import {
  type LinkVerb,
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
} from "./link-verbs.ts";

/** `idcctl link`: the replicator's links. With one link its name can be left out. */
export const linkNoun: readonly Verb[] = [
  {
    name: "link status",
    args: "[LINK]",
    help: "Phase, lag, brake and what is held back. Exit 6 when a link is not well.",
    run: (call) => linkStatus({ ...common(call), link: givenLink(call.args, "status") }),
  },
  {
    name: "link plan",
    args: "[LINK]",
    help: "What the link would still change in its target.",
    run: async (call) => linkPlan(await verb(call, "plan")),
  },
  {
    name: "link verify",
    args: "[LINK]",
    help: "Compare source and target in full. Exit 6 on differences. Writes nothing.",
    run: async (call) => linkVerify(await verb(call, "verify")),
  },
  {
    name: "link explain",
    args: "[LINK] PATH",
    help: "Which rule takes a source path, its captures, its target, the change of its data.",
    run: explain,
  },
  {
    name: "link drift",
    args: "[LINK]",
    help: "What others wrote in the target and the link overwrote; --show ID: one of them, with its bytes.",
    flags: ["show"],
    run: async (call) => {
      const of = await verb(call, "drift");
      return call.flags.show === undefined ? linkDrift(of) : linkDriftEntry({ ...of, id: call.flags.show });
    },
  },
  {
    name: "link compare",
    args: "[LINK]",
    help: "Ask for a full compare now, which repairs what differs.",
    run: async (call) => linkCompare(await verb(call, "compare")),
  },
  {
    name: "link pause",
    args: "[LINK]",
    help: "Carry nothing over until it is resumed, whichever replicator leads. Needs --reason.",
    flags: ["dryRun"],
    reason: "needed",
    run: async (call) => linkPause({ ...(await verb(call, "pause")), ...call.flags }),
  },
  {
    name: "link resume",
    args: "[LINK]",
    help: "End a pause, or let a stopped link try again; --accept-deletes: let the deletes pass that the brake holds. Needs --reason.",
    flags: ["dryRun", "acceptDeletes", "sourceWins"],
    reason: "needed",
    run: resume,
  },
  {
    name: "link init",
    args: "[LINK]",
    help: "Make a new fence for a link that is stopped as fence-missing or fence-ambiguous. Needs --reason.",
    flags: ["dryRun"],
    reason: "needed",
    run: async (call) => linkInit({ ...(await verb(call, "init")), ...call.flags }),
  },
];

async function resume(call: Call): Promise<number> {
  const { acceptDeletes, sourceWins } = call.flags;
  if (acceptDeletes && sourceWins)
    throw new UsageError("link resume takes only one of --accept-deletes and --source-wins");
  const of = { ...(await verb(call, "resume")), ...call.flags };
  return acceptDeletes ? linkAcceptDeletes(of) : linkResume(of);
}

/** A path starts with a slash, the name of a link never does. */
async function explain(call: Call): Promise<number> {
  const path = call.args.find((arg) => arg.startsWith("/"));
  const rest = { ...call, args: call.args.filter((arg) => arg !== path) };
  if (path === undefined) throw new UsageError("link explain needs a source path: idcctl link explain [LINK] PATH");
  return linkExplain({ ...(await verb(rest, "explain")), path });
}

async function verb(call: Call, name: string): Promise<LinkVerb> {
  const of = common(call);
  return { ...of, link: givenLink(call.args, name) ?? (await onlyLink(of.client)) };
}

function common(call: Call): Omit<LinkVerb, "link"> {
  const { output, paint, write } = call;
  return { client: call.replicators(), output, paint, write };
}

function givenLink([link, ...rest]: readonly string[], name: string): string | undefined {
  if (rest[0] !== undefined) throw new UsageError(`link ${name} does not take ${JSON.stringify(rest[0])}`);
  return link;
}
