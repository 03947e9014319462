import { epochOf } from "../core/claim.ts";

/** Our own znodes. Nothing of ours is written anywhere else (I7); in the source it is the canary alone, where it is switched on. */
export const ownRoot = "/crossidc";
export const linksRoot = `${ownRoot}/links`;
export const latchesRoot = `${ownRoot}/latches`;
export const canariesRoot = `${ownRoot}/canaries`;

export interface LinkLayout {
  readonly link: string;
  readonly fences: string;
  /** @param name of a fence's znode */
  fence(name: string): string;
  /** The name of a fence by its path; undefined for any other path. */
  fenceOf(path: string): string | undefined;
  readonly checkpoint: string;
  readonly pause: string;
  /** Folder of the drift journal. */
  readonly drift: string;
  driftEntry(id: string): string;
  readonly tombstones: string;
  /** Apart from the link's own folder, which says that the link has had a fence. */
  readonly latch: string;
  /** Where the canary is set, at the source, and where it arrives. */
  readonly canary: { readonly source: string; readonly target: string };
}

export function layoutOf(linkName: string): LinkLayout {
  const link = `${linksRoot}/${linkName}`;
  const fences = `${link}/fence`;
  return {
    link,
    fences,
    fence: (name) => `${fences}/${name}`,
    fenceOf(path) {
      const name = path.startsWith(`${fences}/`) ? path.slice(fences.length + 1) : "";
      return epochOf(name) === undefined ? undefined : name;
    },
    checkpoint: `${link}/checkpoint`,
    pause: `${link}/pause`,
    drift: `${link}/drift`,
    driftEntry: (id) => `${link}/drift/${id}`,
    tombstones: `${link}/tombstones`,
    latch: `${latchesRoot}/${linkName}`,
    canary: { source: `${canariesRoot}/${linkName}`, target: `${link}/canary` },
  };
}
