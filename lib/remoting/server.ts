import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { messageOf } from "../errors.ts";
import { formatAddress, parseListen } from "./address.ts";
import { RemotingError } from "./errors.ts";
import { frameLimits } from "./frame.ts";
import { type Peer, servePeer } from "./peer.ts";
import { createReadTurns } from "./read-turns.ts";
import type { RemotingServer, RemotingServerOptions, ServerCounters, ServerLimits } from "./server-options.ts";
import { createDoor } from "./tls-door.ts";

const defaultLimits: ServerLimits = {
  ...frameLimits,
  connectionsMax: 1_024,
  requestsInFlightMax: 256,
  frameWholeMs: 10_000,
  pendingBytesMax: 64 * 1_024 * 1_024,
  turnBytesMax: 1_024 * 1_024,
  writeBufferBytesMax: 4 * 1_024 * 1_024,
};

const keepAliveMs = 30_000;

/**
 * Serves the remoting protocol. Nothing that a peer sends ends more than its own connection.
 * @throws {RemotingError} REMOTING_LISTEN when the address cannot be listened on
 */
export async function listenRemoting<Context>(
  options: RemotingServerOptions<Context>,
): Promise<RemotingServer<Context>> {
  const { log, signal, clock } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const counters: ServerCounters = {
    connectionsRefused: 0,
    malformed: 0,
    halfFrames: 0,
    overfull: 0,
    slowReaders: 0,
    busy: 0,
    failed: 0,
    tlsRefused: 0,
  };
  const sockets = new Set<Socket>();
  const peers = new Set<Peer<Context>>();
  const turns = createReadTurns(limits.turnBytesMax);
  const closing = new AbortController();
  let lastId = 0;
  let pendingBytes = 0;

  function serve(socket: Socket, isTls: boolean): void {
    lastId += 1;
    const peer = servePeer(socket, {
      ...options,
      limits,
      counters,
      id: lastId,
      isTls,
      onPending,
      turns,
      onEnd: () => peers.delete(peer),
    });
    peers.add(peer);
  }

  /** Brokers' frames are small: whoever holds the most is none of them. */
  function onPending(changeBytes: number): void {
    pendingBytes += changeBytes;
    while (pendingBytes > limits.pendingBytesMax) {
      const [first, ...others] = peers;
      if (first === undefined) return;
      const most = others.reduce((one, other) => (other.pendingBytes > one.pendingBytes ? other : one), first);
      counters.overfull += 1;
      log.warn(
        { remoteAddress: most.remoteAddress, pendingBytes: most.pendingBytes, allBytes: pendingBytes },
        "remoting peers have too much begun: the one with most of it goes",
      );
      most.end("it had begun the largest of too many frames");
    }
  }

  const door = createDoor({
    tls: options.tls,
    handshakeMs: limits.frameWholeMs,
    serve,
    onRefused(remoteAddress, reason) {
      counters.tlsRefused += 1;
      log.warn({ remoteAddress, reason }, "remoting connection refused");
    },
  });

  const server = createServer((socket) => {
    if (sockets.size >= limits.connectionsMax) {
      counters.connectionsRefused += 1;
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    door(socket);
  });

  async function close(): Promise<void> {
    if (!closing.signal.aborted) {
      closing.abort();
      signal.removeEventListener("abort", onAbort);
      for (const peer of peers) peer.end("this side is stopping");
      for (const socket of sockets) socket.destroy();
      server.close();
    }
    await ended.promise;
  }

  function onAbort(): void {
    void close();
  }

  /** If this process itself was held up, the rest of a frame may lie unread in the socket: reads come before the verdict. */
  async function watchHalfFrames(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(limits.frameWholeMs / 2, { signal: closing.signal });
      await clock.sleep(1, { signal: closing.signal });
      for (const peer of peers) peer.endIfStuck(clock.now());
    }
  }

  signal.throwIfAborted();
  const address = await listening(server, options.listen);
  const ended = Promise.withResolvers<void>();
  server.once("close", () => ended.resolve());
  server.on("error", (error) => log.error({ address, error: error.message }, "remoting server cannot accept"));
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  watchHalfFrames().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });

  return { address, connections: peers, counters, close, [Symbol.asyncDispose]: close };
}

function listening(server: Server, listen: string): Promise<string> {
  const { host, port } = parseListen(listen);
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown): void => {
      const message = `Cannot listen on ${listen} for remoting requests: ${messageOf(cause)}`;
      reject(new RemotingError("REMOTING_LISTEN", message, { cause }));
    };
    server.once("error", refuse);
    server.listen({ host, port }, () => {
      server.off("error", refuse);
      const bound = server.address() as AddressInfo;
      resolve(formatAddress(bound.address, bound.port));
    });
  });
}
