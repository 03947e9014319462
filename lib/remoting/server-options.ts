import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Frame, FrameLimits } from "./frame.ts";
import type { HeaderReader } from "./header-memo.ts";
import type { RemotingAnswer } from "./message.ts";
import type { ReadyAnswer } from "./ready-answer.ts";

export interface RemotingServerOptions<Context> {
  /** host:port, an IPv6 address in brackets. Port 0: any. */
  readonly listen: string;
  /** What a new connection starts with. */
  readonly context: () => Context;
  /**
   * Called in the order of the wire. undefined: no answer, now or ever. One-way frames come here too, and their answer is thrown
   * away. What it throws is answered with SYSTEM_ERROR and logged; a code that is not served is for the caller to answer with
   * notSupported().
   */
  readonly onRequest: (
    frame: Frame,
    connection: RemotingConnection<Context>,
  ) => RemotingAnswer | ReadyAnswer | Promise<RemotingAnswer | ReadyAnswer | undefined> | undefined;
  /** Once for each connection, when it has ended, from whichever side. */
  readonly onClose?: (connection: RemotingConnection<Context>, reason: string) => void;
  /** How JSON headers are read; without it each by itself. */
  readonly readJson?: HeaderReader;
  readonly limits?: Partial<ServerLimits>;
  readonly tls?: ServerTlsOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted: as close(). */
  readonly signal: AbortSignal;
}

export interface RemotingConnection<Context> {
  /** Of this server, counted from 1. */
  readonly id: number;
  /** The far end, host:port. */
  readonly remoteAddress: string;
  readonly isTls: boolean;
  /** The caller's: what it knows of whoever is at the far end. */
  context: Context;
  readonly open: boolean;
  /** Received of a frame that is not whole yet. */
  readonly pendingBytes: number;
  close(reason: string): void;
}

export interface RemotingServer<Context> extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  readonly connections: ReadonlySet<RemotingConnection<Context>>;
  readonly counters: Readonly<ServerCounters>;
  /** Ends all connections, and waits until the port is free. */
  close(): Promise<void>;
}

export interface ServerLimits extends FrameLimits {
  /** One more is closed as soon as it is accepted. */
  readonly connectionsMax: number;
  /** Of one connection, without an answer. One more is answered with SYSTEM_BUSY. */
  readonly requestsInFlightMax: number;
  /** A frame that has begun must be whole after this; at most a half longer. A connection without one may stay for ever. */
  readonly frameWholeMs: number;
  /** Of frames that are not whole yet, all connections together. With more than this the one that has most of it ends. */
  readonly pendingBytesMax: number;
  /** Of large frames, all connections together, in one turn of the event loop. What is more waits in its socket, and frameWholeMs goes on. */
  readonly turnBytesMax: number;
  /** Answers that the peer has not taken. With more than this its connection ends. */
  readonly writeBufferBytesMax: number;
}

/** How often since the start. */
export interface ServerCounters {
  /** connectionsMax was reached. */
  connectionsRefused: number;
  /** The connection ended: bytes that make no sense, or too many of them. */
  malformed: number;
  /** The connection ended: frameWholeMs. */
  halfFrames: number;
  /** The connection ended: pendingBytesMax. */
  overfull: number;
  /** The connection ended: writeBufferBytesMax. */
  slowReaders: number;
  /** Answered with SYSTEM_BUSY: requestsInFlightMax. */
  busy: number;
  /** Answered with SYSTEM_ERROR. */
  failed: number;
  /** The connection ended: TLS did not stand, or was missing. */
  tlsRefused: number;
}

/** PEM. */
export interface ServerTlsOptions {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** With it, clients must have a certificate of this authority. */
  readonly ca?: string | Buffer;
  /** false: plain connections are served as well, on the same port. */
  readonly requireTls: boolean;
}
