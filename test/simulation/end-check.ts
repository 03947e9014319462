import type { LinkStatus } from "../../replicator/core/link-events.ts";
import { keyOf } from "./acls.ts";
import { type Model, shown, targetOf } from "./model.ts";
import { Violation } from "./violation.ts";
import { isHidden, parentPath, type VirtualZooKeeper } from "./virtual-zookeeper.ts";

/** What a path of a quiet world must be: `problem` undefined: none may be reported; "any": one may be. */
type Expected = { readonly fits: boolean; readonly problem: string | undefined };

/**
 * For a world that has come to rest, with sessions up and deletes accepted: the target is what the model says, and what is
 * different is reported as a problem of the right kind, and nothing else is.
 */
export function checkEnd(world: {
  model: Model;
  source: VirtualZooKeeper;
  target: VirtualZooKeeper;
  status: LinkStatus;
  nodeBytes: number;
  deletes: "mirror" | "keep";
  /** Only look at the target, not at what is reported: some problems are found by compares alone. */
  onlyValues: boolean;
}): void {
  const { model, source, status, onlyValues } = world;
  const reported = new Map(status.problems.map(({ side, path, kind }) => [`${side} ${path}`, kind]));
  for (const path of model.sourcesByTarget.keys()) {
    const { fits, problem } = expected(world, path);
    const given = reported.get(`target ${path}`);
    reported.delete(`target ${path}`);
    if (!fits) throw new Violation(`${path} ${describe(world, path)} (reported: ${given ?? "nothing"})`);
    if (onlyValues) continue;
    if (problem !== "any" && given !== problem)
      throw new Violation(`${path} is reported as ${given}, expected ${problem}: ${describe(world, path)}`);
  }
  if (onlyValues) return;
  for (const [path, node] of source.nodes) {
    if (isHidden(source, path)) continue;
    // Of a node that cannot be read nobody knows whether it is an ephemeral.
    const counts = node.ephemeralOwner === 0n || !node.readable;
    const isUnmapped = counts && targetOf(path, model.policies) === "unmapped";
    const given = reported.get(`source ${path}`);
    reported.delete(`source ${path}`);
    if (isUnmapped && given !== "unmapped") throw new Violation(`${path} has no row, but this is not reported`);
    if (!isUnmapped && given !== undefined) throw new Violation(`${path} is reported as ${given} for no reason`);
  }
  for (const [path, kind] of reported) {
    if (path.startsWith("target ") && kind !== "refused" && kind !== "parentMissing")
      throw new Violation(`${path} is reported as ${kind}, why?`);
  }
}

function expected(world: Parameters<typeof checkEnd>[0], path: string): Expected {
  const { model, source, target, nodeBytes, deletes } = world;
  const wanted = model.wanted(path, source.nodes);
  const node = target.nodes.get(path);
  // What is below a node that cannot be read is never found; nor is it taken to be gone.
  const sources = model.sourcesByTarget.get(path) ?? [];
  if (isHidden(target, path) || (wanted.kind !== "absent" && sources.some((one) => isHidden(source, one))))
    return { fits: true, problem: "any" };
  switch (wanted.kind) {
    case "held":
      return { fits: true, problem: wanted.problem };
    case "skipped":
      return { fits: true, problem: undefined };
    case "present": {
      if ((wanted.data?.length ?? 0) > nodeBytes) return { fits: true, problem: "oversize" };
      if (node !== undefined && !node.readable) return { fits: true, problem: "refused" };
      if (node !== undefined && node.ephemeralOwner !== 0n) return { fits: true, problem: "targetEphemeral" };
      if (node !== undefined) {
        const hasAcl = wanted.acl === undefined || keyOf(node.acl) === keyOf(wanted.acl);
        return { fits: hasAcl && shown(node.data) === shown(wanted.data), problem: undefined };
      }
      const parent = target.nodes.get(parentPath(path));
      if (parent === undefined) return { fits: true, problem: "parentMissing" };
      // Persistent nodes cannot be below an ephemeral: it is refused, or waits if the parent itself is of the link.
      const isBelowEphemeral = parent.ephemeralOwner !== 0n;
      return { fits: isBelowEphemeral || !parent.readable, problem: "any" };
    }
    case "absent": {
      if (node === undefined) return { fits: true, problem: undefined };
      if (!node.readable) return { fits: true, problem: "any" };
      if (deletes === "keep" || node.ephemeralOwner !== 0n) return { fits: true, problem: undefined };
      if (node.children.size === 0) return { fits: false, problem: undefined };
      const hasOwnBelow = [...target.nodes.keys()].some(
        (below) => below.startsWith(`${path}/`) && model.sourcesByTarget.has(below),
      );
      return { fits: true, problem: hasOwnBelow ? "any" : "keptForChildren" };
    }
  }
}

function describe({ model, source, target }: Parameters<typeof checkEnd>[0], path: string): string {
  const wanted = model.wanted(path, source.nodes);
  const node = target.nodes.get(path);
  const has = node === undefined ? "nothing" : `${shown(node.data)} (${keyOf(node.acl)})`;
  const should =
    wanted.kind === "present" ? `${shown(wanted.data)}${wanted.acl && ` (${keyOf(wanted.acl)})`}` : wanted.kind;
  return `has ${has} in the target, the source wants ${should}`;
}
