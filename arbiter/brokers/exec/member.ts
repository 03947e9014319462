import type { Clock } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
import { type CallOptions, timeLeft } from "#lib/remoting/connections.ts";
import type { OffsetReading } from "../../core/model.ts";
import type { ScriptAnswer, ScriptInput, Scripts } from "./scripts.ts";

/** What probe and offsets say of one member, taken together. */
export type MemberReading =
  | {
      readonly kind: "answered";
      readonly reading: OffsetReading;
      readonly acting: boolean;
      /** Another text means another process; null: it does not tell. */
      readonly instance: string | null;
      /** Ids of those that it counts as in sync, itself among them if it acts as master; null: it does not tell. */
      readonly inSync: readonly number[] | null;
    }
  | { readonly kind: "refused" | "failed" | "timedOut"; readonly detail: string };

const noEpoch = -1;

/** @throws {OperatorError} when a script failed: that says nothing of the member */
export async function readMember(
  scripts: Scripts,
  input: ScriptInput,
  clock: Clock,
  options: CallOptions,
): Promise<MemberReading> {
  const left = timeLeft(clock, options);
  const probe = await scripts.run("probe", input, options);
  if (probe.kind === "no") return { kind: "refused", detail: probe.detail };
  if (probe.kind !== "yes") return { kind: "timedOut", detail: probe.detail };
  const offsets = await scripts.run("offsets", input, left());
  // It was there a moment ago.
  if (offsets.kind !== "yes") return { kind: "failed", detail: offsets.detail };
  return {
    kind: "answered",
    acting: flagOf(probe, "acting"),
    instance: textOf(probe, "instance"),
    reading: { epoch: integerOf(offsets, "epoch"), maxOffset: offsetOf(offsets) },
    inSync: idsOf(offsets),
  };
}

function flagOf({ output }: ScriptAnswer, key: string): boolean {
  const value = output[key];
  if (typeof value !== "boolean") throw wrong(key, value, "true or false");
  return value;
}

function textOf({ output }: ScriptAnswer, key: string): string | null {
  const value = output[key] ?? null;
  if (value !== null && typeof value !== "string") throw wrong(key, value, "a text");
  return value;
}

/** -1: in none yet. */
function integerOf({ output }: ScriptAnswer, key: string): number {
  const value = output[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < noEpoch) {
    throw wrong(key, value, "a whole number from -1");
  }
  return value;
}

/** 64 bits are more than a number of JSON holds. */
function offsetOf({ output }: ScriptAnswer): bigint {
  const value = output["offset"];
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string" || !/^\d{1,18}$/.test(text)) {
    throw wrong("offset", value, "a whole number from 0, as a text above 2^53");
  }
  return BigInt(text);
}

function idsOf({ output }: ScriptAnswer): readonly number[] | null {
  const value = output["inSync"] ?? null;
  if (value === null) return null;
  if (!Array.isArray(value) || !value.every((id) => Number.isSafeInteger(id) && id > 0)) {
    throw wrong("inSync", value, "a list of members' ids");
  }
  return value;
}

function wrong(key: string, value: unknown, wanted: string): OperatorError {
  const given = JSON.stringify(value)?.slice(0, 80) ?? "nothing";
  return new OperatorError("ARB_EXEC_FAILED", `A script gave ${given} as ${key}, and not ${wanted}`, {
    hint: "docs/operations.md, Anything else by script, says what each script writes",
  });
}
