import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { type BrakeMemory, type BrakeReason, brakeReasons } from "../core/brake.ts";
import type { Checkpoint, StoredCheckpoint } from "../core/link-events.ts";
import type { Witness } from "../core/witnesses.ts";

/** Every batch carries the checkpoint: a longer path is left out. */
const witnessPathMax = 400;

/**
 * The checkpoint znode's data: JSON with a schema version, 64-bit numbers as decimal strings, times as wall time. Written in the
 * same multi as the nodes it speaks of. Older releases wrote neither `brake` nor `witnesses`.
 */
interface Stored {
  readonly schema: 1;
  readonly epoch: string;
  readonly sourceZxid: string;
  /** Empty before the first write of a link. */
  readonly rules: string;
  readonly brake?: {
    readonly engaged?: { readonly reason: BrakeReason; readonly since: string };
    /** Deletes within the brake's window, and when the last of each count went out. */
    readonly deletes: readonly { readonly count: number; readonly at: string }[];
  };
  /** What the source said last. */
  readonly witnesses?: readonly { readonly path: string; readonly zxid: string; readonly there: boolean }[];
  /** While it lasts: see Checkpoint. */
  readonly sourceWins?: string;
  readonly at: string;
}

/** @param atMs wall time, as everywhere here */
export function encodeCheckpoint(checkpoint: Checkpoint, atMs: number): Uint8Array {
  const { engaged, deletes } = checkpoint.brake;
  const ago = (ageMs: number): string => new Date(atMs - ageMs).toISOString();
  const stored: Stored = {
    schema: 1,
    epoch: checkpoint.fence.epoch.toString(),
    sourceZxid: checkpoint.sourceZxid.toString(),
    rules: checkpoint.rules,
    brake: {
      ...(engaged === undefined ? {} : { engaged: { reason: engaged.reason, since: ago(engaged.ageMs) } }),
      deletes: deletes.map(({ count, ageMs }) => ({ count, at: ago(ageMs) })),
    },
    witnesses: checkpoint.witnesses
      .filter(({ path }) => path.length <= witnessPathMax)
      .map(({ path, zxid, there }) => ({ path, zxid: zxid.toString(), there })),
    ...(checkpoint.sourceWins === undefined ? {} : { sourceWins: checkpoint.sourceWins.toString() }),
    at: ago(0),
  };
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** undefined when the data is not one of ours. */
export function decodeCheckpoint(
  found: { readonly data: Uint8Array; readonly mark: Zxid },
  atMs: number,
): StoredCheckpoint | undefined {
  try {
    const stored = JSON.parse(new TextDecoder().decode(found.data)) as Record<keyof Stored, unknown>;
    const { schema, epoch, sourceZxid, rules, brake, witnesses, sourceWins } = stored;
    if (schema !== 1 || !isDecimal(epoch) || !isDecimal(sourceZxid) || typeof rules !== "string") return undefined;
    if (sourceWins !== undefined && !isDecimal(sourceWins)) return undefined;
    return {
      epoch: BigInt(epoch),
      sourceZxid: BigInt(sourceZxid) as Zxid,
      rules,
      brake: brake === undefined ? noMemory : decodeBrake(brake as NonNullable<Stored["brake"]>, atMs),
      witnesses: witnesses === undefined ? [] : decodeWitnesses(witnesses as NonNullable<Stored["witnesses"]>),
      sourceWins: sourceWins === undefined ? undefined : (BigInt(sourceWins) as Zxid),
      mark: found.mark,
    };
  } catch {
    return undefined;
  }
}

const noMemory: BrakeMemory = { engaged: undefined, deletes: [] };

/** @throws on anything that encodeCheckpoint does not write */
function decodeBrake({ engaged, deletes }: NonNullable<Stored["brake"]>, atMs: number): BrakeMemory {
  if (engaged !== undefined && !brakeReasons.includes(engaged.reason)) throw new RangeError(engaged.reason);
  return {
    engaged: engaged && { reason: engaged.reason, ageMs: ageOf(engaged.since, atMs) },
    deletes: deletes.map(({ count, at }) => {
      if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(String(count));
      return { count, ageMs: ageOf(at, atMs) };
    }),
  };
}

/** @throws on anything that encodeCheckpoint does not write */
function decodeWitnesses(witnesses: NonNullable<Stored["witnesses"]>): Witness[] {
  return witnesses.map(({ path, zxid, there }) => {
    if (!path.startsWith("/") || !isDecimal(zxid) || typeof there !== "boolean") throw new RangeError(path);
    return { path, zxid: BigInt(zxid) as Zxid, there };
  });
}

/** Clocks differ between machines: a stamp in the future counts as now. */
function ageOf(stamp: string, atMs: number): number {
  const ageMs = atMs - Date.parse(stamp);
  if (Number.isNaN(ageMs)) throw new RangeError(stamp);
  return Math.max(0, ageMs);
}

function isDecimal(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,19}$/.test(value);
}
