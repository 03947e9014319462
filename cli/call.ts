import type { Paint } from "#lib/terminal.ts";
import type { Client } from "./client.ts";
import type { OutputFormat } from "./output.ts";

/** What every verb gets. */
export interface Call {
  readonly output: OutputFormat;
  readonly paint: Paint;
  readonly write: (output: string | Uint8Array) => void;
  readonly args: readonly string[];
  readonly flags: Flags;
  /** The daemons' doors; who is asked is looked up when a verb asks for it. */
  replicators(): Client;
  arbiters(): Client;
  routers(): Client;
}

export interface Flags {
  /** Given where the verb needs it. */
  readonly reason: string;
  readonly dryRun: boolean;
  readonly acceptDeletes: boolean;
  readonly sourceWins: boolean;
  readonly force: boolean;
  readonly show: string | undefined;
  readonly sites: string | undefined;
  readonly for: string | undefined;
  readonly master: string | undefined;
  readonly to: string | undefined;
  readonly policy: string | undefined;
  readonly limit: string | undefined;
  readonly idc: string | undefined;
  readonly toPreferred: boolean;
  readonly undo: boolean;
  readonly maxInFlight: string | undefined;
  readonly all: boolean;
  readonly brokers: string | undefined;
  readonly replicas: string | undefined;
}

export type FlagName = Exclude<keyof Flags, "reason">;

export interface Verb {
  /** As typed after the program: "set freeze", "status". */
  readonly name: string;
  /** "SET", "[LINK] PATH"; "" for none. */
  readonly args: string;
  readonly help: string;
  /** Of the flags beside --reason. */
  readonly flags?: readonly FlagName[];
  /** It changes something: --reason must be given, unless with --dry-run where `tries` says so. */
  readonly reason?: "needed" | "taken";
  /** @returns the exit code */
  readonly run: (call: Call) => Promise<number>;
}

/** A wrong call of a verb. Ends with exit code 2. */
export class UsageError extends Error {}

/** The only argument. @throws {UsageError} */
export function onlyArg({ args }: Call, verb: string, what: string): string {
  const [only, ...rest] = args;
  if (only === undefined) throw new UsageError(`${verb} needs ${what}`);
  if (rest[0] !== undefined) throw new UsageError(`${verb} does not take ${JSON.stringify(rest[0])}`);
  return only;
}

/** @throws {UsageError} */
export function noArgs({ args }: Call, verb: string): void {
  if (args[0] !== undefined) throw new UsageError(`${verb} does not take ${JSON.stringify(args[0])}`);
}
