import type { LinkConfig } from "#config/replicator.ts";
import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { NodeData, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { aclText, type Identity, translateAcl } from "./core/acl.ts";
import type { Side } from "./core/link-events.ts";
import type { Problem } from "./core/problems.ts";
import { type Explanation, explain, type RuleSet } from "./core/rules/rules.ts";

export interface LinkExplanation {
  readonly explanation: Explanation;
  readonly sourceExists: boolean;
  /** undefined when the path maps nowhere. */
  readonly inTarget: { readonly exists: boolean; readonly equal: boolean } | undefined;
  /** What a node that the link creates there would be given; undefined where ACLs are not copied or nothing is to be copied. */
  readonly acl: ExplainedAcl | undefined;
  /** Why it is held back right now. */
  readonly problem: string | undefined;
}

/** A text for each entry; or why there is none. */
type ExplainedAcl = { readonly given: readonly string[] } | { readonly held: string };

/** What the rules make of one source path, beside what both sides have there now. */
export async function explainPath(
  of: {
    path: string;
    config: LinkConfig;
    rules: RuleSet;
    clients: Readonly<Record<Side, ZooKeeper>>;
    /** Who we are for the target; matters where ACLs are copied. */
    own: readonly Identity[];
    problems: readonly Problem[];
  },
  signal: AbortSignal,
): Promise<LinkExplanation> {
  const { path, config, rules, clients, problems } = of;
  const data = await dataOf(clients.source, path, signal);
  const explanation = explain(rules, path, data);
  const { target } = explanation;
  const problem = problems.find((one) => one.path === (one.side === "source" ? path : target));
  const isCopied = data !== undefined && explanation.outcome === "copy";
  return {
    explanation,
    sourceExists: data !== undefined,
    acl: config.acl === "copy" && isCopied ? await explainAcl(of, signal) : undefined,
    inTarget: target === undefined ? undefined : await compareWith(clients.target, target, explanation.after, signal),
    problem: problem === undefined ? undefined : `${problem.kind}: ${problem.detail}`,
  };
}

async function explainAcl(
  { path, config, clients, own }: Parameters<typeof explainPath>[0],
  signal: AbortSignal,
): Promise<ExplainedAcl> {
  const { acl } = await clients.source.getAcl(path, { signal });
  const translation = translateAcl(acl, { schemes: config.aclSchemes, own });
  return translation.kind === "held"
    ? { held: translation.detail }
    : { given: translation.rights.entries.map(aclText) };
}

async function compareWith(client: ZooKeeper, path: string, wanted: NodeData | undefined, signal: AbortSignal) {
  const found = await dataOf(client, path, signal);
  return {
    exists: found !== undefined,
    equal: found !== undefined && wanted !== undefined && sameData(found, wanted),
  };
}

async function dataOf(client: ZooKeeper, path: string, signal: AbortSignal): Promise<NodeData | undefined> {
  try {
    return (await client.getData(path, { signal })).data;
  } catch (error) {
    if (error instanceof ZooKeeperError && error.is("noNode")) return undefined;
    throw error;
  }
}

function sameData(a: NodeData, b: NodeData): boolean {
  if (a === null || b === null) return a === b;
  return Buffer.compare(a, b) === 0;
}
