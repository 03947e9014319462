import type { Instant } from "#lib/clock.ts";
import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import type { AclCopy, WantedAcl } from "./acl-copy.ts";
import type { Brake, BrakeReason } from "./brake.ts";
import type { Found, Rechecks } from "./drift.ts";
import type { Desired } from "./evaluate.ts";
import type { Family } from "./family.ts";
import { hashData } from "./hash.ts";
import type { LinkContext } from "./link-context.ts";
import type { Outbox, PendingWrite } from "./outbox.ts";
import { parentOf } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { sourcesOf } from "./rules/rules.ts";
import { isUnchanged, type TargetEntry, type TargetIndex } from "./target-index.ts";
import type { Tombstones } from "./tombstones.ts";
import type { Work } from "./work.ts";

/** What the carrying parts of a link share. */
export interface CarrierParts {
  readonly context: LinkContext;
  readonly index: TargetIndex;
  readonly problems: Problems;
  readonly brake: Brake;
  readonly work: Work;
  readonly outbox: Outbox;
  readonly family: Family;
  /** Only where ACLs are copied. */
  readonly aclCopy: AclCopy | undefined;
  readonly rechecks: Rechecks;
  /** Only with deletes.mode tombstone. */
  readonly tombstones: Tombstones | undefined;
}

/**
 * Turns what a path should be into a write, or into nothing, or into a reason to wait. `emptyRoot`: the source root above it
 * was missing or empty in the same reading.
 */
export function settle(
  parts: CarrierParts,
  path: string,
  desired: Desired,
  emptyRoot: BrakeReason | undefined,
  now: Instant,
): void {
  const { context, index, problems, brake, work, family, rechecks } = parts;
  const entry = index.get(path);
  const found = rechecks.takeFound(path);
  if (desired.kind !== "absent") {
    brake.forget(path);
    parts.tombstones?.clear(path);
  }
  family.stopWaiting(path);
  switch (desired.kind) {
    case "held":
      work.hold(path, desired.problem, desired.detail, now);
      break;
    case "stop":
      work.hold(path, "badData", desired.detail, now);
      break;
    case "skipped":
      context.counts.skipped += 1;
      problems.clear("target", path);
      work.finish(path);
      break;
    case "present":
      settlePresent(parts, path, desired, { entry, found }, now);
      break;
    case "absent":
      problems.clear("target", path);
      if (entry === undefined) settleAbsentUnseen(parts, path);
      else settleAbsent(parts, path, { entry, found }, emptyRoot, now);
      break;
  }
  family.settled(path);
}

/** The same for a path that no rule leads to: it is created only if something below it waits for it. */
export function settleUnruled(parts: CarrierParts, path: string): void {
  const { index, problems, family } = parts;
  problems.clear("target", path);
  family.stopWaiting(path);
  if (family.isAwaited(path) && !index.exists(path)) createPassage(parts, path);
  family.settled(path);
}

/** Creates a node that the source does not ask for, because something below it waits for it. False: its parent comes first. */
function createPassage(parts: CarrierParts, path: string): boolean {
  if (!bringParent(parts, path)) return false;
  const { work, family } = parts;
  family.stopWaiting(path);
  if (!work.isBusy(path)) work.begin(path);
  put(parts, { path, kind: "create", data: null, hash: hashData(null), version: -1, passage: true });
  return true;
}

/** Sees to it that the parent comes. False: `path` has to wait for it, and is marked once it is there. */
function bringParent(parts: CarrierParts, path: string): boolean {
  const { context, index, outbox, work, family } = parts;
  const parent = parentOf(path);
  if (index.exists(parent) || outbox.has(parent)) return true;
  const isRuled = sourcesOf(context.options.rules, parent).length > 0;
  if (!isRuled && createPassage(parts, parent)) return true;
  family.waitForParent(path);
  if (isRuled && !work.isPending(parent)) work.mark(parent, undefined);
  return false;
}

function settlePresent(
  parts: CarrierParts,
  path: string,
  desired: { source: string; data: NodeData; acl?: WantedAcl },
  { entry, found }: { entry: TargetEntry | undefined; found: Found | undefined },
  now: Instant,
): void {
  const { context, index, problems, work, family } = parts;
  const { nodeBytes } = context.limits;
  const { source, data } = desired;
  const size = data?.length ?? 0;
  family.unpark(path);
  if (size > nodeBytes) {
    work.hold(path, "oversize", `${source} has ${size} bytes, more than the ${nodeBytes} that fit a packet`, now);
  } else if (index.isEphemeral(path)) {
    work.hold(path, "targetEphemeral", `A session in the target owns ${path}: ${source} is not copied over it`, now);
  } else if (entry === undefined) {
    create(parts, path, desired, now);
  } else {
    problems.clear("target", path);
    settleBoth(parts, path, desired, { entry, found });
  }
}

/** A node that is there: its data and, where it is copied, its ACL. */
function settleBoth(
  parts: CarrierParts,
  path: string,
  { data, acl }: { data: NodeData; acl?: WantedAcl },
  { entry, found }: { entry: TargetEntry; found: Found | undefined },
): void {
  const { aclCopy, index, work } = parts;
  const { hash: present, version } = entry;
  const hash = hashData(data);
  const order = aclCopy?.order(path, acl) ?? "fits";
  if (order === "unknown") work.repeat(path);
  else if (acl !== undefined && (order === "first" || (order === "after" && hash === present))) aclCopy?.set(path, acl);
  else if (hash === present) {
    index.adopt(path);
    work.finish(path);
  } else if (isAtHand(parts, path, entry, found)) {
    put(parts, { path, kind: "set", data, hash, version, passage: false }, found);
    if (order === "after") work.mark(path, undefined);
  }
}

function create(
  parts: CarrierParts,
  path: string,
  { data, acl }: { data: NodeData; acl?: WantedAcl },
  now: Instant,
): void {
  const { problems, work } = parts;
  if (bringParent(parts, path)) {
    problems.clear("target", path);
    put(parts, { path, kind: "create", data, hash: hashData(data), version: -1, passage: false, acl });
  } else work.hold(path, "parentMissing", `Waits for ${parentOf(path)}, which is not in the target yet`, now);
}

function settleAbsentUnseen(parts: CarrierParts, path: string): void {
  const { index, brake, work, family } = parts;
  brake.forget(path);
  parts.tombstones?.clear(path);
  const isToCome = family.isAwaited(path) && !index.isEphemeral(path);
  if (!isToCome || !createPassage(parts, path)) work.finish(path);
}

function settleAbsent(
  parts: CarrierParts,
  path: string,
  { entry, found }: { entry: TargetEntry; found: Found | undefined },
  emptyRoot: BrakeReason | undefined,
  now: Instant,
): void {
  const { context, index, brake, work, outbox, family, tombstones } = parts;
  if (context.options.deletes.mode === "keep" || tombstones?.isDue(path, now) === false) {
    work.finish(path);
  } else if (family.isNeeded(path)) {
    family.park(path);
    work.finish(path);
  } else if (entry.children > 0) {
    keepForChildren(parts, path, now);
  } else if (isAtHand(parts, path, entry, found)) {
    const before = brake.engagement();
    const admitted = brake.admit(path, index.size - outbox.deletes, emptyRoot, now);
    const after = brake.engagement();
    if (before === undefined && after !== undefined) {
      context.note({ kind: "brake", engaged: true, reason: after.reason, held: brake.held.size });
    }
    if (admitted)
      put(parts, { path, kind: "delete", data: null, hash: 0, version: entry.version, passage: false }, found);
    else work.finish(path);
  }
}

/** Gone at the source, but nodes that are not the link's are below it: looked at again by the next compare. */
export function keepForChildren({ brake, work, family }: CarrierParts, path: string, now: Instant): void {
  brake.forget(path);
  family.park(path);
  work.hold(
    path,
    "keptForChildren",
    `${path} is gone at the source, but nodes that are not the link's are below it`,
    now,
  );
}

/**
 * Somebody else's bytes go to the journal when they are overwritten: false if they have to be read first, as the node is now.
 * Then the path stays busy and is settled again.
 */
function isAtHand({ rechecks }: CarrierParts, path: string, entry: TargetEntry, found: Found | undefined): boolean {
  if (entry.foreign === undefined || (found !== undefined && isUnchanged(entry, found))) return true;
  rechecks.ask(path);
  return false;
}

/** @param found the node that it overwrites, as it was read last */
function put(
  { context, index, outbox, work }: CarrierParts,
  write: Omit<PendingWrite, "since" | "repairs" | "overwritten">,
  found?: Found,
): void {
  const { path } = write;
  const foreign = index.get(path)?.foreign;
  const repairs = foreign ?? (index.isLost(path) ? "deleted" : undefined);
  if (repairs !== undefined) {
    context.counts.drift += 1;
    context.note({ kind: "drift", path, did: repairs });
  }
  const overwritten = foreign === undefined || found === undefined ? undefined : { ...found, path, kind: foreign };
  outbox.add({ ...write, since: work.since(path), repairs, overwritten });
}
