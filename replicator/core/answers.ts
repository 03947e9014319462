import type { Instant } from "#lib/clock.ts";
import { errorCodes, errorName } from "#lib/zookeeper/errors.ts";
import type { ReadResult, WriteResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { hashData } from "./hash.ts";
import type { PendingWrite } from "./outbox.ts";
import { parentOf } from "./paths.ts";
import { sourcesOf } from "./rules/rules.ts";
import { type CarrierParts, keepForChildren } from "./settle.ts";

/** What an answer of the target means for the index and for the path's further way. `pass` is the number of the last compare. */
export interface Answers {
  /** `zxid`: the batch's own, or a later one. */
  applied(
    batch: readonly PendingWrite[],
    answer: { readonly results: readonly WriteResult[]; readonly zxid: Zxid },
    pass: number,
    now: Instant,
  ): void;
  refused(write: PendingWrite, code: number, pass: number, now: Instant): void;
  /** The target's node was read again, because a write met something else than the index said. */
  rechecked(path: string, result: ReadResult | undefined, pass: number, now: Instant): void;
}

export function createAnswers(parts: CarrierParts): Answers {
  const { context, index, work, family, rechecks } = parts;
  const { counts, limits } = context;
  const attempts = new Map<string, number>();

  const isRuled = (path: string): boolean => sourcesOf(context.options.rules, path).length > 0;
  const written = (path: string, seen: { hash: number; version: number; mzxid: Zxid; pass: number }): void => {
    index.put(path, seen);
    const entry = index.get(path);
    if (entry !== undefined) entry.seenInSource = seen.pass;
  };
  const gone = (path: string): void => {
    const parent = parentOf(path);
    index.remove(path);
    index.countChild(parent, -1);
    family.unpark(path);
    family.settled(path);
    parts.tombstones?.clear(path);
  };
  /** As read now. Whoever changed it since the link last saw it was somebody else. */
  const present = (path: string, { data, stat }: ReadResult & { kind: "data" }, pass: number): void => {
    const { version, mzxid, numChildren: children } = stat;
    const hash = hashData(data);
    const foreign = index.changeOf(path, { version, mzxid, hash });
    index.put(path, { hash, version, mzxid, pass, children, foreign });
  };
  const lost = (path: string): void => {
    gone(path);
    index.lose(path);
  };
  /** A node that only stands there for those below it: gone again with the last of them, or at once if none comes any more. */
  const leaveWithChildren = (path: string): void => {
    family.park(path);
    if (!family.isNeeded(path)) work.mark(path, undefined);
  };
  const created = (write: PendingWrite, mzxid: Zxid, pass: number): void => {
    const { path } = write;
    if (write.passage && !isRuled(path)) index.addPassage(path);
    else {
      written(path, { hash: write.hash, version: newNodeVersion, mzxid, pass });
      if (write.passage) leaveWithChildren(path);
    }
    family.arrived(path);
  };
  const appliedOne = (write: PendingWrite, result: WriteResult | undefined, zxid: Zxid, pass: number): void => {
    attempts.delete(write.path);
    switch (write.kind) {
      case "create":
        counts.created += 1;
        index.countChild(parentOf(write.path), 1);
        if (write.acl !== undefined) parts.aclCopy?.created(write.path, write.acl, zxid);
        created(write, zxid, pass);
        break;
      case "set":
        counts.updated += 1;
        if (result?.kind === "set") {
          const { version, mzxid } = result.stat;
          written(write.path, { hash: write.hash, version, mzxid, pass });
        }
        break;
      case "delete":
        counts.deleted += 1;
        gone(write.path);
        break;
    }
    work.finish(write.path);
  };
  const giveUp = (write: PendingWrite, code: number, now: Instant): void => {
    const { path, kind } = write;
    attempts.delete(path);
    const isAcl = write.acl !== undefined && code === errorCodes.invalidAcl;
    work.hold(path, isAcl ? "acl" : "refused", `The target refused to ${kind} ${path}: ${errorName(code)}`, now);
    family.settled(path);
  };

  return {
    applied(batch, { results, zxid }, pass, now) {
      const ops = { create: 0, set: 0, delete: 0 };
      const repaired = { changed: 0, created: 0, deleted: 0 };
      const lagsMs: number[] = [];
      for (const [at, write] of batch.entries()) {
        ops[write.kind] += 1;
        if (write.since !== undefined) lagsMs.push(now - write.since);
        if (write.repairs !== undefined) repaired[write.repairs] += 1;
        appliedOne(write, results[at], zxid, pass);
      }
      context.note({ kind: "applied", creates: ops.create, sets: ops.set, deletes: ops.delete, repaired, lagsMs });
    },
    refused(write, code, pass, now) {
      const { path } = write;
      counts.refused += 1;
      context.note({ kind: "refused", path, op: write.kind, code });
      const attempt = (attempts.get(path) ?? 0) + 1;
      attempts.set(path, attempt);
      if (attempt > limits.attempts) {
        giveUp(write, code, now);
        return;
      }
      switch (code) {
        case errorCodes.nodeExists:
          if (isRuled(path)) rechecks.ask(path);
          else {
            created(write, noZxid, pass);
            work.finish(path);
          }
          break;
        case errorCodes.badVersion:
          rechecks.ask(path);
          break;
        case errorCodes.noNode:
          if (write.kind === "create") {
            index.lose(parentOf(path));
            index.removePassage(parentOf(path));
          } else lost(path);
          if (write.kind === "delete") work.finish(path);
          else work.repeat(path);
          break;
        case errorCodes.notEmpty:
          attempts.delete(path);
          index.countChild(path, 1);
          keepForChildren(parts, path, now);
          break;
        default:
          giveUp(write, code, now);
      }
    },
    rechecked(path, result, pass, now) {
      if (result?.kind === "data") {
        const ephemeral = result.stat.ephemeralOwner !== 0n;
        index.setEphemeral(path, ephemeral ? pass : undefined);
        if (ephemeral) {
          index.remove(path);
          work.repeat(path);
        } else {
          present(path, result, pass);
          family.arrived(path);
          const { version, mzxid } = result.stat;
          const isForeign = index.get(path)?.foreign !== undefined;
          rechecks.answered(path, isForeign ? { version, mzxid, data: result.data } : undefined);
        }
      } else if (result?.kind === "error" && result.code === errorCodes.noNode) {
        lost(path);
        index.setEphemeral(path, undefined);
        work.repeat(path);
      } else {
        const why = result?.kind === "error" ? errorName(result.code) : "no answer";
        work.hold(path, "refused", `The target does not show ${path}: ${why}`, now);
      }
    },
  };
}

const newNodeVersion = 0;
const noZxid = 0n as Zxid;
