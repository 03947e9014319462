import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#lib/errors.ts";

export interface EventuallyOptions {
  /** Gives up after this long, also when the check itself hangs. */
  readonly withinMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Repeats `check` until it returns without throwing, and gives back what it returned.
 * @throws the last failure, with the time it was given and the number of tries in front of its message.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions): Promise<T> {
  const { withinMs, everyMs = 20 } = options;
  const startedAt = performance.now();
  const deadline = AbortSignal.timeout(withinMs);
  let failure: unknown;
  let tries = 0;
  while (!deadline.aborted) {
    options.signal?.throwIfAborted();
    tries += 1;
    try {
      return await unlessAborted(check, deadline);
    } catch (error) {
      // A check that was cut off by the deadline says less than the failure before it.
      if (!deadline.aborted || failure === undefined) failure = error;
    }
    await delay(Math.min(everyMs, Math.max(0, withinMs - (performance.now() - startedAt))));
  }
  throw withContext(failure, `Not so after ${Math.round(performance.now() - startedAt)} ms and ${tries} tries`);
}

async function unlessAborted<T>(check: () => T | Promise<T>, deadline: AbortSignal): Promise<T> {
  const hung = Promise.withResolvers<never>();
  const onAbort = () => hung.reject(new Error("the check had not answered yet"));
  deadline.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([check(), hung.promise]);
  } finally {
    deadline.removeEventListener("abort", onAbort);
  }
}

/** Keeps the error object, so that an assertion's expected and actual values are still shown. */
function withContext(failure: unknown, context: string): unknown {
  if (!(failure instanceof Error)) return new Error(`${context}: ${messageOf(failure)}`);
  failure.message = `${context}: ${failure.message}`;
  return failure;
}
