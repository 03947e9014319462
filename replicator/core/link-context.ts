import type { Acl } from "#lib/zookeeper/zookeeper.ts";
import type { BrakeConfig } from "./brake.ts";
import type { LinkLimits } from "./limits.ts";
import type { LinkCommand, LinkCounts, LinkNote } from "./link-events.ts";
import type { RuleSet } from "./rules/rules.ts";

export interface LinkOptions {
  readonly rules: RuleSet;
  /** `tombstoneMs`: with mode tombstone. */
  readonly deletes: BrakeConfig & { readonly mode: "mirror" | "keep" | "tombstone"; readonly tombstoneMs?: number };
  /** ACL of nodes the link creates. */
  readonly acl: readonly Acl[];
  /** ACLs are copied if their schemes are among these, and a created node gets the source's; undefined: they are not looked at. */
  readonly aclSchemes?: readonly string[] | undefined;
  readonly compareEveryMs: number;
  readonly pollEveryMs: number;
  /** A source that was lost for so long may be in reach of another replicator that waits: ours leaves the latch to it. */
  readonly yieldAfterMs: number;
  readonly limits?: Partial<LinkLimits>;
}

/** What the parts of a link share. */
export interface LinkContext {
  readonly options: LinkOptions;
  readonly limits: LinkLimits;
  readonly counts: LinkCounts;
  /** Source roots below which something is to be expected; a root that is itself the only node copied may come and go. */
  readonly guardedRoots: readonly string[];
  nextId(): number;
  emit(command: LinkCommand): void;
  note(note: LinkNote): void;
}
