import { DecodeError, Reader } from "../bytes/reader.ts";
import type { Logger } from "../log.ts";
import { type Connection, type ConnectionOptions, createConnection } from "./connection.ts";
import { encodeFrame } from "./frame.ts";
import type { TlsOptions } from "./options.ts";
import { type ConnectRequest, decodeConnectResponse, encodeConnectRequest } from "./records/connect.ts";
import type { Server } from "./servers.ts";
import { openTransport, type TransportEnd } from "./transport.ts";

export interface HandshakeOptions extends ConnectionOptions {
  readonly server: Server;
  readonly connect: ConnectRequest;
  readonly connectTimeoutMs: number;
  readonly tls: TlsOptions | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export type Opened =
  | { readonly kind: "open"; readonly connection: Connection }
  /** The session asked for is no more. */
  | { readonly kind: "expired" }
  /** `hungUp`: the server took the connection and ended it without an answer. */
  | { readonly kind: "failed"; readonly reason: string; readonly hungUp: boolean };

const connectRequestBytesMax = 64;

/** Connects to one server and asks it for a session, within the connect timeout. Never rejects. */
export function openConnection(options: HandshakeOptions): Promise<Opened> {
  const { clock, connect, connectTimeoutMs, server } = options;
  const opened = Promise.withResolvers<Opened>();
  const answered = new AbortController();

  function onFrame(frame: Buffer): void {
    const response = decodeConnectResponse(new Reader(frame));
    answered.abort();
    if (response.sessionTimeoutMs > 0) {
      opened.resolve({ kind: "open", connection: createConnection(transport, response, options) });
    } else if (connect.sessionId !== 0n) {
      opened.resolve({ kind: "expired" });
      transport.destroy("the session has expired");
    } else {
      throw new DecodeError(`The answer to a new session gives it ${response.sessionTimeoutMs} ms`);
    }
  }

  function onOversized(_head: Buffer, frameBytes: number): void {
    throw new DecodeError(`The answer to the connect request claims ${frameBytes} bytes`);
  }

  function onEnded(end: TransportEnd): void {
    answered.abort();
    const hungUp = end.kind === "hungUp";
    opened.resolve({ kind: "failed", reason: hungUp ? refusal(end.reason) : end.reason, hungUp });
  }

  function refusal(reason: string): string {
    const zxid = `0x${connect.lastZxidSeen.toString(16)}`;
    return `the server refused the session: perhaps its zxid is behind ours (${zxid}), or it is not serving (${reason})`;
  }

  const transport = openTransport({
    server,
    tls: options.tls,
    frameBytesMax: options.limits.replyBytesMax,
    log: options.log,
    listener: { heard() {}, frame: onFrame, oversized: onOversized, drained() {}, ended: onEnded },
  });
  transport.write(
    encodeFrame({ frameBytesMax: connectRequestBytesMax }, (writer) => encodeConnectRequest(writer, connect)),
  );
  clock.sleep(connectTimeoutMs, { signal: AbortSignal.any([options.signal, answered.signal]) }).then(
    () => transport.destroy(`no answer to the connect request within ${connectTimeoutMs} ms`),
    () => {
      if (!answered.signal.aborted) transport.destroy("the client is closing");
    },
  );
  return opened.promise;
}
