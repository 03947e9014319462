/**
 * An error meant for the person on call: what was tried with which values (message), a stable code to search for, and what
 * to do next (hint). `cause` keeps the error beneath.
 */
export class OperatorError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, options: { hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** Exit codes of every program and of `./run`. */
export const exitCodes = {
  ok: 0,
  error: 1,
  usage: 2,
  refused: 3,
  noQuorum: 4,
  stillRunning: 5,
  different: 6,
} as const;

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
