import type { LinkConfig, ZooKeeperConfig } from "#config/replicator.ts";
import { namesToTry, sharedPaths } from "./check.ts";
import { compileRules } from "./compile.ts";
import { sourcesOf, translatePath } from "./paths.ts";
import { type Pattern, quote } from "./pattern.ts";
import type { CopyRule, RuleProblem, RuleSet } from "./ruleset.ts";

/** Steps after which a path that is followed through links counts as running for ever. */
const stepsMax = 64;

/** Most paths that are looked at from one place; with more than this in its wake a path is taken to end. */
const passedMax = 10_000;

export type LinkProblem = RuleProblem & { readonly link: number };

/**
 * What only shows when links are seen together: a link (or a ring of them) that copies what it has written, and two links
 * that write the same paths. Each report has a path that was followed through the links, so what rules shadow is not
 * reported. Two ensembles are one when they share a server, as it is written. Links whose own rules are wrong are left out.
 */
export function checkLinks(links: readonly LinkConfig[]): readonly LinkProblem[] {
  const checked = links.flatMap((link, index): Checked[] => {
    const compiled = compileRules(link);
    if (!compiled.ok) return [];
    const copies = compiled.rules.rules.filter((rule) => rule.action === "copy");
    return [{ index, link, rules: compiled.rules, copies }];
  });
  return [...loops(checked), ...contests(checked)];
}

interface Checked {
  readonly index: number;
  readonly link: LinkConfig;
  readonly rules: RuleSet;
  readonly copies: readonly CopyRule[];
}

/** From every place where one link's target meets a link's source, follows a path until it ends, or comes round. */
function loops(links: readonly Checked[]): LinkProblem[] {
  const problems: LinkProblem[] = [];
  for (const writer of links) {
    const readers = links.filter((reader) => sameEnsemble(writer.link.target, reader.link.source));
    for (const rule of writer.copies) {
      const path = readers
        .flatMap((reader) => pathsBetween(writer, rule, reader))
        .find((one) => comesRound(links, writer.link.target, one, new Set(), new Set()));
      if (path !== undefined) problems.push(loop(writer, rule, path));
    }
  }
  return problems;
}

/** Paths of the ensemble that this rule writes and that the reader copies. */
function pathsBetween(writer: Checked, rule: CopyRule, reader: Checked): string[] {
  const names = [...namesToTry(writer.rules), ...reader.rules.tables.clusters.keys()];
  return reader.copies
    .flatMap(({ match }) =>
      sharedPaths(under(writer.link.target, rule.to.pattern), under(reader.link.source, match), names),
    )
    .filter((path) => {
      const target = inside(writer.link.target, path);
      const sources = target === undefined ? [] : sourcesOf(writer.rules, target);
      return sources.some((source) => translatePath(writer.rules, source).kind === "copy");
    });
}

/** `below` holds the places on the way to here, `ended` those from where every way was seen to end. */
function comesRound(
  links: readonly Checked[],
  ensemble: ZooKeeperConfig,
  path: string,
  below: ReadonlySet<string>,
  ended: Set<string>,
): boolean {
  const place = `${ensemble.servers} ${path}`;
  if (below.has(place) || below.size === stepsMax) return true;
  if (ended.has(place) || ended.size > passedMax) return false;
  const way = new Set(below).add(place);
  const round = links.some(({ link, rules }) => {
    const source = sameEnsemble(link.source, ensemble) ? inside(link.source, path) : undefined;
    const outcome = source === undefined ? undefined : translatePath(rules, source);
    if (outcome?.kind !== "copy") return false;
    return comesRound(links, link.target, absolute(link.target, outcome.target), way, ended);
  });
  if (!round) ended.add(place);
  return round;
}

function contests(links: readonly Checked[]): LinkProblem[] {
  return links.flatMap((link, position) =>
    links.slice(0, position).flatMap((earlier) => {
      if (!sameEnsemble(earlier.link.target, link.link.target)) return [];
      const problem = contest(link, earlier);
      return problem === undefined ? [] : [problem];
    }),
  );
}

function contest(link: Checked, earlier: Checked): LinkProblem | undefined {
  const names = [...namesToTry(link.rules), ...namesToTry(earlier.rules)];
  for (const rule of link.copies) {
    for (const other of earlier.copies) {
      const [one, two] = [under(link.link.target, rule.to.pattern), under(earlier.link.target, other.to.pattern)];
      const path = sharedPaths(one, two, names).find((shared) =>
        [link, earlier].every((each) => {
          const target = inside(each.link.target, shared);
          return target !== undefined && sourcesOf(each.rules, target).length > 0;
        }),
      );
      if (path === undefined) continue;
      return {
        link: link.index,
        path: ["rules", rule.index, "to"],
        message: `writes paths that link ${quote(earlier.link.name)} writes too (its rule ${other.index}), for example ${quote(path)}`,
        remedy: "let one link write a path: narrow or ignore in one of them",
      };
    }
  }
  return undefined;
}

function loop(writer: Checked, rule: CopyRule, path: string): LinkProblem {
  const own = sameEnsemble(writer.link.source, writer.link.target);
  return {
    link: writer.index,
    path: ["rules", rule.index, "to"],
    message: own
      ? `writes into what the link itself reads: ${quote(path)} would be copied again and again`
      : `writes what comes back through other links: ${quote(path)} would go round for ever`,
    remedy: own
      ? "choose a target outside the rules' sources, or ignore it by an earlier rule"
      : "replicate each path in one direction only",
  };
}

function sameEnsemble(one: ZooKeeperConfig, other: ZooKeeperConfig): boolean {
  return one.servers.some((server) => other.servers.includes(server));
}

/** The pattern as the ensemble sees it, above the chroot. */
function under({ chroot }: ZooKeeperConfig, pattern: Pattern): Pattern {
  if (chroot === undefined) return pattern;
  const above = chroot.slice(1).split("/");
  return { ...pattern, segments: [...above.map((text) => [{ kind: "text", text }] as const), ...pattern.segments] };
}

function absolute({ chroot = "" }: ZooKeeperConfig, path: string): string {
  return `${chroot}${path}`;
}

/** The path as seen below the chroot; undefined when it lies elsewhere. */
function inside({ chroot = "" }: ZooKeeperConfig, path: string): string | undefined {
  return path.startsWith(`${chroot}/`) ? path.slice(chroot.length) : undefined;
}
