import type { IWatchResponse } from "etcd3/lib/rpc.js";
import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf, OperatorError } from "#lib/errors.ts";
import { type CallOptions, callTimeoutMs, type Member, type Members } from "#lib/etcd/members.ts";
import type { Logger } from "#lib/log.ts";
import type { LedgerListener } from "../../ledger.ts";
import type { Position } from "./position.ts";
import { entryOf, prefixEnd, type Reading, readAll } from "./read.ts";

/** The watch owes an own write for so long: it is made anew, on another member. */
const watchStaleMs = 1_500;
/** Nothing was told for so long: something is written, for the watch to tell. */
const watchQuietMs = 500;
const watchCheckMs = 100;
const followAgainMs = 200;
/** As long as nothing can be read, each attempt but the first tells nothing new. */
const sayAgainMs = 10_000;

export interface FollowDeps {
  readonly members: Members;
  readonly position: Position;
  readonly clock: Clock;
  readonly log: Logger;
  readonly prefix: string;
  /** Key, below the prefix, of this site's proofs. Nobody is told of such keys. */
  readonly proof: string;
  /** Writes something. */
  prove(signal: AbortSignal): Promise<unknown>;
}

/** Tells everything, then every change in order, and everything again whenever the watch had to be made anew. */
export async function follow(deps: FollowDeps, on: LedgerListener, signal: AbortSignal): Promise<void> {
  const { members, clock, log } = deps;
  let attempts = 0;
  let saidAt = clock.now();
  while (!signal.aborted) {
    const member = members.current();
    attempts += 1;
    try {
      for await (const told of readAndWatch(deps, member, signal)) {
        attempts = 0;
        if (told.kind === "all") on.all(told.entries, told.revision, told.clusterId);
        else if (!told.key.startsWith(proofs)) on.changed(told.key, told.text, told.revision);
      }
    } catch (error) {
      if (signal.aborted) return;
      // The listener's own errors are not ours to bear.
      if (!(error instanceof WatchEnded)) throw error;
      if (attempts <= 1 || clock.now() - saidAt >= sayAgainMs) {
        saidAt = clock.now();
        log.warn({ endpoint: member.endpoint, error: error.message, hint: error.hint }, "ledger is followed anew");
      }
      members.passOver(member);
      await clock.sleep(followAgainMs, { signal }).catch(() => {});
    }
  }
}

const proofs = "proofs/";

type Told =
  | ({ readonly kind: "all" } & Pick<Reading, "entries" | "revision" | "clusterId">)
  | { readonly kind: "changed"; readonly key: string; readonly text: string | null; readonly revision: bigint };

class WatchEnded extends Error {
  readonly hint: string | undefined;

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.hint = cause instanceof OperatorError ? cause.hint : undefined;
  }
}

async function* readAndWatch(deps: FollowDeps, member: Member, signal: AbortSignal): AsyncGenerator<Told, void> {
  const { members, position, clock, log, prefix, proof } = deps;
  const attempt = new AbortController();
  const attemptSignal = AbortSignal.any([signal, attempt.signal]);
  const begin = (): CallOptions => ({ startedAt: clock.now(), signal: attemptSignal });
  try {
    const reading = await readAll(members, member, { prefix, proof, begin });
    const before = { clusterId: position.clusterId, seen: position.seen };
    if (before.clusterId !== undefined && (before.clusterId !== reading.clusterId || before.seen > reading.revision)) {
      const now = { clusterId: reading.clusterId, revision: String(reading.revision) };
      log.error({ before: { ...before, seen: String(before.seen) }, now }, "etcd was restored or replaced");
    }
    position.adopt(reading.clusterId, reading.revision);
    const entries = reading.entries.filter(({ key }) => !key.startsWith(proofs));
    yield { kind: "all", entries, revision: reading.revision, clusterId: reading.clusterId };

    const stream = await openWatch(members, member, { prefix, from: reading.revision + 1n, call: begin() });
    const heard = { at: clock.now() };
    const ending = guard(deps, { heard, signal: attemptSignal, close: () => stream.cancel() });
    try {
      for await (const response of stream.responses) {
        heard.at = clock.now();
        if (response.canceled) throw new Error(`the watch was ended: ${reasonOf(response)}`);
        for (const { type, kv } of response.events) {
          const { key, text, revision } = entryOf(kv, prefix);
          position.told(revision);
          yield { kind: "changed", key, text: type === "Delete" ? null : text, revision };
        }
      }
      throw new Error("the watch has ended");
    } catch (error) {
      throw new Error(ending.why ?? messageOf(error), { cause: error });
    } finally {
      stream.cancel();
    }
  } catch (cause) {
    throw new WatchEnded(cause);
  } finally {
    attempt.abort();
  }
}

/** Ends a watch that no longer tells what happens. */
function guard(
  { position, clock, prove }: FollowDeps,
  { heard, signal, close }: { heard: { at: Instant }; signal: AbortSignal; close: () => void },
): { readonly why: string | undefined } {
  const ending: { why: string | undefined } = { why: undefined };
  const end = (why: string): void => {
    ending.why = why;
    close();
  };
  let proving = false;
  const look = async (): Promise<void> => {
    signal.addEventListener("abort", close, { once: true });
    for (let last = clock.now(); ; last = clock.now()) {
      await clock.sleep(watchCheckMs, { signal });
      // Having stood still itself, this process has yet to read what has come meanwhile.
      if (clock.now() - last > watchQuietMs) position.forgive();
      if (position.replaced !== undefined) return end(position.replaced);
      if (position.owedMs() > watchStaleMs) return end(`the watch owed an own write for ${watchStaleMs} ms`);
      if (clock.now() - heard.at < watchQuietMs || proving) continue;
      proving = true;
      void prove(signal)
        .catch(() => {})
        .finally(() => {
          proving = false;
        });
    }
  };
  // Only the signal ends it otherwise.
  void look().catch(() => {});
  return ending;
}

async function openWatch(
  members: Members,
  member: Member,
  { prefix, from, call }: { prefix: string; from: bigint; call: CallOptions },
): Promise<{ readonly responses: AsyncIterable<IWatchResponse>; cancel(): void }> {
  // A stream's own deadline would end it: it is only opened within the time of a call.
  const stream = await members.callAt(member, "watch", (etcd) => etcd.watchClient.watch(), call);
  // Errors come out of the iteration; one after its end has no listener left.
  stream.on("error", () => {});
  stream.write({
    create_request: {
      key: Buffer.from(prefix),
      range_end: prefixEnd(prefix),
      start_revision: String(from),
      progress_notify: true,
    },
  });
  return {
    // A Duplex of Node at run time, whatever the client's types say.
    responses: stream as unknown as AsyncIterable<IWatchResponse>,
    cancel: () => stream.cancel(),
  };
}

function reasonOf({ cancel_reason, compact_revision }: IWatchResponse): string {
  if (compact_revision !== "0") return `compacted up to ${compact_revision}`;
  return cancel_reason === "" ? "no reason given" : cancel_reason;
}

/** For a watch that is made anew, with what it took to notice. */
export const followAnewMsMax = watchStaleMs + watchQuietMs + 2 * callTimeoutMs + followAgainMs;
