/**
 * Who may write to a link's target (I5). The fence is a znode per claim, `/crossidc/links/<link>/fence/e-<n>-<claim>`: whoever
 * created it owns the link, and every batch checks that it is still there. A path per claim, not a version: a znode that is
 * deleted and created again starts at version 0. Not per epoch alone: where `/crossidc` is deleted by hand epochs start again.
 */

/** The fence of one claim. `name` is that of its znode. */
export interface Fence {
  readonly epoch: bigint;
  readonly name: string;
}

/** What stands in both ensembles before a claim. `undefined`: no `/crossidc/links/<link>` there. */
export interface LinkNodes {
  readonly source: { readonly fences: readonly string[] } | undefined;
  readonly target: { readonly fences: readonly string[] } | undefined;
}

export type ClaimDecision =
  /** Neither side has seen this link: create it with its first fence. */
  | { readonly kind: "create"; readonly epoch: bigint }
  /** One multi: delete the old fences, create the next. Loses against whoever does it first. */
  | { readonly kind: "takeOver"; readonly from: readonly string[]; readonly epoch: bigint }
  | { readonly kind: "refuse"; readonly code: StopCode; readonly detail: string };

/** Why a link stands still until an operator acts. One runbook entry each in docs/operations.md. */
export const stopCodes = [
  "fence-missing",
  "fence-ambiguous",
  "wrong-direction",
  "claim-failed",
  "source-went-back",
  "fenced",
  "diverged",
  "bad-data",
] as const;

export type StopCode = (typeof stopCodes)[number];

const fenceName = /^e-([1-9][0-9]{0,17})(?:-[0-9a-f]{8})?$/;

/** @param claim 8 hexadecimal digits that no other claim has */
export function fenceOf(epoch: bigint, claim: string): Fence {
  return { epoch, name: `e-${epoch}-${claim}` };
}

/** The epoch of a fence node's name, undefined for any other name. Older releases left out the claim. */
export function epochOf(name: string): bigint | undefined {
  const match = fenceName.exec(name);
  return match?.[1] === undefined ? undefined : BigInt(match[1]);
}

/**
 * `init`: an operator has asked for a new fence where none, or no single one, can be taken over. Direction is never overruled:
 * a source that holds a fence is the target of the other direction. `lastEpoch`: of the checkpoint, if there is one.
 */
export function decideClaim(
  nodes: LinkNodes,
  asked: { readonly init: boolean; readonly lastEpoch: bigint } = { init: false, lastEpoch: 0n },
): ClaimDecision {
  const { source, target } = nodes;
  if (source !== undefined && source.fences.length > 0) {
    return refuse(
      "wrong-direction",
      `The source holds the fence ${source.fences.join(", ")} of this link: it is the target of the other direction`,
    );
  }
  if (target === undefined) {
    if (source === undefined || asked.init) return { kind: "create", epoch: asked.lastEpoch + 1n };
    return refuse(
      "fence-missing",
      "The source knows this link but the target does not: the target was lost or is not the one it was",
    );
  }
  const epochs = target.fences.map(epochOf);
  const [name, ...others] = target.fences;
  const [epoch] = epochs;
  if (asked.init) {
    const highest = epochs.reduce<bigint>((most, one = 0n) => (one > most ? one : most), asked.lastEpoch);
    return { kind: "takeOver", from: target.fences, epoch: highest + 1n };
  }
  if (name === undefined) return refuse("fence-missing", "The target knows this link but holds no fence of it");
  if (others.length > 0 || epoch === undefined) {
    return refuse(
      "fence-ambiguous",
      `The target holds ${target.fences.join(", ")} where exactly one e-<epoch>-<claim> is expected`,
    );
  }
  return { kind: "takeOver", from: [name], epoch: epoch + 1n };
}

function refuse(code: StopCode, detail: string): ClaimDecision {
  return { kind: "refuse", code, detail };
}
