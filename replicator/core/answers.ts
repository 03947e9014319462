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

export function createAnswers(parts: CarrierParts, recheck: (path: string) => void): Answers {
  const { context, index, work, family } = parts;
  const { counts, limits } = context;
  const attempts = new Map<string, number>();

  const isRuled = (path: string): boolean => sourcesOf(context.options.rules, path).length > 0;
  const present = (path: string, hash: number, version: number, pass: number): void => {
    index.put(path, { hash, version, pass });
    const entry = index.get(path);
    if (entry !== undefined) entry.seenInSource = pass;
  };
  const gone = (path: string): void => {
    const parent = parentOf(path);
    index.remove(path);
    index.countChild(parent, -1);
    family.unpark(path);
    family.settled(path);
  };
  /** A node that only stands there for those below it: gone again with the last of them, or at once if none comes any more. */
  const leaveWithChildren = (path: string): void => {
    family.park(path);
    if (!family.isNeeded(path)) work.mark(path, undefined);
  };
  const created = (write: PendingWrite, version: number, pass: number): void => {
    const { path } = write;
    if (write.passage && !isRuled(path)) index.addPassage(path);
    else {
      present(path, write.hash, version, pass);
      if (write.passage) leaveWithChildren(path);
    }
    family.arrived(path);
  };
  const appliedOne = (write: PendingWrite, result: WriteResult | undefined, zxid: Zxid, pass: number): void => {
    // A node starts at version 0.
    const version = result?.kind === "set" ? result.stat.version : 0;
    attempts.delete(write.path);
    switch (write.kind) {
      case "create":
        counts.created += 1;
        index.countChild(parentOf(write.path), 1);
        if (write.acl !== undefined) parts.aclCopy?.created(write.path, write.acl, zxid);
        created(write, version, pass);
        break;
      case "set":
        counts.updated += 1;
        present(write.path, write.hash, version, pass);
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
      const lagsMs: number[] = [];
      for (const [at, write] of batch.entries()) {
        ops[write.kind] += 1;
        if (write.since !== undefined) lagsMs.push(now - write.since);
        appliedOne(write, results[at], zxid, pass);
      }
      context.note({ kind: "applied", creates: ops.create, sets: ops.set, deletes: ops.delete, lagsMs });
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
          if (isRuled(path)) recheck(path);
          else {
            created(write, 0, pass);
            work.finish(path);
          }
          break;
        case errorCodes.badVersion:
          counts.foreignWrites += 1;
          context.note({ kind: "foreignWrite", path });
          recheck(path);
          break;
        case errorCodes.noNode:
          if (write.kind === "create") {
            index.remove(parentOf(path));
            index.removePassage(parentOf(path));
          } else gone(path);
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
        if (ephemeral) index.remove(path);
        else {
          const { version, numChildren: children } = result.stat;
          index.put(path, { hash: hashData(result.data), version, pass, children });
          family.arrived(path);
        }
        work.repeat(path);
      } else if (result?.kind === "error" && result.code === errorCodes.noNode) {
        gone(path);
        index.setEphemeral(path, undefined);
        work.repeat(path);
      } else {
        const why = result?.kind === "error" ? errorName(result.code) : "no answer";
        work.hold(path, "refused", `The target does not show ${path}: ${why}`, now);
      }
    },
  };
}
