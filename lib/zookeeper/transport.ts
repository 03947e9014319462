import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { DecodeError } from "../bytes/reader.ts";
import type { Logger } from "../log.ts";
import { createFrameSplitter } from "./frame.ts";
import type { TlsOptions } from "./options.ts";
import type { Server } from "./servers.ts";

/** Frames over one TCP or TLS connection. Writing may begin at once: it is held back until the connection stands. */
export interface Transport {
  readonly server: Server;
  /** False: the socket takes no more for now, wait for `drained`. */
  write(frame: Buffer): boolean;
  /** Whom to tell; the last one asked for counts. */
  listen(listener: TransportListener): void;
  /** Ends at once, unsent bytes included. */
  destroy(reason: string): void;
}

export interface TransportListener {
  /** Bytes came. */
  heard(): void;
  /** @throws {DecodeError} when the frame makes no sense: the connection is then dropped */
  frame(frame: Buffer): void;
  /** The begin of a frame that is larger than allowed; the rest is thrown away. @throws {DecodeError} as above */
  oversized(head: Buffer, frameBytes: number): void;
  drained(): void;
  /** Once, the last call. */
  ended(end: TransportEnd): void;
}

/** unreachable: TCP or TLS could not stand. hungUp: they did, and the peer ended them. dropped: by us. */
export interface TransportEnd {
  readonly kind: "unreachable" | "hungUp" | "protocolError" | "dropped";
  readonly reason: string;
}

export function openTransport(options: {
  server: Server;
  tls: TlsOptions | undefined;
  frameBytesMax: number;
  log: Logger;
  listener: TransportListener;
}): Transport {
  const { server, log } = options;
  const splitter = createFrameSplitter(options);
  const socket = openSocket(server, options.tls);
  let listener = options.listener;
  let reached = false;
  let corked = false;
  let ended = false;

  function end(kind: TransportEnd["kind"], reason: string): void {
    if (ended) return;
    ended = true;
    socket.destroy();
    listener.ended({ kind, reason });
  }

  function endByPeer(reason: string): void {
    end(reached ? "hungUp" : "unreachable", reason);
  }

  function deliver(chunk: Buffer): void {
    listener.heard();
    splitter.push(chunk);
    while (!ended) {
      const split = splitter.next();
      if (split.kind === "incomplete") return;
      if (split.kind === "frame") listener.frame(split.frame);
      else listener.oversized(split.head, split.frameBytes);
    }
  }

  socket.setNoDelay(true);
  socket.on(options.tls === undefined ? "connect" : "secureConnect", () => {
    reached = true;
  });
  socket.on("data", (chunk: Buffer) => {
    if (ended) return;
    try {
      deliver(chunk);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      log.error({ server: server.address, reason: error.message }, "zookeeper server sent bytes that make no sense");
      end("protocolError", `protocol error: ${error.message}`);
    }
  });
  socket.on("drain", () => {
    if (!ended) listener.drained();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (hangUpCodes.has(error.code ?? "")) endByPeer(error.message);
    else end("unreachable", tlsReason(error) ?? error.message);
  });
  socket.on("end", () => endByPeer("the server closed the connection"));
  socket.on("close", () => endByPeer("the connection was closed"));

  return {
    server,
    write(frame) {
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(() => {
          corked = false;
          socket.uncork();
        });
      }
      return socket.write(frame);
    },
    listen(next) {
      listener = next;
    },
    destroy: (reason) => end("dropped", reason),
  };
}

const hangUpCodes = new Set(["ECONNRESET", "EPIPE"]);

/** What TLS objects to, without the place in its library's source. */
function tlsReason(error: Error): string | undefined {
  return "reason" in error && typeof error.reason === "string" ? error.reason : undefined;
}

function openSocket(server: Server, tls: TlsOptions | undefined): Socket {
  const { host, port } = server;
  if (tls === undefined) return connectTcp({ host, port });
  const { serverName, ...pem } = tls;
  return connectTls({ host, port, ...pem, ...(serverName === undefined ? {} : { servername: serverName }) });
}
