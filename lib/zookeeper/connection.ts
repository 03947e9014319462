import { type Aborts, createAborts } from "../aborts.ts";
import { assert } from "../assert.ts";
import { DecodeError, Reader } from "../bytes/reader.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { connectionLoss, refused, replyTooLarge } from "./errors.ts";
import { encodeFrame } from "./frame.ts";
import { keepAlive } from "./keepalive.ts";
import type { ZooKeeperLimits } from "./options.ts";
import type { ConnectResponse } from "./records/connect.ts";
import { decodeReplyHeader, encodeRequestHeader, type ReplyHeader } from "./records/header.ts";
import { opcodes, xids } from "./records/opcodes.ts";
import { decodeWatcherEvent, type WatcherEvent } from "./records/watcher-event.ts";
import { encodeRequest, type Request, setXid, xidAfter } from "./request.ts";
import type { Transport, TransportEnd } from "./transport.ts";
import { createWindow } from "./window.ts";
import type { Zxid } from "./zookeeper.ts";

/** A connection that a session was opened on, until it breaks. Requests are answered in the order they were sent. */
export interface Connection {
  readonly session: ConnectResponse;
  /**
   * @param options.xid one of the fixed ones, for packets that prepare the connection
   * @throws {ZooKeeperError} refused by the server, or connectionLoss when the connection ends before the answer
   */
  request<T>(request: Request<T>, options: { signal: AbortSignal; xid?: number }): Promise<T>;
  /** Resolves when nothing waits or is in flight. */
  idle(): Promise<void>;
  drop(reason: string): void;
  readonly alive: boolean;
  /** Resolves with the reason. */
  readonly ended: Promise<string>;
}

export interface ConnectionOptions {
  readonly limits: ZooKeeperLimits;
  readonly clock: Clock;
  readonly onWatch: (event: WatcherEvent, zxid: Zxid) => void;
  readonly onZxid: (zxid: Zxid) => void;
  /** Called before the requests that are lost with the connection are rejected. */
  readonly onEnd: (reason: string) => void;
}

interface Pending {
  readonly bytes: number;
  readonly fixedXid: number | undefined;
  readonly signal: AbortSignal;
  readonly answer: (reader: Reader, header: ReplyHeader) => void;
  readonly fail: (error: unknown) => void;
  readonly describe: () => string;
  /** Until it is sent. */
  frame: Buffer | undefined;
  xid: number;
  /** Answered or given up: the reply, if one still comes, is thrown away. */
  settled: boolean;
}

const pingFrame = encodeFrame({ frameBytesMax: 8 }, (writer) =>
  encodeRequestHeader(writer, { xid: xids.ping, opcode: opcodes.ping }),
);

export function createConnection(
  transport: Transport,
  session: ConnectResponse,
  options: ConnectionOptions,
): Connection {
  const { clock, limits } = options;
  const window = createWindow<Pending>(limits);
  const aborts: Aborts<Pending> = createAborts(fail);
  const ended = Promise.withResolvers<string>();
  const life = new AbortController();
  const idleWaiters: (() => void)[] = [];
  let lastXid = 0;
  let writable = true;
  let heardAt = clock.now();

  function settle(pending: Pending): void {
    pending.settled = true;
    pending.frame = undefined;
    aborts.remove(pending.signal, pending);
  }

  function fail(pending: Pending, error: unknown): void {
    settle(pending);
    pending.fail(error);
  }

  function pump(): void {
    while (writable) {
      const pending = window.admit();
      if (pending === undefined) break;
      send(pending);
    }
    if (window.empty) for (const resolve of idleWaiters.splice(0)) resolve();
  }

  function send(pending: Pending): void {
    assert(pending.frame !== undefined, "a request that was not given up goes out once");
    if (pending.fixedXid === undefined) lastXid = xidAfter(lastXid);
    pending.xid = pending.fixedXid ?? lastXid;
    setXid(pending.frame, pending.xid);
    writable = transport.write(pending.frame);
    pending.frame = undefined;
  }

  function onFrame(frame: Buffer): void {
    const reader = new Reader(frame);
    const header = decodeReplyHeader(reader);
    switch (header.xid) {
      case xids.notification: {
        const event = decodeWatcherEvent(reader);
        options.onZxid(header.zxid);
        options.onWatch(event, header.zxid);
        return;
      }
      case xids.ping:
        options.onZxid(header.zxid);
        return;
      default:
        onReply(reader, header);
    }
  }

  /** The caller may ask for less at once. An event has no such size. */
  function onOversized(head: Buffer, frameBytes: number): void {
    const header = decodeReplyHeader(new Reader(head));
    settleNext(header, (pending) => fail(pending, replyTooLarge(pending.describe(), frameBytes, limits.replyBytesMax)));
  }

  function onReply(reader: Reader, header: ReplyHeader): void {
    settleNext(header, (pending) => answer(pending, reader, header));
  }

  function settleNext(header: ReplyHeader, settleIt: (pending: Pending) => void): void {
    const pending = window.answered();
    if (pending === undefined) throw new DecodeError(`A reply with xid ${header.xid} came where none was due`);
    try {
      if (pending.xid !== header.xid) {
        throw new DecodeError(`A reply has xid ${header.xid} where ${pending.xid} was due`);
      }
      options.onZxid(header.zxid);
      if (!pending.settled) settleIt(pending);
    } catch (error) {
      if (!pending.settled) fail(pending, connectionLoss(pending.describe(), messageOf(error)));
      throw error;
    }
    pump();
  }

  function answer(pending: Pending, reader: Reader, header: ReplyHeader): void {
    if (header.err !== 0) {
      fail(pending, refused(pending.describe(), header.err));
      return;
    }
    pending.answer(reader, header);
    settle(pending);
  }

  function onEnded({ reason }: TransportEnd): void {
    life.abort(new Error(reason));
    options.onEnd(reason);
    for (const pending of window.clear()) {
      if (!pending.settled) fail(pending, connectionLoss(pending.describe(), reason));
    }
    for (const resolve of idleWaiters.splice(0)) resolve();
    ended.resolve(reason);
  }

  transport.listen({
    heard() {
      heardAt = clock.now();
    },
    frame: onFrame,
    oversized: onOversized,
    drained() {
      writable = true;
      pump();
    },
    ended: onEnded,
  });
  keepAlive({
    sessionTimeoutMs: session.sessionTimeoutMs,
    clock,
    heardAt: () => heardAt,
    ping: () => transport.write(pingFrame),
    onSilent: (silentMs) => transport.destroy(`the server was silent for ${Math.round(silentMs)} ms`),
    signal: life.signal,
  });

  return {
    session,
    ended: ended.promise,
    get alive() {
      return !life.signal.aborted;
    },
    request<T>(request: Request<T>, { signal, xid }: { signal: AbortSignal; xid?: number }): Promise<T> {
      if (life.signal.aborted) throw connectionLoss(request.describe(), "the connection has ended");
      signal.throwIfAborted();
      const frame = encodeRequest(request, limits);
      return new Promise<T>((resolve, reject) => {
        const pending: Pending = {
          bytes: frame.length,
          fixedXid: xid,
          signal,
          answer: (reader, header) => resolve(request.decode(reader, header)),
          fail: reject,
          describe: request.describe,
          frame,
          xid: 0,
          settled: false,
        };
        aborts.add(signal, pending);
        window.push(pending);
        pump();
      });
    },
    idle() {
      if (window.empty || life.signal.aborted) return Promise.resolve();
      return new Promise((resolve) => idleWaiters.push(resolve));
    },
    drop: (reason) => transport.destroy(reason),
  };
}
