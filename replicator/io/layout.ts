import { fenceOf } from "../core/claim.ts";

/** Our own znodes. Nothing of ours is written anywhere else, on either side (I7). */
export const ownRoot = "/crossidc";
export const linksRoot = `${ownRoot}/links`;

export interface LinkLayout {
  readonly link: string;
  readonly fences: string;
  fence(epoch: bigint): string;
  readonly checkpoint: string;
}

export function layoutOf(linkName: string): LinkLayout {
  const link = `${linksRoot}/${linkName}`;
  return {
    link,
    fences: `${link}/fence`,
    fence: (epoch) => `${link}/fence/${fenceOf(epoch)}`,
    checkpoint: `${link}/checkpoint`,
  };
}
