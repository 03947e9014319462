import type { Instant } from "#lib/clock.ts";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { ReadRequest, ReadResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { type AclCopy, createAclCopy } from "./acl-copy.ts";
import type { AclIndex } from "./acl-index.ts";
import { createAnswers } from "./answers.ts";
import type { Brake, BrakeReason } from "./brake.ts";
import { createCheckpoints } from "./checkpoints.ts";
import type { StopCode } from "./claim.ts";
import { createRechecks } from "./drift.ts";
import { desiredOf, evaluate } from "./evaluate.ts";
import { createFamily } from "./family.ts";
import type { LinkContext } from "./link-context.ts";
import type { AclWriteOutcome, LinkEvent, Side, WriteOutcome } from "./link-events.ts";
import { createOutbox, type PendingWrite, toWriteOp } from "./outbox.ts";
import { isBelow, parentOf } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { createRate } from "./rate.ts";
import { createReadSize } from "./read-size.ts";
import { sourcesOf, type Translation, translatePath } from "./rules/rules.ts";
import { type CarrierParts, settle } from "./settle.ts";
import { createSourceAsks, type SourceRead } from "./source-asks.ts";
import type { TargetIndex } from "./target-index.ts";
import type { Tombstones } from "./tombstones.ts";
import type { Witnesses } from "./witnesses.ts";
import type { Work } from "./work.ts";

/**
 * Carries changes over: dirty target path -> read all its sources -> evaluate -> compare with the index -> write -> done.
 * Level-triggered: "dirty" only says that the path may differ; what is written is what was read after that (I7).
 */
export interface Carrier {
  /** `sourceWins`: also if the source has gone back. `over`: what others wrote since then, see Checkpoint.sourceWins. */
  begin(
    claim: LinkEvent & { kind: "claimed" },
    word: { readonly sourceWins: boolean; readonly over: Zxid | undefined },
    now: Instant,
  ): void;
  /** A watch event of the source. */
  changed(source: string, now: Instant): void;
  /**
   * A compare has just read the only source of this path, and it differs: settled like what was read here. False where the path
   * has to be read again: it is pending, so an event may be newer than the reading; other sources could stand behind it; its
   * parent is still to be looked at; or ACLs are copied, which are read with the data.
   */
  carry(said: { source: string; target: string; translation: Translation; zxid: Zxid }, now: Instant): boolean;
  /** Whether more may be read: not too much waits to be written. */
  readonly hasRoom: boolean;
  /** Takes the answer of a read it sent; ids it does not know are ignored. */
  read(answer: LinkEvent & { kind: "read" }, now: Instant): void;
  wrote(id: number, outcome: WriteOutcome, now: Instant): void;
  wroteAcls(id: number, outcome: AclWriteOutcome, now: Instant): void;
  /** Whether the command of this id is its own and has no answer yet. */
  awaits(id: number): boolean;
  /** Sends what can be sent. `pass` is the number of the current or last compare. */
  pump(pass: number, now: Instant): void;
  /** A compare has read the source at this transaction or later. */
  compared(sourceZxid: Zxid): void;
  /** Sessions are gone: everything in flight becomes dirty again. */
  abandon(): void;
  /** Whether this path's delete waits until nothing of the link is below it. */
  waitsForChildren(path: string): boolean;
  /** True once after events were dropped because too many paths were dirty. */
  takeOverflow(): boolean;
  readonly halt: { readonly code: StopCode; readonly detail: string } | undefined;
  readonly sourceZxid: Zxid;
}

type Read = SourceRead | { readonly side: "target"; readonly paths: readonly string[] };

export function createCarrier(core: {
  context: LinkContext;
  index: TargetIndex;
  /** Only where ACLs are copied. */
  acls: AclIndex | undefined;
  problems: Problems;
  brake: Brake;
  witnesses: Witnesses;
  work: Work;
  /** Only with deletes.mode tombstone. */
  tombstones: Tombstones | undefined;
}): Carrier {
  const { context, index, acls, witnesses, work, brake, tombstones } = core;
  const { limits, counts, options } = context;
  const { rules } = options;
  const outbox = createOutbox(limits);
  const rate = createRate(limits.writesPerSecond);
  const size = createReadSize(limits);
  const rechecks = createRechecks(limits.requestsPerRead);
  const aclCopy: AclCopy | undefined =
    acls === undefined || options.aclSchemes === undefined
      ? undefined
      : createAclCopy({ context, schemes: options.aclSchemes, acls, index, work, recheck: rechecks.ask });
  const parts: CarrierParts = { ...core, outbox, family: createFamily({ index, outbox, work }), rechecks, aclCopy };
  const answers = createAnswers(parts);
  const asks = createSourceAsks(parts);
  const reads = new Map<number, Read>();
  const writes = new Map<number, readonly PendingWrite[]>();
  const checkpoints = createCheckpoints(core);
  let sourceZxid = 0n as Zxid;
  let pass = 0;
  let overflow = false;
  /** Id of the last write that carried them. */
  let tombstonesId = 0;
  let halt: { code: StopCode; detail: string } | undefined;

  const takeSourceAnswer = (
    read: SourceRead,
    { results, acls: asked = [] }: LinkEvent & { kind: "read" },
    now: Instant,
  ): void => {
    const emptyRoots = [...read.roots].flatMap(([root, at]) => {
      const reason = emptiness(results[at]);
      return reason === undefined ? [] : [{ root, reason }];
    });
    for (const { path, sources, first, firstAcl } of read.groups) {
      const nodes = results.slice(first, first + sources.length);
      for (const [at, node] of nodes.entries()) witnesses.heard(sources[at] ?? path, node, read.since);
      const said = evaluate(rules, sources, nodes);
      const acls = firstAcl === undefined ? undefined : asked.slice(firstAcl, firstAcl + sources.length);
      const desired = aclCopy === undefined ? said : aclCopy.protect(path, said, { sources, nodes, acls });
      if (desired === "again") {
        work.repeat(path);
        continue;
      }
      if (desired.kind === "stop") halt ??= { code: "bad-data", detail: desired.detail };
      const emptyRoot = emptyRoots.find(({ root }) => sources.some((source) => isBelow(source, root)));
      settle(parts, path, desired, emptyRoot?.reason, now);
    }
  };

  const send = (read: Read, requests: readonly ReadRequest[], aclPaths: readonly string[]): void => {
    if (requests.length === 0) return;
    const id = context.nextId();
    const side: Side = read.side;
    reads.set(id, read);
    context.emit({ kind: "read", id, side, requests, ...(aclPaths.length === 0 ? {} : { acls: aclPaths }) });
  };
  const sendTargetReads = (): void => {
    while (reads.size < limits.readsInFlight) {
      const paths = rechecks.take(size.next);
      if (paths.length === 0) return;
      send({ side: "target", paths }, paths.map(dataOf), aclCopy === undefined ? [] : paths);
    }
  };
  const sendSourceRead = (now: Instant): void => {
    const { read, requests, aclPaths } = asks.next({ most: size.next, since: sourceZxid }, now);
    send(read, requests, aclPaths);
  };
  const sendWrite = (batch: readonly PendingWrite[], now: Instant): void => {
    const id = context.nextId();
    writes.set(id, batch);
    const ops = batch.map((write) => toWriteOp(write, options.acl));
    const journal = batch.flatMap(({ overwritten }) => overwritten ?? []);
    context.emit({ kind: "write", id, ops, journal, checkpoint: checkpoints.take(sourceZxid, now) });
  };
  const sendWrites = (now: Instant): void => {
    for (let allowed = rate.allowance(now); allowed > 0 && writes.size < limits.writesInFlight; ) {
      const { batch, stranded } = outbox.take(index.exists, allowed);
      for (const { path } of stranded) work.repeat(path);
      if (batch.length === 0) break;
      rate.spend(batch.length, now);
      allowed -= batch.length;
      sendWrite(batch, now);
    }
  };
  const sendAcls = (from: AclCopy, now: Instant): void => {
    for (let allowed = rate.allowance(now); allowed > 0 && from.queued > 0 && from.inFlight < limits.writesInFlight; ) {
      const id = context.nextId();
      const batch = from.take(id, allowed);
      rate.spend(batch.length, now);
      allowed -= batch.length;
      context.emit({ kind: "writeAcls", id, writes: batch, checkpoint: checkpoints.take(sourceZxid, now) });
    }
  };
  /** Alone, where no batch has carried it: the brake must survive a crash, and the checkpoint's mark say how long we looked. */
  const sendCheckpointIfDue = (now: Instant): void => {
    if (work.pending === 0) checkpoints.settled();
    if (tombstones?.wantsSaving(now) === true && writes.size < limits.writesInFlight) {
      sendTombstones(tombstones, now);
      return;
    }
    if (checkpoints.isDue(now) && writes.size < limits.writesInFlight) sendWrite([], now);
  };
  const sendTombstones = (from: Tombstones, now: Instant): void => {
    from.saving(now);
    tombstonesId = context.nextId();
    writes.set(tombstonesId, []);
    const list = from.list(now, limits.tombstoneBytes);
    const saving = { ...checkpoints.take(sourceZxid, now), tombstones: list };
    context.emit({ kind: "write", id: tombstonesId, ops: [], journal: [], checkpoint: saving });
  };
  /** All at once to the brake: before the first of them is deleted. */
  const markDueTombstones = (now: Instant): void => {
    const due = tombstones?.takeDue(now) ?? [];
    if (due.length === 0) return;
    const before = brake.engagement();
    brake.announce(due.length, index.size - outbox.deletes, now);
    const after = brake.engagement();
    if (before === undefined && after !== undefined)
      context.note({ kind: "brake", engaged: true, reason: after.reason, held: due.length });
    for (const path of due) work.mark(path, undefined);
  };
  const hasRoom = (): boolean =>
    outbox.ops + (aclCopy?.queued ?? 0) < limits.outboxOps && outbox.bytes < limits.outboxBytes;

  return {
    begin(claim, word, now) {
      const { checkpoint } = claim;
      checkpoints.begin(claim, word.over, now);
      const known = checkpoint?.sourceZxid ?? (0n as Zxid);
      if (word.sourceWins || known > sourceZxid) sourceZxid = known;
      if (word.sourceWins) witnesses.clear();
      else witnesses.recall(checkpoint?.witnesses ?? []);
      aclCopy?.begin(claim.own ?? [], word.sourceWins);
    },
    changed(source, now) {
      const outcome = translatePath(rules, source);
      if (outcome.kind === "ignored" || outcome.kind === "unruled") {
        counts.eventsIgnored += 1;
        return;
      }
      counts.events += 1;
      if (outcome.kind !== "copy") return;
      if (work.dirtyCount >= limits.dirtyPaths && !work.isPending(outcome.target)) {
        if (!overflow) context.note({ kind: "dirtyOverflow" });
        overflow = true;
        return;
      }
      work.mark(outcome.target, now);
    },
    carry({ source, target, translation, zxid }, now) {
      if (aclCopy !== undefined || work.isPending(target) || sourcesOf(rules, target).length !== 1) return false;
      const parent = parentOf(target);
      if (!index.exists(parent) && !outbox.has(parent) && sourcesOf(rules, parent).length > 0) return false;
      if (zxid > sourceZxid) sourceZxid = zxid;
      work.begin(target);
      const desired = desiredOf(source, translation);
      if (desired.kind === "stop") halt ??= { code: "bad-data", detail: desired.detail };
      settle(parts, target, desired, undefined, now);
      return true;
    },
    get hasRoom() {
      return hasRoom();
    },
    read(answer, now) {
      const { id, results, zxid } = answer;
      const read = reads.get(id);
      if (read === undefined) return;
      reads.delete(id);
      size.answered(results);
      if (read.side === "target") {
        for (const [at, path] of read.paths.entries()) {
          const fault = aclCopy?.found(path, results[at], answer.acls?.[at]);
          if (fault === undefined) answers.rechecked(path, results[at], pass, now);
          else work.hold(path, "acl", fault, now);
        }
        return;
      }
      if (zxid > sourceZxid) sourceZxid = zxid;
      takeSourceAnswer(read, answer, now);
    },
    awaits: (id) => reads.has(id) || writes.has(id) || aclCopy?.awaits(id) === true,
    wrote(id, outcome, now) {
      const batch = writes.get(id);
      if (batch === undefined) return;
      writes.delete(id);
      outbox.release(batch);
      if (id === tombstonesId) tombstones?.saved(outcome.kind === "applied");
      switch (outcome.kind) {
        case "applied":
          if (batch.length > 0) answers.applied(batch, outcome, pass, now);
          break;
        case "refused":
          for (const [at, write] of batch.entries()) {
            if (at === outcome.failedAt) answers.refused(write, outcome.code, pass, now);
            else outbox.add(write);
          }
          break;
        case "fenced":
          halt ??= { code: "fenced", detail: outcome.detail };
          break;
      }
    },
    wroteAcls(id, outcome, now) {
      if (aclCopy?.awaits(id) !== true) return;
      if (outcome.kind === "fenced") halt ??= { code: "fenced", detail: outcome.detail };
      else aclCopy.wrote(id, outcome, now);
    },
    pump(currentPass, now) {
      pass = currentPass;
      markDueTombstones(now);
      sendTargetReads();
      sendWrites(now);
      if (aclCopy !== undefined) sendAcls(aclCopy, now);
      while ((work.dirtyCount > 0 || rechecks.next !== undefined) && reads.size < limits.readsInFlight && hasRoom()) {
        sendSourceRead(now);
        sendTargetReads();
      }
      sendCheckpointIfDue(now);
    },
    compared(zxid) {
      if (zxid > sourceZxid) sourceZxid = zxid;
    },
    abandon() {
      for (const batch of writes.values()) for (const { path, hash } of batch) index.doubt(path, hash);
      reads.clear();
      writes.clear();
      rechecks.clear();
      outbox.clear();
      tombstones?.saved(false);
      aclCopy?.abandon();
      halt = undefined;
      // The compare to come finds out anew who waits for whom.
      parts.family.clear();
      work.abandon();
    },
    waitsForChildren: parts.family.isParked,
    takeOverflow() {
      const was = overflow;
      overflow = false;
      return was;
    },
    get halt() {
      return halt;
    },
    get sourceZxid() {
      return sourceZxid;
    },
  };
}

function emptiness(result: ReadResult | undefined): BrakeReason | undefined {
  if (result?.kind === "error" && result.code === errorCodes.noNode) return "sourceRootMissing";
  if (result?.kind === "data" && result.stat.numChildren === 0) return "sourceRootEmpty";
  return undefined;
}

function dataOf(path: string): ReadRequest {
  return { kind: "data", path };
}
