import { errorName } from "#lib/zookeeper/errors.ts";
import type { MultiOutcome, NodeData, WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { WriteOutcome } from "./link-events.ts";

/** Of the epoch that a batch is written under. */
export interface FencePaths {
  readonly fence: string;
  readonly checkpoint: string;
}

/** A batch as it is sent: the fence stands, the operations, the checkpoint; all of it or nothing (I5). */
export function fencedBatch(
  { fence, checkpoint }: FencePaths,
  ops: readonly WriteOp[],
  checkpointData: NodeData,
): readonly WriteOp[] {
  return [
    { kind: "check", path: fence, version: -1 },
    ...ops,
    { kind: "set", path: checkpoint, data: checkpointData, version: -1 },
  ];
}

/** What the answer to such a batch says of its operations. A checkpoint that is gone was deleted by somebody who knows no fence. */
export function outcomeOfBatch(
  { fence, checkpoint }: FencePaths,
  ops: readonly WriteOp[],
  outcome: MultiOutcome,
): WriteOutcome {
  if (outcome.kind === "applied") return { ...outcome, results: outcome.results.slice(1, -1) };
  const { failedAt, code } = outcome;
  if (failedAt === 0) return { kind: "fenced", detail: `${fence} is gone (${errorName(code)})` };
  if (failedAt > ops.length) return { kind: "fenced", detail: `${checkpoint} is gone (${errorName(code)})` };
  return { ...outcome, failedAt: failedAt - 1 };
}
