import { assert } from "../assert.ts";
import { createBackoff } from "../backoff.ts";
import type { Connection } from "./connection.ts";
import { connectionLoss, ZooKeeperError } from "./errors.ts";
import { openConnection } from "./handshake.ts";
import type { ZooKeeperLimits, ZooKeeperOptions } from "./options.ts";
import { passwordBytes } from "./records/connect.ts";
import { xids } from "./records/opcodes.ts";
import type { WatcherEvent } from "./records/watcher-event.ts";
import { createRefusals } from "./refusals.ts";
import type { Request } from "./request.ts";
import { createServers, type Server } from "./servers.ts";
import { authRequest, closeSessionRequest, setWatchesRequest } from "./session-requests.ts";
import type { Watches } from "./watches.ts";
import type { SessionState, Zxid } from "./zookeeper.ts";

/** A session with whichever server answers: kept over reconnects, replaced when it has expired. */
export interface Session {
  readonly state: SessionState;
  readonly lastZxid: Zxid;
  request<T>(request: Request<T>, signal: AbortSignal): Promise<T>;
  connected(signal: AbortSignal): Promise<void>;
  close(options: { flush: boolean }): Promise<void>;
}

export interface SessionOptions extends Omit<ZooKeeperOptions, "limits" | "onWatch" | "chroot"> {
  readonly limits: ZooKeeperLimits;
  readonly watches: Watches;
  readonly onWatch: (event: WatcherEvent, zxid: Zxid) => void;
}

type Attempt =
  /** Was connected, and no longer is. */
  | { readonly kind: "lost"; readonly reason: string; readonly servedMs: number }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "expired" }
  | { readonly kind: "credentialsRefused"; readonly reason: string };

interface Identity {
  readonly id: bigint;
  readonly password: Uint8Array;
}

const noSession: Identity = { id: 0n, password: new Uint8Array(passwordBytes) };
const noZxid = 0n as Zxid;

export function createSession(options: SessionOptions): Session {
  const { clock, limits, log, watches } = options;
  const servers = createServers(options.servers, options.random);
  const refusals = createRefusals({ servers: servers.count, sessionTimeoutMs: options.sessionTimeoutMs });
  const backoff = createBackoff({ minMs: limits.reconnectMinMs, maxMs: limits.reconnectMaxMs, random: options.random });
  const life = new AbortController();
  const stateListeners = new Set<() => void>();
  /** By server, in the outage that is going on. */
  const reasonTold = new Map<string, string>();
  let state: SessionState = { kind: "connecting", reason: undefined };
  let identity = noSession;
  let announcedId = 0n;
  let lastZxid = options.lastZxidSeen ?? noZxid;
  let connection: Connection | undefined;
  let closing: Promise<void> | undefined;

  function setState(next: SessionState): void {
    state = next;
    for (const listener of stateListeners) listener();
    surfaceErrors(() => options.onState(next));
  }

  function setConnecting(reason: string): void {
    if (closing !== undefined || (state.kind === "connecting" && state.reason === reason)) return;
    setState({ kind: "connecting", reason });
  }

  /** In an outage each server is tried every other second, and mostly says the same. */
  function tellFailure(server: Server, reason: string): void {
    if (reasonTold.get(server.address) === reason) return;
    reasonTold.set(server.address, reason);
    log.warn({ server: server.address, reason }, "cannot connect to zookeeper server");
    setConnecting(`${server.address}: ${reason}`);
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!life.signal.aborted) {
      const server = servers.next();
      const attempt = await tryServer(server);
      if (life.signal.aborted) return;
      switch (attempt.kind) {
        case "lost":
          log.debug({ server: server.address, reason: attempt.reason }, "zookeeper connection lost");
          // A server that hangs up soon after each connect counts as a failure of the whole list, lest we hammer it.
          failures = attempt.servedMs < limits.reconnectMaxMs ? servers.count : 0;
          if (failures === 0) backoff.reset();
          break;
        case "expired":
          log.warn({ server: server.address, sessionId: hex(identity.id) }, "zookeeper session expired");
          setConnecting("the session has expired");
          identity = noSession;
          failures = 0;
          break;
        case "failed":
          tellFailure(server, attempt.reason);
          failures += 1;
          break;
        case "credentialsRefused":
          log.error({ server: server.address, reason: attempt.reason }, "zookeeper refused the credentials");
          life.abort();
          setState({ kind: "closed", reason: attempt.reason });
          return;
      }
      if (failures >= servers.count) {
        failures = 0;
        await clock.sleep(backoff.next(), life);
      }
    }
  }

  async function tryServer(server: Server): Promise<Attempt> {
    const forget = refusals.forget(clock.now());
    const { id: sessionId, password } = forget ? noSession : identity;
    const lastZxidSeen = forget ? noZxid : lastZxid;
    const opened = await openConnection({
      server,
      connect: { lastZxidSeen, sessionTimeoutMs: options.sessionTimeoutMs, sessionId, password },
      connectTimeoutMs: options.connectTimeoutMs,
      tls: options.tls,
      limits,
      clock,
      log,
      signal: life.signal,
      onWatch: (event, zxid) => surfaceErrors(() => options.onWatch(event, zxid)),
      onZxid: (zxid) => {
        if (zxid > lastZxid) lastZxid = zxid;
      },
      onEnd: (reason) => {
        connection = undefined;
        if (state.kind === "connected") setConnecting(`${server.address}: ${reason}`);
      },
    });
    if (opened.kind === "failed") {
      if (opened.hungUp) refusals.hungUp(clock.now());
      return opened;
    }
    refusals.answered();
    if (opened.kind === "expired") return opened;
    if (forget) {
      log.warn({ server: server.address, lastZxid: hex(lastZxid) }, "zookeeper may have gone back: session begun anew");
      lastZxid = noZxid;
    }
    return serve(server, opened.connection);
  }

  async function serve(server: Server, opened: Connection): Promise<Attempt> {
    const { sessionId, sessionTimeoutMs, password } = opened.session;
    identity = { id: sessionId, password };
    try {
      await prepare(server, opened);
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error;
      opened.drop(error.message);
      return { kind: error.is("authFailed") ? "credentialsRefused" : "failed", reason: error.message };
    }
    if (!opened.alive || life.signal.aborted) return { kind: "failed", reason: "it ended before it was ready" };
    const resumed = sessionId === announcedId;
    const connectedAt = clock.now();
    announcedId = sessionId;
    reasonTold.clear();
    connection = opened;
    log.debug(
      { server: server.address, sessionId: hex(sessionId), sessionTimeoutMs, resumed },
      "connected to zookeeper",
    );
    setState({ kind: "connected", sessionId, resumed, server: server.address, sessionTimeoutMs });
    const reason = await opened.ended;
    return { kind: "lost", reason, servedMs: clock.now() - connectedAt };
  }

  /** Credentials, then watches: both are known to one connection only, and must be there before the first request. */
  async function prepare(server: Server, opened: Connection): Promise<void> {
    const auths = options.auth.map((credential) =>
      opened.request(authRequest(credential), { signal: life.signal, xid: xids.auth }),
    );
    const parts = watches
      .parts(limits.setWatchesBytesMax)
      .map((part) => opened.request(setWatchesRequest(part, lastZxid), { signal: life.signal, xid: xids.setWatches }));
    await Promise.all([...auths, ...parts].map((each) => each.catch(unlessUnimplemented(server))));
  }

  function unlessUnimplemented(server: Server): (error: unknown) => void {
    return (error) => {
      if (!(error instanceof ZooKeeperError && error.is("unimplemented"))) throw error;
      log.warn({ server: server.address }, "zookeeper server is too old to keep watches over a reconnect");
    };
  }

  async function end(flush: boolean): Promise<void> {
    const last = connection;
    if (last !== undefined) {
      const { sessionTimeoutMs } = last.session;
      if (flush) await within(sessionTimeoutMs, last.idle());
      await within(limits.closeReplyMs, closeAtServer(last));
    }
    life.abort();
    if (state.kind !== "closed") setState({ kind: "closed", reason: undefined });
    last?.drop("the client was closed");
    await running;
  }

  async function closeAtServer(last: Connection): Promise<void> {
    try {
      await last.request(closeSessionRequest, { signal: life.signal });
    } catch (error) {
      log.warn({ reason: String(error) }, "zookeeper session was not ended at the server, it will expire");
    }
  }

  async function within(ms: number, work: Promise<void>): Promise<void> {
    const done = new AbortController();
    const timeout = clock.sleep(ms, { signal: done.signal }).catch(() => {});
    await Promise.race([work, timeout]);
    done.abort();
  }

  function close({ flush }: { flush: boolean }): Promise<void> {
    closing ??= end(flush);
    return closing;
  }

  function refusal(): string | undefined {
    switch (state.kind) {
      case "connecting":
        return `not connected (${state.reason ?? "no server has answered yet"})`;
      case "connected":
        return closing === undefined ? undefined : "the client is closing";
      case "closed":
        return `the client is closed (${state.reason ?? "by its owner"})`;
    }
  }

  const running = run().catch((error: unknown) => {
    if (!life.signal.aborted) throw error;
  });
  onAborted(options.signal, () => void close({ flush: false }));

  return {
    get state() {
      return state;
    },
    get lastZxid() {
      return lastZxid;
    },
    async request(request, signal) {
      signal.throwIfAborted();
      const reason = refusal();
      if (reason !== undefined) throw connectionLoss(request.describe(), reason);
      assert(connection !== undefined, "a connected session has a connection");
      return connection.request(request, { signal });
    },
    connected(signal) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (state.kind === "connected") done(resolve);
          if (state.kind === "closed") done(() => reject(connectionLoss("connect", refusal() ?? "")));
        };
        const abort = () => done(() => reject(signal.reason));
        const done = (settle: () => void) => {
          stateListeners.delete(look);
          signal.removeEventListener("abort", abort);
          settle();
        };
        stateListeners.add(look);
        onAborted(signal, abort);
        look();
      });
    },
    close,
  };
}

/** The handlers are our user's: what they throw is no fault of the connection, and must neither break it nor be lost. */
function surfaceErrors(handler: () => void): void {
  try {
    handler();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function onAborted(signal: AbortSignal, handler: () => void): void {
  if (signal.aborted) handler();
  else signal.addEventListener("abort", handler, { once: true });
}

function hex(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`;
}
