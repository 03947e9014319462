/**
 * Who may write to a link's target (I5). The fence is a znode per epoch, `/crossidc/links/<link>/fence/e-<n>`: whoever created
 * the highest one owns the link, and every batch checks that it is still there. A path per epoch, not a version: a znode that
 * is deleted and created again starts at version 0.
 */

/** What stands in both ensembles before a claim. `undefined`: no `/crossidc/links/<link>` there. */
export interface LinkNodes {
  readonly source: { readonly fences: readonly string[] } | undefined;
  readonly target: { readonly fences: readonly string[] } | undefined;
}

export type ClaimDecision =
  /** Neither side has seen this link: create it with its first fence. */
  | { readonly kind: "create"; readonly epoch: bigint }
  /** One multi: delete the old fence, create the next. Loses against whoever does it first. */
  | { readonly kind: "takeOver"; readonly from: bigint; readonly epoch: bigint }
  | { readonly kind: "refuse"; readonly code: StopCode; readonly detail: string };

/** Why a link stands still until an operator acts. One runbook entry each in docs/operations.md. */
export const stopCodes = [
  "fence-missing",
  "fence-ambiguous",
  "wrong-direction",
  "claim-failed",
  "source-went-back",
  "fenced",
  "bad-data",
] as const;

export type StopCode = (typeof stopCodes)[number];

const fenceName = /^e-([1-9][0-9]{0,17})$/;

export function fenceOf(epoch: bigint): string {
  return `e-${epoch}`;
}

/** The epoch of a fence node's name, undefined for any other name. */
export function epochOf(name: string): bigint | undefined {
  const match = fenceName.exec(name);
  return match?.[1] === undefined ? undefined : BigInt(match[1]);
}

export function decideClaim(nodes: LinkNodes): ClaimDecision {
  const { source, target } = nodes;
  if (source !== undefined && source.fences.length > 0) {
    return refuse(
      "wrong-direction",
      `The source holds the fence ${source.fences.join(", ")} of this link: it is the target of the other direction`,
    );
  }
  if (target === undefined) {
    if (source === undefined) return { kind: "create", epoch: 1n };
    return refuse(
      "fence-missing",
      "The source knows this link but the target does not: the target was lost or is not the one it was",
    );
  }
  const [name, ...others] = target.fences;
  if (name === undefined) return refuse("fence-missing", "The target knows this link but holds no fence of it");
  const epoch = epochOf(name);
  if (others.length > 0 || epoch === undefined) {
    return refuse(
      "fence-ambiguous",
      `The target holds ${target.fences.join(", ")} where exactly one e-<epoch> is expected`,
    );
  }
  return { kind: "takeOver", from: epoch, epoch: epoch + 1n };
}

function refuse(code: StopCode, detail: string): ClaimDecision {
  return { kind: "refuse", code, detail };
}
