import type { LinkConfig } from "#config/replicator.ts";

/** Bounds of one link. Each has a name, so that an error or a status can say which one was met. */
export interface LinkLimits {
  /** multiReads of a scan in flight, per side. */
  readonly scanReadsInFlight: number;
  /** Source nodes that a compare may have read before their target paths: what they say is kept until then. */
  readonly readAhead: number;
  /** multiReads of changed nodes in flight, per side. */
  readonly readsInFlight: number;
  /** Requests in one multiRead, and ACLs asked for beside them: at most as many nodes of `nodeBytes` as fit the client's replyBytesMax of 128 MiB. */
  readonly requestsPerRead: number;
  /** multiReads are sized so that an answer weighs about this much. */
  readonly replyBytesAim: number;
  /** multis in flight. */
  readonly writesInFlight: number;
  /** Operations sent to the target, on the average of any longer time; Infinity: as fast as it goes. */
  readonly writesPerSecond: number;
  /** Operations in one multi, beside the fence check and the checkpoint. */
  readonly opsPerWrite: number;
  /** ACLs set at once, each by a request of its own; as many times at once as there may be multis in flight. */
  readonly aclsPerWrite: number;
  /** Bytes of paths and data in one multi; a single larger node travels alone. */
  readonly bytesPerWrite: number;
  /** Operations read but not yet written; reading waits beyond it. */
  readonly outboxOps: number;
  readonly outboxBytes: number;
  /** A node with more bytes than this is held back: a multi that carries it would not fit a packet (jute.maxbuffer). */
  readonly nodeBytes: number;
  /** Changed paths waiting for their turn; beyond it events are dropped for a full compare. */
  readonly dirtyPaths: number;
  /** Of the list of tombstones, as it stands in the target: one multi carries it. */
  readonly tombstoneBytes: number;
  /** Sources that may stand behind one target path. */
  readonly sourcesPerTarget: number;
  /** Held-back paths that are listed by name; further ones are only counted. */
  readonly problemsListed: number;
  /** What the source said last, kept in the checkpoint: so many paths. */
  readonly witnesses: number;
  /** The checkpoint is written at least so often, also when nothing else is. */
  readonly checkpointEveryMs: number;
  /** Refusals of one write before its path is held back until the next compare. */
  readonly attempts: number;
}

export const defaultLimits: LinkLimits = {
  scanReadsInFlight: 8,
  readAhead: 10_000,
  readsInFlight: 8,
  requestsPerRead: 120,
  replyBytesAim: 512 * 1024,
  writesInFlight: 8,
  writesPerSecond: Number.POSITIVE_INFINITY,
  opsPerWrite: 98,
  aclsPerWrite: 60,
  bytesPerWrite: 512 * 1024,
  outboxOps: 2_000,
  outboxBytes: 8 * 1024 * 1024,
  nodeBytes: 1_040_000,
  dirtyPaths: 1_000_000,
  tombstoneBytes: 512 * 1024,
  sourcesPerTarget: 50,
  problemsListed: 1_000,
  witnesses: 4,
  checkpointEveryMs: 10_000,
  attempts: 5,
};

/** What an operator may set, as bounds. A paced link reads no further ahead than a second: what waits long is out of date. */
export function limitsOf(settings: LinkConfig["limits"]): Partial<LinkLimits> {
  const { writesPerSecond, requestsInFlight, pendingPaths, bufferBytes } = settings;
  const paced = writesPerSecond === undefined ? {} : { writesPerSecond };
  return {
    scanReadsInFlight: requestsInFlight,
    readsInFlight: requestsInFlight,
    writesInFlight: requestsInFlight,
    dirtyPaths: pendingPaths,
    outboxBytes: bufferBytes,
    outboxOps: Math.min(defaultLimits.outboxOps, Math.max(defaultLimits.opsPerWrite, writesPerSecond ?? Infinity)),
    ...paced,
  };
}
