import type { WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { LinkLimits } from "../../replicator/core/limits.ts";
import type { LinkCommand } from "../../replicator/core/link-events.ts";
import { Violation } from "./violation.ts";
import { parentPath } from "./virtual-zookeeper.ts";

/** Watches what one replicator orders: when it writes, how much at once, and that its writes cannot cross each other. */
export interface OrderChecker {
  commanded(command: LinkCommand): void;
  /** The answer to this write was handed over; undefined: a session was lost and all are forgotten. */
  answered(id: number | undefined): void;
}

export function createOrderChecker(limits: LinkLimits): OrderChecker {
  const inFlight = new Map<number, readonly WriteOp[]>();
  let phase = "connecting";

  return {
    commanded(command) {
      if (command.kind === "note" && command.note.kind === "phase") phase = command.note.to;
      if (command.kind === "writeAcls") {
        if (phase !== "following") throw new Violation(`a link sets ACLs while it is ${phase}`);
        if (command.writes.length === 0 || command.writes.length > limits.aclsPerWrite)
          throw new Violation(`${command.writes.length} ACLs at once, 1 to ${limits.aclsPerWrite} allowed`);
        for (const { path } of command.writes) {
          for (const ops of inFlight.values())
            if (ops.some((op) => op.path === path)) throw new Violation(`${path} is written, and its ACL set, at once`);
        }
        return;
      }
      if (command.kind !== "write") return;
      if (phase !== "following") throw new Violation(`a link writes while it is ${phase}`);
      checkSize(command.ops, limits);
      for (const earlier of inFlight.values()) checkApart(earlier, command.ops);
      inFlight.set(command.id, command.ops);
      if (inFlight.size > limits.writesInFlight)
        throw new Violation(`${inFlight.size} writes in flight, at most ${limits.writesInFlight} allowed`);
    },
    answered(id) {
      if (id === undefined) inFlight.clear();
      else inFlight.delete(id);
    },
  };
}

function checkSize(ops: readonly WriteOp[], limits: LinkLimits): void {
  if (ops.length > limits.opsPerWrite)
    throw new Violation(`${ops.length} operations in a write, at most ${limits.opsPerWrite} allowed`);
  const bytes = ops.reduce((sum, op) => sum + op.path.length + ("data" in op ? (op.data?.length ?? 0) : 0), 0);
  if (ops.length > 1 && bytes > limits.bytesPerWrite)
    throw new Violation(`${bytes} bytes in a write, at most ${limits.bytesPerWrite} allowed`);
}

/**
 * Of two writes in flight neither may touch the other's path, nor its parent: refused, the first would pull the second down.
 * Only data set on a parent is no harm, as it neither makes nor breaks the child.
 */
function checkApart(earlier: readonly WriteOp[], later: readonly WriteOp[]): void {
  for (const one of earlier) {
    for (const other of later) {
      const clash =
        one.path === other.path ||
        one.path === parentPath(other.path) ||
        (other.path === parentPath(one.path) && other.kind !== "set");
      if (clash) throw new Violation(`${one.kind} ${one.path} and ${other.kind} ${other.path} are in flight together`);
    }
  }
}
