import type { Instant } from "#lib/clock.ts";
import type { AskId } from "./events.ts";
import type { SwitchRecord } from "./model.ts";
import type { BrokerReading } from "./set-view.ts";

/** What one site has under way of a planned switch: its barrier, and the answer that somebody waits for. */

const longAgo = -1_000_000 as Instant;

/** How the named replica moves on, before the barrier is raised. */
interface Pace {
  readonly since: Instant;
  /** At which end it was read last. */
  end: bigint | null;
  changedAt: Instant;
  /** When it moved on after it had stood still. */
  movedAt: Instant | null;
  /** How often it has moved on without having stood still. */
  quick: number;
}

/** How far this site is with the barrier of one planned switch. */
export interface BarrierWork {
  /** null: not looked at yet. */
  pace: Pace | null;
  /** A 25 is under way. */
  asking: boolean;
  askedAt: Instant;
  /** The switch's record is being written. */
  writing: boolean;
  /** A 25 that raises it was sent. */
  mayBeRaised: boolean;
  /** When the 25 that raises it was answered; null: it was not. */
  raisedAt: Instant | null;
  /** Why the last 25 did nothing. */
  detail: string;
  /** The old master's last two readings behind the barrier. */
  ends: readonly BrokerReading[];
  /** Since when this site has had no quorum. */
  aloneSince: Instant | null;
  /** It lowered the barrier by itself. */
  loweredAlone: boolean;
  /** When the last switch's record went. */
  endedAt: Instant;
}

/** A switch on the way from its asking to its answer. */
export interface SwitchAsk {
  readonly ask: AskId;
  /** An operator's request, a 1002 by name, or this arbiter's own wish to bring a master home. */
  readonly by: "operator" | "tool" | "return";
  /** For the audit log. */
  readonly who: string;
  readonly to: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly since: Instant;
  /** Of the switch that it has put, or is putting, into the ledger. */
  id: string | null;
  /** That is under way: the watch may tell of it first. */
  writing: boolean;
  /** When the ledger's answer to that was given up. */
  unansweredAt: Instant | null;
  /** What the ledger last said of it. */
  seen: SwitchRecord | null;
}

export function newBarrierWork(): BarrierWork {
  return {
    pace: null,
    asking: false,
    askedAt: longAgo,
    writing: false,
    mayBeRaised: false,
    raisedAt: null,
    detail: "",
    ends: [],
    aloneSince: null,
    loweredAlone: false,
    endedAt: longAgo,
  };
}
