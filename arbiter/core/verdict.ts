import type { DecisionInput, DecisionVerdict, RefusalReason, Rejected } from "./decision.ts";
import type { Readable } from "./elect.ts";
import { figure, progressText } from "./figures.ts";
import type { BrokerId } from "./model.ts";
import type { Objection } from "./permit.ts";

/** What every kind of decision ends with: an election under the next epoch, or a refusal. */

/** masterEpoch and syncStateSetEpoch are ints in the brokers. */
export const epochMax = 2_147_483_647;

export function notDesignated({ candidates }: DecisionInput, designated: BrokerId): Rejected[] {
  return byId(
    candidates
      .filter(({ id }) => id !== designated)
      .map(({ id, reading }) => ({
        id,
        reason: "not-designated",
        detail: reading === null ? "not read" : `it is at ${progressText(reading)}`,
      })),
  );
}

export function elect(
  input: DecisionInput,
  of: { winner: BrokerId; knownLag: bigint | null; rejected: readonly Rejected[]; why: string },
): DecisionVerdict {
  const { epoch, inSyncEpoch } = nextEpochs(input);
  if (epoch > epochMax || inSyncEpoch > epochMax) {
    const next = figure(Math.max(epoch, inSyncEpoch));
    return refuse(
      "epoch-limit",
      `brokers take no epoch above ${figure(epochMax)}, the next would be ${next}`,
      of.rejected,
    );
  }
  const { winner, rejected, knownLag, why } = of;
  return { kind: "elect", winner, epoch, inSyncEpoch, rejected, knownLag, why };
}

/**
 * One more than before; no epoch is used twice under one name, as routers go by it. After a lost ledger "the highest seen + 1" may
 * be ignored, as elections without a write in between are in no broker's file: the unix time in seconds is above them all, and fits
 * an int until 2038.
 */
function nextEpochs(input: DecisionInput): { epoch: number; inSyncEpoch: number } {
  const { kind, epoch, usedEpoch, inSyncEpoch, now } = input;
  if (kind !== "recover") return { epoch: Math.max(epoch, usedEpoch) + 1, inSyncEpoch: inSyncEpoch + 1 };
  const seconds = Math.floor(now / 1_000);
  return {
    epoch: Math.max(seconds, epoch + 1, highestTold(input) + 1),
    inSyncEpoch: Math.max(seconds, inSyncEpoch + 1),
  };
}

export function refuse(reason: RefusalReason, why: string, rejected: readonly Rejected[]): DecisionVerdict {
  return { kind: "refuse", reason, rejected, why };
}

export function byId(rejected: readonly Rejected[]): Rejected[] {
  return rejected.toSorted((one, other) => one.id - other.id);
}

/** Brokers ignore an epoch that is not above theirs, and the record would be wrong about the in-sync set, too. */
export function ledgerBehind(input: DecisionInput): Objection {
  const told = highestTold(input);
  if (told <= input.epoch) return null;
  return { reason: "ledger-behind", why: `the record is at epoch ${input.epoch}, a broker tells of epoch ${told}` };
}

function highestTold({ candidates }: DecisionInput): number {
  return Math.max(-1, ...candidates.flatMap(({ reading, reported }) => [reading?.epoch ?? -1, reported?.epoch ?? -1]));
}

/** Bytes that the old master had told of beyond the winner's end; offsets of different epochs say nothing about each other. */
export function lagOf(winner: Readable, { master, candidates }: DecisionInput): bigint | null {
  const reported = candidates.find(({ id }) => id === master)?.reported;
  if (reported == null || reported.epoch !== winner.reading.epoch) return null;
  const lag = reported.maxOffset - winner.reading.maxOffset;
  return lag > 0n ? lag : 0n;
}
