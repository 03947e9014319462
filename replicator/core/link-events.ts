import type { Instant } from "#lib/clock.ts";
import type {
  Acl,
  MultiOutcome,
  ReadRequest,
  ReadResult,
  Stat,
  WatchEventKind,
  WriteOp,
  Zxid,
} from "#lib/zookeeper/zookeeper.ts";
import type { Identity } from "./acl.ts";
import type { BrakeMemory, BrakeReason } from "./brake.ts";
import type { Fence, StopCode } from "./claim.ts";
import type { DriftKind, Overwritten } from "./drift.ts";
import type { Problem, ProblemKind } from "./problems.ts";
import type { Tombstone } from "./tombstones.ts";
import type { PhaseName } from "./transitions.ts";
import type { Witness } from "./witnesses.ts";

export type Side = "source" | "target";

/** What happens to a link. Answers carry the id of the command they answer; late ones of a lost session are ignored. */
export type LinkEvent =
  /** `resumed`: the same session as before. In a new one the latch is no longer held. */
  | { readonly kind: "connected"; readonly side: Side; readonly resumed: boolean }
  | { readonly kind: "disconnected"; readonly side: Side }
  /** Another replicator leads, or none is known to; told as often as it changes. */
  | { readonly kind: "waiting"; readonly id: number; readonly leader: string }
  /** `kept`: by the very node of the latch that the last claim was made under. */
  | { readonly kind: "leading"; readonly id: number; readonly kept: boolean }
  /** `checkpoint`: as the last writer left it; undefined where nothing was ever carried over. */
  | {
      readonly kind: "claimed";
      readonly id: number;
      readonly fence: Fence;
      readonly checkpoint: StoredCheckpoint | undefined;
      /** Who we are for the target; only where ACLs are copied. */
      readonly own?: readonly Identity[];
      /** As last saved; only with deletes.mode tombstone. */
      readonly tombstones?: readonly Tombstone[];
      readonly pause: Pause | undefined;
    }
  | { readonly kind: "claimRefused"; readonly id: number; readonly code: StopCode; readonly detail: string }
  | { readonly kind: "armed"; readonly id: number; readonly watch: WatchMode }
  /** A command got no answer although its session stands, or lost it: the core knows which from what it still awaits. */
  | { readonly kind: "failed"; readonly id: number; readonly detail: string }
  /** The target's watch on our fence: somebody deleted it. @param name of its znode */
  | { readonly kind: "fenceGone"; readonly name: string }
  /** Whether the link is paused, as last seen in the target. */
  | { readonly kind: "pauseSeen"; readonly pause: Pause | undefined }
  | { readonly kind: "changed"; readonly path: string; readonly change: WatchEventKind }
  | {
      readonly kind: "read";
      readonly id: number;
      readonly results: readonly ReadResult[];
      readonly zxid: Zxid;
      /** Those of the command's `acls`. */
      readonly acls?: readonly AclResult[];
    }
  | { readonly kind: "wrote"; readonly id: number; readonly outcome: WriteOutcome }
  | { readonly kind: "wroteAcls"; readonly id: number; readonly outcome: AclWriteOutcome }
  | { readonly kind: "compareAsked" }
  | { readonly kind: "deletesAccepted" }
  /**
   * A stopped link is to try again. `sourceWins`: over what others wrote in the target while nobody watched, and also if the
   * source has gone back. `init`: with a new fence where there is none to take over.
   */
  | { readonly kind: "resumeAsked"; readonly sourceWins: boolean; readonly init: boolean }
  | { readonly kind: "tick" };

/** `fenced`: the fence was not there, nothing of the batch was applied. Indexes are those of the command's ops. */
export type WriteOutcome = MultiOutcome | { readonly kind: "fenced"; readonly detail: string };

export type AclResult =
  | { readonly kind: "acl"; readonly acl: readonly Acl[]; readonly stat: Stat }
  | { readonly kind: "error"; readonly code: number };

export interface AclWrite {
  readonly path: string;
  readonly acl: readonly Acl[];
  /** The one it must meet. */
  readonly aversion: number;
  /** Somebody else's, to be kept in the journal before it is replaced. */
  readonly overwritten: Overwritten | undefined;
}

export type AclWriteResult =
  | { readonly kind: "set"; readonly stat: Stat }
  | { readonly kind: "error"; readonly code: number };

/** Each ACL stands alone. `fenced`: the fence was not there, none was set. */
export type AclWriteOutcome =
  | { readonly kind: "done"; readonly results: readonly AclWriteResult[] }
  | { readonly kind: "fenced"; readonly detail: string };

/** recursive: one persistent recursive watch per root. polling: the source is older than 3.6, changes are found by comparing. */
export type WatchMode = "recursive" | "polling";

/** An operator's word that nothing is to be carried over until he takes it back. Stands in the target. */
export interface Pause {
  readonly reason: string;
  /** Wall time, ISO 8601. For people. */
  readonly at: string;
}

export interface ClaimRequest {
  /** Claimed by this process before the sessions were lost: it must still stand, and is not raised. */
  readonly held: Fence | undefined;
  /** The highest source zxid that this process has read at: a source behind it has gone back, as one behind the checkpoint. */
  readonly seen: Zxid;
  /** What this process has heard of the source. */
  readonly witnesses: readonly Witness[];
  /** The source counts, also if it has gone back. */
  readonly sourceWins: boolean;
  readonly init: boolean;
}

/** What the shell has to do, in order. */
export type LinkCommand =
  /** Queue for the lead; answered when this process leads. */
  | { readonly kind: "lead"; readonly id: number }
  /** Leave the queue if another waits in it. */
  | { readonly kind: "yield" }
  | ({ readonly kind: "claim"; readonly id: number } & ClaimRequest)
  | { readonly kind: "arm"; readonly id: number; readonly roots: readonly string[] }
  | {
      readonly kind: "read";
      readonly id: number;
      readonly side: Side;
      readonly requests: readonly ReadRequest[];
      /** Paths whose ACLs are read too, after the requests; only where ACLs are copied. */
      readonly acls?: readonly string[];
    }
  /** `journal`: what these operations overwrite of somebody else's, to be kept in the same multi. */
  | {
      readonly kind: "write";
      readonly id: number;
      readonly ops: readonly WriteOp[];
      readonly journal: readonly Overwritten[];
      readonly checkpoint: Checkpoint;
    }
  | {
      readonly kind: "writeAcls";
      readonly id: number;
      readonly writes: readonly AclWrite[];
      readonly checkpoint: Checkpoint;
    }
  | { readonly kind: "note"; readonly note: LinkNote };

/** Stands in the target and is written in the same multi as what it speaks of. */
export interface Checkpoint {
  /** Under which it is written: the multi checks it first. */
  readonly fence: Fence;
  /** The latest source zxid that a written value was read at. */
  readonly sourceZxid: Zxid;
  readonly rules: string;
  readonly brake: BrakeMemory;
  readonly witnesses: readonly Witness[];
  /**
   * An operator has let the source win over what others wrote in the target since this zxid of the target, and it is not all
   * carried out yet.
   */
  readonly sourceWins: Zxid | undefined;
  /** Those there are now, where they are to be saved too. */
  readonly tombstones?: readonly Tombstone[];
}

/** As found in the target. */
export interface StoredCheckpoint extends Omit<Checkpoint, "fence" | "tombstones"> {
  readonly epoch: bigint;
  /** The target's zxid of its last writing: what the link wrote is not newer. */
  readonly mark: Zxid;
}

/** What happened, for the log and the metrics. */
export type LinkNote =
  | {
      readonly kind: "phase";
      readonly from: PhaseName;
      readonly to: PhaseName;
      readonly why: string;
      readonly detail?: string;
    }
  | {
      readonly kind: "applied";
      readonly creates: number;
      readonly sets: number;
      readonly deletes: number;
      /** How many of them have set drift right. */
      readonly repaired: Readonly<Record<DriftKind, number>>;
      readonly lagsMs: readonly number[];
    }
  | { readonly kind: "problem"; readonly problem: Omit<Problem, "since"> }
  | {
      readonly kind: "brake";
      readonly engaged: boolean;
      readonly reason: BrakeReason | undefined;
      readonly held: number;
    }
  /** Somebody else did this to a target node, and the link is about to set it right. */
  | { readonly kind: "drift"; readonly path: string; readonly did: DriftKind | "aclChanged" }
  | { readonly kind: "aclsSet"; readonly acls: number }
  | { readonly kind: "refused"; readonly path: string; readonly op: WriteOp["kind"] | "acl"; readonly code: number }
  | {
      readonly kind: "compared";
      readonly sourceNodes: number;
      readonly targetNodes: number;
      readonly differences: number;
      readonly tookMs: number;
    }
  | { readonly kind: "dirtyOverflow" };

/** Cheap: may be asked for after every step. */
export interface LinkProgress {
  readonly phase: PhaseName;
  readonly stopped: { readonly code: StopCode; readonly detail: string } | undefined;
  readonly connected: Readonly<Record<Side, boolean>>;
  /** Who leads while this process waits. */
  readonly leader: string | undefined;
  readonly pause: Pause | undefined;
  readonly epoch: bigint | undefined;
  readonly sourceZxid: Zxid;
  readonly watch: WatchMode | undefined;
  readonly rules: string;
  /** Paths known to have changed whose write is not acknowledged yet. */
  readonly pending: number;
  /** Everything known has been carried over: nothing pending, no compare under way. */
  readonly idle: boolean;
  readonly targetNodes: number;
  /** Target nodes whose source is gone, and whose time is not over yet. */
  readonly tombstones: number;
  readonly comparing: { readonly stage: Side; readonly nodes: number } | undefined;
  readonly lastCompare:
    | {
        readonly at: Instant;
        readonly sourceNodes: number;
        readonly targetNodes: number;
        readonly differences: number;
        readonly tookMs: number;
      }
    | undefined;
  readonly brake: {
    readonly engaged: boolean;
    readonly reason: BrakeReason | undefined;
    readonly since: Instant | undefined;
    readonly held: number;
  };
  readonly problemCounts: Readonly<Partial<Record<ProblemKind, number>>>;
  readonly counts: Readonly<LinkCounts>;
}

/** For whoever looks now and then: walks over everything pending and held back. */
export interface LinkStatus extends LinkProgress {
  readonly oldestPendingSince: Instant | undefined;
  readonly problems: readonly Problem[];
}

export interface LinkCounts {
  created: number;
  updated: number;
  deleted: number;
  aclsSet: number;
  /** Events under the rules, and events under none. */
  events: number;
  eventsIgnored: number;
  skipped: number;
  drift: number;
  refused: number;
  compares: number;
}
