import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { Stat, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { parentOf } from "../core/paths.ts";
import { denies, type Witness } from "../core/witnesses.ts";

/** Asks the source for all that the witnesses heard; a sentence about the first that it denies. It must have caught up (sync). */
export async function firstDenied(
  source: ZooKeeper,
  witnesses: readonly Witness[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await Promise.all(
    witnesses.map(async (witness) => {
      const now = await nearest(source, witness.path, signal);
      return now !== undefined && denies(now, witness) ? sentence(witness, now) : undefined;
    }),
  );
  return found.find((one) => one !== undefined);
}

/** The node or the nearest of its ancestors; undefined where even the root is missing (the brake's matter), or may not be seen. */
async function nearest(
  source: ZooKeeper,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly stat: Stat } | undefined> {
  try {
    const stat = await source.exists(path, { signal });
    if (stat !== null) return { path, stat };
    return path === "/" ? undefined : await nearest(source, parentOf(path), signal);
  } catch (error) {
    if (error instanceof ZooKeeperError && error.is("noAuth")) return undefined;
    throw error;
  }
}

function sentence({ path, zxid, there }: Witness, now: { readonly path: string; readonly stat: Stat }): string {
  const heard = there ? `was changed at zxid 0x${zxid.toString(16)}` : `was not there at zxid 0x${zxid.toString(16)}`;
  const found =
    now.path === path
      ? `is there as of zxid 0x${now.stat.mzxid.toString(16)}`
      : `is missing, though ${now.path} has lost no child since zxid 0x${now.stat.pzxid.toString(16)}`;
  return `The source has forgotten what it said: ${path} ${heard}, and now it ${found}. It was restored, or is another one`;
}
