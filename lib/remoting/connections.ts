import { abortListeners } from "../aborts.ts";
import type { Clock, Instant } from "../clock.ts";
import { splitAddress } from "./address.ts";
import { connectRemoting, type RemotingClient } from "./connection.ts";
import { RemotingError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { RemotingRequest } from "./message.ts";

export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** For what may be out of date by then: it is sent within this time, or not at all. */
  readonly sendMsMax?: number;
}

/** One kept connection to each server: the next request does not wait for a handshake. */
export interface Connections extends AsyncDisposable {
  /**
   * Sent once, over the kept connection or a new one.
   * @throws {RemotingError} REMOTING_UNREACHABLE (also when that took longer than sendMsMax), REMOTING_TIMEOUT, REMOTING_DISCONNECTED, REMOTING_BUSY; or the signal's reason
   */
  ask(address: string, request: RemotingRequest, options: CallOptions): Promise<Frame>;
  /**
   * For what may be sent more than once. A kept connection that says nothing for half of the time may be one whose other
   * end is long gone: then a new one is asked as well, and the first answer counts. A new one that breaks is tried once more.
   * @throws as ask(): why the last new connection failed
   */
  read(address: string, request: RemotingRequest, options: CallOptions): Promise<Frame>;
}

export interface ConnectionsOptions {
  readonly clock: Clock;
  /** Signs, or does nothing. */
  readonly prepare: (request: RemotingRequest) => RemotingRequest;
  /** One more pushes out the one that was not used for the longest time. */
  readonly connectionsMax: number;
  /** A connection that was not used for so long is closed; at most a half later. */
  readonly idleMs: number;
}

interface Kept {
  readonly address: string;
  readonly client: RemotingClient;
  usedAt: Instant;
  inFlight: number;
  /** No longer for new requests; closed when it has answered those it has. */
  retired: boolean;
}

const attemptsMax = 2;

export function createConnections({ clock, prepare, connectionsMax, idleMs }: ConnectionsOptions): Connections {
  /** The one used last stands last. */
  const kept = new Map<string, Kept>();
  const lives = new Set<AbortController>();
  const closing = new AbortController();

  function keptTo(address: string): Kept | undefined {
    const found = kept.get(address);
    return found?.client.open === true ? found : undefined;
  }

  function retire(connection: Kept): void {
    if (kept.get(connection.address) === connection) kept.delete(connection.address);
    connection.retired = true;
    if (connection.inFlight === 0) connection.client.close();
  }

  async function dial(address: string, { timeoutMs, signal }: CallOptions): Promise<Kept> {
    closing.signal.throwIfAborted();
    const life = new AbortController();
    const giveUp = (): void => life.abort(signal.reason);
    abortListeners.add(signal, giveUp);
    lives.add(life);
    try {
      signal.throwIfAborted();
      const client = await connectRemoting({
        ...splitAddress(address),
        connectTimeoutMs: timeoutMs,
        clock,
        signal: life.signal,
      });
      const connection: Kept = { address, client, usedAt: clock.now(), inFlight: 0, retired: false };
      keep(connection);
      void client.closed.then(() => {
        lives.delete(life);
        retire(connection);
      });
      return connection;
    } catch (error) {
      lives.delete(life);
      throw error;
    } finally {
      abortListeners.remove(signal, giveUp);
    }
  }

  function keep(connection: Kept): void {
    const before = kept.get(connection.address);
    if (before !== undefined) retire(before);
    kept.set(connection.address, connection);
    const [longestUnused] = kept.values();
    if (kept.size > connectionsMax && longestUnused !== undefined) retire(longestUnused);
  }

  async function askOver(connection: Kept, request: RemotingRequest, options: CallOptions): Promise<Frame> {
    connection.usedAt = clock.now();
    connection.inFlight += 1;
    if (kept.delete(connection.address)) kept.set(connection.address, connection);
    try {
      return await connection.client.ask(prepare(request), options);
    } catch (error) {
      if (error instanceof RemotingError && error.code === "REMOTING_TIMEOUT") retire(connection);
      throw error;
    } finally {
      connection.inFlight -= 1;
      if (connection.retired && connection.inFlight === 0) connection.client.close();
    }
  }

  async function readFresh(address: string, request: RemotingRequest, options: CallOptions): Promise<Frame> {
    const left = timeLeft(clock, options);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await askOver(await dial(address, left()), request, left());
      } catch (error) {
        const mayDiffer = isBroken(error) && left().timeoutMs > shortestTryMs;
        if (attempt === attemptsMax || !mayDiffer) throw error;
      }
    }
  }

  async function closeIdle(): Promise<void> {
    for (;;) {
      await clock.sleep(idleMs / 2, { signal: closing.signal });
      for (const connection of [...kept.values()]) {
        if (connection.inFlight === 0 && clock.now() - connection.usedAt >= idleMs) retire(connection);
      }
    }
  }
  closeIdle().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });

  return {
    async ask(address, request, options) {
      const startedAt = clock.now();
      const left = timeLeft(clock, options);
      const connection = keptTo(address) ?? (await dial(address, left()));
      const tookMs = clock.now() - startedAt;
      if (tookMs > (options.sendMsMax ?? Number.POSITIVE_INFINITY)) throw tooLate(address, request, tookMs);
      return await askOver(connection, request, left());
    },
    async read(address, request, options) {
      const left = timeLeft(clock, options);
      const connection = keptTo(address);
      if (connection === undefined) return await readFresh(address, request, options);
      const overKept = askOver(connection, request, options);
      const early = await soonOrNever(overKept, clock, options.timeoutMs / 2);
      if (early !== undefined) return early;
      options.signal.throwIfAborted();
      const overFresh = readFresh(address, request, left());
      return await Promise.any([overKept, overFresh]).catch(() => overFresh);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      for (const life of lives) life.abort();
    },
  };
}

function tooLate(address: string, { code }: RemotingRequest, tookMs: number): RemotingError {
  const message = `${address} was reached only after ${Math.round(tookMs)} ms: request ${code} is not sent any more`;
  return new RemotingError("REMOTING_UNREACHABLE", message);
}

/** Below this another try would only be late. */
const shortestTryMs = 20;

/** @returns the options of a further step of a call: with what is left of its time, and at least 1 ms of it */
export function timeLeft(clock: Clock, { timeoutMs, signal }: CallOptions): () => CallOptions {
  const startedAt = clock.now();
  return () => ({ timeoutMs: Math.max(1, timeoutMs - (clock.now() - startedAt)), signal });
}

/** Nothing was listening: the port itself says no. What a firewall answers in its place looks the same. */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof RemotingError) || error.code !== "REMOTING_UNREACHABLE") return false;
  const { cause } = error;
  const causes: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  return causes.length > 0 && causes.every((each) => each instanceof Error && codeOf(each) === "ECONNREFUSED");
}

function codeOf(error: NodeJS.ErrnoException): string | undefined {
  return error.code;
}

/** Unreachable or cut, which may be the way's fault and over in a moment; neither a refusal nor silence is. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof RemotingError) || isRefused(error)) return false;
  return error.code === "REMOTING_UNREACHABLE" || error.code === "REMOTING_DISCONNECTED";
}

/** @returns undefined when it has failed, or has taken too long */
async function soonOrNever(answer: Promise<Frame>, clock: Clock, withinMs: number): Promise<Frame | undefined> {
  const patience = Promise.withResolvers<undefined>();
  const cancel = clock.after(withinMs, () => patience.resolve(undefined));
  try {
    return await Promise.race([answer.catch(() => undefined), patience.promise]);
  } finally {
    cancel();
  }
}
