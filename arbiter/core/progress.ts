import type { OffsetReading } from "./model.ts";

/**
 * Who has more of the log: the later epoch, then the larger offset. Negative: `one` has less. Offsets are compared as 64-bit
 * numbers: the stock controller narrows their difference to 32 bits, and sorts lags above 2 GB wrongly.
 */
export function compareProgress(one: OffsetReading, other: OffsetReading): number {
  if (one.epoch !== other.epoch) return one.epoch < other.epoch ? -1 : 1;
  if (one.maxOffset === other.maxOffset) return 0;
  return one.maxOffset < other.maxOffset ? -1 : 1;
}
