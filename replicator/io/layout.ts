import { epochOf, fenceOf } from "../core/claim.ts";

/** Our own znodes. Nothing of ours is written anywhere else, on either side (I7). */
export const ownRoot = "/crossidc";
export const linksRoot = `${ownRoot}/links`;

export interface LinkLayout {
  readonly link: string;
  readonly fences: string;
  fence(epoch: bigint): string;
  /** The epoch of a fence's path; undefined for any other path. */
  epochOf(path: string): bigint | undefined;
  readonly checkpoint: string;
}

export function layoutOf(linkName: string): LinkLayout {
  const link = `${linksRoot}/${linkName}`;
  const fences = `${link}/fence`;
  return {
    link,
    fences,
    fence: (epoch) => `${fences}/${fenceOf(epoch)}`,
    epochOf: (path) => (path.startsWith(`${fences}/`) ? epochOf(path.slice(fences.length + 1)) : undefined),
    checkpoint: `${link}/checkpoint`,
  };
}
