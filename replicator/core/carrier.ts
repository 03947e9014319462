import type { Instant } from "#lib/clock.ts";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { ReadRequest, ReadResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createAnswers } from "./answers.ts";
import type { Brake, BrakeReason } from "./brake.ts";
import type { StopCode } from "./claim.ts";
import { evaluate } from "./evaluate.ts";
import { createFamily } from "./family.ts";
import type { LinkContext } from "./link-context.ts";
import type { Side, StoredCheckpoint, WriteOutcome } from "./link-events.ts";
import { createOutbox, type PendingWrite, toWriteOp } from "./outbox.ts";
import { isBelow } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { createRate } from "./rate.ts";
import { sourcesOf, translatePath } from "./rules/rules.ts";
import { type CarrierParts, settle, settleUnruled } from "./settle.ts";
import type { TargetIndex } from "./target-index.ts";
import type { Work } from "./work.ts";

/**
 * Carries changes over: dirty target path -> read all its sources -> evaluate -> compare with the index -> write -> done.
 * Level-triggered: "dirty" only says that the path may differ; what is written is what was read after that (I7).
 */
export interface Carrier {
  begin(claim: { epoch: bigint; checkpoint: StoredCheckpoint | undefined }, now: Instant): void;
  /** A watch event of the source. */
  changed(source: string, now: Instant): void;
  /** Takes the answer of a read it sent; ids it does not know are ignored. */
  read(answer: { id: number; results: readonly ReadResult[]; zxid: Zxid }, now: Instant): void;
  wrote(id: number, outcome: WriteOutcome, now: Instant): void;
  /** Whether the command of this id is its own and has no answer yet. */
  awaits(id: number): boolean;
  /** Sends what can be sent. `pass` is the number of the current or last compare. */
  pump(pass: number, now: Instant): void;
  /** Sessions are gone: everything in flight becomes dirty again. */
  abandon(): void;
  /** Whether this path's delete waits until nothing of the link is below it. */
  waitsForChildren(path: string): boolean;
  /** True once after events were dropped because too many paths were dirty. */
  takeOverflow(): boolean;
  readonly halt: { readonly code: StopCode; readonly detail: string } | undefined;
  readonly sourceZxid: Zxid;
}

type Read =
  | {
      readonly side: "source";
      readonly groups: readonly {
        readonly path: string;
        readonly sources: readonly string[];
        readonly first: number;
      }[];
      /** Source root -> index of its request. */
      readonly roots: ReadonlyMap<string, number>;
    }
  | { readonly side: "target"; readonly paths: readonly string[] };

export function createCarrier(core: {
  context: LinkContext;
  index: TargetIndex;
  problems: Problems;
  brake: Brake;
  work: Work;
}): Carrier {
  const { context, index, work, brake } = core;
  const { limits, counts, options } = context;
  const { rules } = options;
  const outbox = createOutbox(limits);
  const rate = createRate(limits.writesPerSecond);
  const parts: CarrierParts = { ...core, outbox, family: createFamily({ index, outbox, work }) };
  const recheck = new Set<string>();
  const answers = createAnswers(parts, (path) => recheck.add(path));
  const reads = new Map<number, Read>();
  const writes = new Map<number, readonly PendingWrite[]>();
  let epoch = 0n;
  let sourceZxid = 0n as Zxid;
  let pass = 0;
  let overflow = false;
  /** When the checkpoint was last written, and why the brake is engaged as it says there. */
  let saved: { at: Instant; braked: BrakeReason | undefined } = { at: 0 as Instant, braked: undefined };
  let halt: { code: StopCode; detail: string } | undefined;

  const takeSourceAnswer = (read: Read & { side: "source" }, results: readonly ReadResult[], now: Instant): void => {
    const emptyRoots = [...read.roots].flatMap(([root, at]) => {
      const reason = emptiness(results[at]);
      return reason === undefined ? [] : [{ root, reason }];
    });
    for (const { path, sources, first } of read.groups) {
      const desired = evaluate(rules, sources, results.slice(first, first + sources.length));
      if (desired.kind === "stop") halt ??= { code: "bad-data", detail: desired.detail };
      const emptyRoot = emptyRoots.find(({ root }) => sources.some((source) => isBelow(source, root)));
      settle(parts, path, desired, emptyRoot?.reason, now);
    }
  };

  const send = (read: Read, requests: readonly ReadRequest[]): void => {
    if (requests.length === 0) return;
    const id = context.nextId();
    const side: Side = read.side;
    reads.set(id, read);
    context.emit({ kind: "read", id, side, requests });
  };
  const sendTargetRead = (): void => {
    const paths = [...recheck].slice(0, limits.requestsPerRead);
    for (const path of paths) recheck.delete(path);
    send({ side: "target", paths }, paths.map(dataOf));
  };
  const sendSourceRead = (now: Instant): void => {
    const requests: ReadRequest[] = [];
    const groups: { path: string; sources: readonly string[]; first: number }[] = [];
    for (let path = work.next(); path !== undefined; path = work.next()) {
      const sources = sourcesOf(rules, path);
      if (requests.length > 0 && requests.length + sources.length > limits.requestsPerRead) break;
      work.begin(path);
      if (sources.length === 0) {
        work.finish(path);
        settleUnruled(parts, path);
        continue;
      }
      if (sources.length > limits.sourcesPerTarget) {
        work.hold(
          path,
          "ambiguous",
          `${sources.length} source paths could map to it, more than ${limits.sourcesPerTarget}`,
          now,
        );
        continue;
      }
      groups.push({ path, sources, first: requests.length });
      for (const source of sources) requests.push(dataOf(source));
    }
    const roots = new Map<string, number>();
    for (const root of context.guardedRoots) {
      if (!groups.some(({ sources }) => sources.some((source) => isBelow(source, root)))) continue;
      roots.set(root, requests.length);
      requests.push(dataOf(root));
    }
    send({ side: "source", groups, roots }, requests);
  };
  const sendWrite = (batch: readonly PendingWrite[], now: Instant): void => {
    const id = context.nextId();
    writes.set(id, batch);
    const ops = batch.map((write) => toWriteOp(write, options.acl));
    const checkpoint = { epoch, sourceZxid, rules: rules.hash, brake: brake.memory(now) };
    context.emit({ kind: "write", id, ops, checkpoint });
    saved = { at: now, braked: brake.engagement()?.reason };
  };
  const sendWrites = (now: Instant): void => {
    for (let allowed = rate.allowance(now); allowed > 0 && writes.size < limits.writesInFlight; ) {
      const { batch, stranded } = outbox.take(index.exists, allowed);
      for (const { path } of stranded) work.repeat(path);
      if (batch.length === 0) return;
      rate.spend(batch.length, now);
      allowed -= batch.length;
      sendWrite(batch, now);
    }
  };
  /** Alone, where no batch has carried it: the brake must survive a crash, and the checkpoint's mark say how long we looked. */
  const sendCheckpointIfDue = (now: Instant): void => {
    const isDue = saved.braked !== brake.engagement()?.reason || now - saved.at >= limits.checkpointEveryMs;
    if (isDue && writes.size < limits.writesInFlight) sendWrite([], now);
  };
  const hasRoom = (): boolean =>
    reads.size < limits.readsInFlight && outbox.ops < limits.outboxOps && outbox.bytes < limits.outboxBytes;

  return {
    begin(claim, now) {
      const { checkpoint } = claim;
      epoch = claim.epoch;
      saved = { at: now, braked: checkpoint?.brake.engaged?.reason };
      if (checkpoint !== undefined && checkpoint.sourceZxid > sourceZxid) sourceZxid = checkpoint.sourceZxid;
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
    read({ id, results, zxid }, now) {
      const read = reads.get(id);
      if (read === undefined) return;
      reads.delete(id);
      if (read.side === "target") {
        for (const [at, path] of read.paths.entries()) answers.rechecked(path, results[at], pass, now);
        return;
      }
      if (zxid > sourceZxid) sourceZxid = zxid;
      takeSourceAnswer(read, results, now);
    },
    awaits: (id) => reads.has(id) || writes.has(id),
    wrote(id, outcome, now) {
      const batch = writes.get(id);
      if (batch === undefined) return;
      writes.delete(id);
      outbox.release(batch);
      switch (outcome.kind) {
        case "applied":
          if (batch.length > 0) answers.applied(batch, outcome.results, pass, now);
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
    pump(currentPass, now) {
      pass = currentPass;
      while (recheck.size > 0 && reads.size < limits.readsInFlight) sendTargetRead();
      sendWrites(now);
      while (work.dirtyCount > 0 && hasRoom()) sendSourceRead(now);
      sendCheckpointIfDue(now);
    },
    abandon() {
      reads.clear();
      writes.clear();
      recheck.clear();
      outbox.clear();
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
