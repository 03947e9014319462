import type { OffsetReading } from "./model.ts";

/**
 * Who has more of the log: the later epoch, then the larger offset. Negative: `one` has less. Offsets are compared as 64-bit
 * numbers: the stock controller narrows their difference to 32 bits, and sorts lags above 2 GB wrongly.
 */
export function compareProgress(one: OffsetReading, other: OffsetReading): number {
  return sign(one.epoch, other.epoch) || sign(one.maxOffset, other.maxOffset);
}

function sign<Value extends number | bigint>(one: Value, other: Value): number {
  return Number(one > other) - Number(one < other);
}
