import type { Clock } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
import type { Survey } from "./survey.ts";

/** Looks at both trees for an operator: one look at a time, as each reads them in full. */
export interface Inspection {
  /** @throws {OperatorError} REP_BUSY */
  plan(signal: AbortSignal): Promise<Survey>;
  /** As `plan`, but what is only being carried over right now does not count as a difference. */
  verify(signal: AbortSignal): Promise<Survey>;
}

/** Differences count only if they are still there after so many looks. */
const verifyLooks = 3;
const verifyPauseMs = 500;

export function createInspection(parts: {
  link: string;
  clock: Clock;
  look: (signal: AbortSignal) => Promise<Survey>;
}): Inspection {
  const { link, clock } = parts;
  let looking = false;
  const plan = async (signal: AbortSignal): Promise<Survey> => {
    if (looking) {
      throw new OperatorError("REP_BUSY", `Link ${link} is being surveyed already`, {
        hint: "A plan or a verify reads both trees in full: one at a time. Try again when the other is done",
      });
    }
    looking = true;
    try {
      return await parts.look(signal);
    } finally {
      looking = false;
    }
  };
  return {
    plan,
    async verify(signal) {
      let result = await plan(signal);
      for (let looks = 1; looks < verifyLooks && result.differences.length > 0; looks++) {
        await clock.sleep(verifyPauseMs, { signal });
        result = stillDifferent(result, await plan(signal));
      }
      return result;
    },
  };
}

function stillDifferent(before: Survey, now: Survey): Survey {
  const keyOf = ({ action, target }: { action: string; target: string }): string => `${action} ${target}`;
  const known = new Set(before.differences.map(keyOf));
  const differences = now.differences.filter((difference) => known.has(keyOf(difference)));
  const count = (action: string): number => differences.filter((difference) => difference.action === action).length;
  const counts = { create: count("create"), update: count("update"), delete: count("delete"), acl: count("acl") };
  return { ...now, differences, counts };
}
