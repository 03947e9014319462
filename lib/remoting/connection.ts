import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { abortListeners } from "../aborts.ts";
import { DecodeError } from "../bytes/reader.ts";
import type { Clock } from "../clock.ts";
import { formatAddress } from "./address.ts";
import { requestName } from "./codes.ts";
import { RemotingError } from "./errors.ts";
import { encodeFrame, type Frame, type FrameLimits, frameLimits } from "./frame.ts";
import { createFrameStream } from "./frame-stream.ts";
import { createGatheringWriter } from "./gathered-writes.ts";
import type { RemotingRequest } from "./message.ts";

/** One connection to one server: no retry, no second address. */
export interface RemotingClient extends AsyncDisposable {
  /**
   * The answer, whatever its code. Answers may come in any order; one that comes after the timeout is thrown away.
   * @throws {RemotingError} REMOTING_TIMEOUT, REMOTING_DISCONNECTED, REMOTING_BUSY; or the signal's reason
   */
  ask(request: RemotingRequest, options: { timeoutMs: number; signal: AbortSignal }): Promise<Frame>;
  /** One-way: nobody tells whether it arrives. @throws {RemotingError} REMOTING_DISCONNECTED, REMOTING_BUSY */
  send(request: RemotingRequest): void;
  readonly open: boolean;
  /** Resolves with the reason when the connection has ended. */
  readonly closed: Promise<string>;
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** At once: what is being asked is rejected as disconnected. */
  close(): void;
}

export interface ClientLimits extends FrameLimits {
  readonly requestsInFlightMax: number;
  /** Bytes that the server has not yet taken. */
  readonly writeBufferBytesMax: number;
}

/** PEM. */
export interface RemotingTlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name the certificate must carry, where it isn't the server's host. */
  readonly serverName?: string;
  /** false: any certificate will do, as between stock peers in their test mode. */
  readonly verify: boolean;
}

interface ConnectionOptions {
  readonly limits?: Partial<ClientLimits>;
  readonly clock: Clock;
  /** Aborted: as close(). */
  readonly signal: AbortSignal;
}

const defaultLimits: ClientLimits = {
  ...frameLimits,
  requestsInFlightMax: 1_024,
  writeBufferBytesMax: 32 * 1_024 * 1_024,
};

/** @throws {RemotingError} REMOTING_UNREACHABLE; or the signal's reason */
export async function connectRemoting(
  options: ConnectionOptions & { host: string; port: number; connectTimeoutMs: number; tls?: RemotingTlsOptions },
): Promise<RemotingClient> {
  const { host, port, connectTimeoutMs, tls, clock, signal } = options;
  signal.throwIfAborted();
  const socket = openSocket(host, port, tls);
  const over = Promise.withResolvers<never>();
  const giveUp = (): void => over.reject(signal.reason);
  abortListeners.add(signal, giveUp);
  const cancel = clock.after(connectTimeoutMs, () =>
    over.reject(new Error(`it took longer than ${connectTimeoutMs} ms`)),
  );
  try {
    await Promise.race([connected(socket, tls === undefined ? "connect" : "secureConnect"), over.promise]);
    return overSocket(socket, options);
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RemotingError("REMOTING_UNREACHABLE", `Cannot connect to ${host}:${port}: ${reason}`, { cause });
  } finally {
    cancel();
    abortListeners.remove(signal, giveUp);
  }
}

/** @param socket connected, and from now on this client's */
export function overSocket(socket: Socket, options: ConnectionOptions): RemotingClient {
  const { clock, signal } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const stream = createFrameStream(limits);
  const { write } = createGatheringWriter(socket);
  const waiting = new Map<number, PromiseWithResolvers<Frame>>();
  const closed = Promise.withResolvers<string>();
  const localAddress = formatAddress(socket.localAddress, socket.localPort);
  const remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
  let lastOpaque = 0;
  let endReason: string | undefined;

  function end(reason: string): void {
    if (endReason !== undefined) return;
    endReason = reason;
    abortListeners.remove(signal, onAbort);
    socket.destroy();
    for (const { reject } of waiting.values()) reject(disconnected());
    waiting.clear();
    closed.resolve(reason);
  }

  function onAbort(): void {
    end("this side closed the connection");
  }

  function disconnected(): RemotingError {
    return new RemotingError("REMOTING_DISCONNECTED", `The connection to ${remoteAddress} has ended: ${endReason}`);
  }

  function nextOpaque(): number {
    do lastOpaque = lastOpaque === opaqueMax ? 1 : lastOpaque + 1;
    while (waiting.has(lastOpaque));
    return lastOpaque;
  }

  function put(request: RemotingRequest, opaque: number, isOneway: boolean): void {
    if (endReason !== undefined) throw disconnected();
    if (socket.writableLength > limits.writeBufferBytesMax) {
      throw busy(request, `${socket.writableLength} bytes wait to be taken`);
    }
    write(encodeFrame({ ...envelope, ...request, opaque, isOneway }, limits));
  }

  function busy(request: RemotingRequest, why: string): RemotingError {
    return new RemotingError("REMOTING_BUSY", `Cannot ask ${remoteAddress} ${requestName(request.code)}: ${why}`);
  }

  function deliver(chunk: Buffer): void {
    stream.push(chunk);
    for (let frame = stream.next(); frame !== undefined; frame = stream.next()) {
      if (!frame.isResponse) continue;
      waiting.get(frame.opaque)?.resolve(frame);
      waiting.delete(frame.opaque);
    }
  }

  socket.setNoDelay(true);
  socket.on("data", (chunk: Buffer) => {
    if (endReason !== undefined) return;
    try {
      deliver(chunk);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      end(`the server sent bytes that make no sense: ${error.message}`);
    }
  });
  socket.on("error", (error) => end(error.message));
  socket.on("end", () => end("the server closed the connection"));
  socket.on("close", () => end("the connection was closed"));
  if (socket.destroyed) end("the connection was closed");
  else if (signal.aborted) onAbort();
  else abortListeners.add(signal, onAbort);

  return {
    get open() {
      return endReason === undefined;
    },
    closed: closed.promise,
    localAddress,
    remoteAddress,
    async ask(request, { timeoutMs, signal: askSignal }) {
      askSignal.throwIfAborted();
      if (waiting.size >= limits.requestsInFlightMax) throw busy(request, `${waiting.size} requests are unanswered`);
      const opaque = nextOpaque();
      put(request, opaque, false);
      const answer = Promise.withResolvers<Frame>();
      waiting.set(opaque, answer);
      const giveUp = (): void => answer.reject(askSignal.reason);
      abortListeners.add(askSignal, giveUp);
      const cancel = clock.after(timeoutMs, () => answer.reject(late(request, remoteAddress, timeoutMs)));
      try {
        return await answer.promise;
      } finally {
        waiting.delete(opaque);
        cancel();
        abortListeners.remove(askSignal, giveUp);
      }
    },
    send(request) {
      put(request, nextOpaque(), true);
    },
    close: onAbort,
    async [Symbol.asyncDispose]() {
      onAbort();
    },
  };
}

const opaqueMax = 2 ** 31 - 1;

/** What our requests have in common. To this version (5.3.3) servers answer in strict JSON. */
const envelope = { language: "OTHER", version: 479, isResponse: false, serialize: "json" } as const;

function late(request: RemotingRequest, address: string, timeoutMs: number): RemotingError {
  const what = `${address} did not answer ${requestName(request.code)} in ${timeoutMs} ms`;
  return new RemotingError("REMOTING_TIMEOUT", what);
}

function openSocket(host: string, port: number, tls: RemotingTlsOptions | undefined): Socket {
  if (tls === undefined) return connectTcp({ host, port });
  const { serverName, verify, ...pem } = tls;
  const name = serverName === undefined ? {} : { servername: serverName };
  return connectTls({ host, port, ...pem, ...name, rejectUnauthorized: verify });
}

function connected(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed")));
  });
}
