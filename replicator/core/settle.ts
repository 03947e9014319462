import type { Instant } from "#lib/clock.ts";
import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import type { Brake, BrakeReason } from "./brake.ts";
import type { Desired } from "./evaluate.ts";
import { hashData } from "./hash.ts";
import type { LinkContext } from "./link-context.ts";
import type { Outbox, PendingWrite } from "./outbox.ts";
import { parentOf } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { sourcesOf } from "./rules/rules.ts";
import type { TargetEntry, TargetIndex } from "./target-index.ts";
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
}

/** Paths that wait for their relatives. */
export interface Family {
  /** Creates that wait for a parent, by that parent. */
  readonly orphans: Map<string, Set<string>>;
  /** Deletes that wait until nothing of ours is below. */
  readonly parked: Set<string>;
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
  const { context, index, problems, brake, work } = parts;
  const entry = index.get(path);
  if (desired.kind !== "absent") brake.forget(path);
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
      settlePresent(parts, path, desired, entry, now);
      break;
    case "absent":
      problems.clear("target", path);
      if (entry === undefined) settleAbsentUnseen(parts, path);
      else settleAbsent(parts, path, entry, emptyRoot, now);
      break;
  }
}

/** Creates a node that no rule asks for, because something below it is asked for. Its own parents first. */
export function createPassage(parts: CarrierParts, path: string): void {
  const { index, outbox, work } = parts;
  const parent = parentOf(path);
  if (!index.exists(parent) && !outbox.has(parent)) createPassage(parts, parent);
  work.begin(path);
  put(parts, { path, kind: "create", data: null, hash: hashData(null), version: -1, passage: true });
}

function settlePresent(
  parts: CarrierParts,
  path: string,
  desired: { source: string; data: NodeData },
  entry: TargetEntry | undefined,
  now: Instant,
): void {
  const { context, index, problems, work, family } = parts;
  const { nodeBytes } = context.limits;
  const { source, data } = desired;
  const size = data?.length ?? 0;
  family.parked.delete(path);
  if (size > nodeBytes) {
    work.hold(path, "oversize", `${source} has ${size} bytes, more than the ${nodeBytes} that fit a packet`, now);
  } else if (index.isEphemeral(path)) {
    work.hold(path, "targetEphemeral", `A session in the target owns ${path}: ${source} is not copied over it`, now);
  } else if (entry === undefined) {
    create(parts, path, data, now);
  } else {
    problems.clear("target", path);
    const hash = hashData(data);
    if (entry.hash === hash) work.finish(path);
    else put(parts, { path, kind: "set", data, hash, version: entry.version, passage: false });
  }
}

function create(parts: CarrierParts, path: string, data: NodeData, now: Instant): void {
  const { context, index, problems, outbox, work, family } = parts;
  const parent = parentOf(path);
  const isThere = index.exists(parent) || outbox.has(parent);
  if (!isThere && sourcesOf(context.options.rules, parent).length > 0) {
    family.orphans.set(parent, (family.orphans.get(parent) ?? new Set()).add(path));
    work.hold(path, "parentMissing", `Waits for ${parent}, which is not in the target yet`, now);
    if (!work.isPending(parent)) work.mark(parent, undefined);
    return;
  }
  if (!isThere) createPassage(parts, parent);
  problems.clear("target", path);
  put(parts, { path, kind: "create", data, hash: hashData(data), version: -1, passage: false });
}

function settleAbsentUnseen(parts: CarrierParts, path: string): void {
  const { brake, work, family } = parts;
  brake.forget(path);
  if (family.orphans.has(path))
    put(parts, { path, kind: "create", data: null, hash: hashData(null), version: -1, passage: true });
  else work.finish(path);
}

function settleAbsent(
  parts: CarrierParts,
  path: string,
  entry: TargetEntry,
  emptyRoot: BrakeReason | undefined,
  now: Instant,
): void {
  const { context, index, brake, work, family } = parts;
  if (context.options.deletes.mode === "keep") {
    work.finish(path);
  } else if (index.children(path) > 0) {
    family.parked.add(path);
    work.finish(path);
  } else {
    const before = brake.engagement();
    if (emptyRoot !== undefined) brake.engage(emptyRoot, now);
    const admitted = brake.admit(path, index.size, now);
    const after = brake.engagement();
    if (before === undefined && after !== undefined) {
      context.note({ kind: "brake", engaged: true, reason: after.reason, held: brake.held.size });
    }
    if (admitted) put(parts, { path, kind: "delete", data: null, hash: 0, version: entry.version, passage: false });
    else work.finish(path);
  }
}

function put({ outbox, work }: CarrierParts, write: Omit<PendingWrite, "since">): void {
  outbox.add({ ...write, since: work.since(write.path) });
}
