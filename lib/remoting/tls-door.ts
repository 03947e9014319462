import type { Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { formatAddress } from "./address.ts";
import type { ServerTlsOptions } from "./server-options.ts";

/**
 * Lets accepted sockets in, plain or TLS, which its first byte tells: 0x16 begins a TLS hello, and would be the length of a frame far
 * over the limit.
 * @source RocketMQ 5.3.3 NettyRemotingServer.TlsModeHandler
 */
export function createDoor(options: {
  tls: ServerTlsOptions | undefined;
  handshakeMs: number;
  serve: (socket: Socket, isTls: boolean) => void;
  onRefused: (remoteAddress: string, reason: string) => void;
}): (socket: Socket) => void {
  const { tls, handshakeMs, serve, onRefused } = options;
  if (tls === undefined) return (socket) => serve(socket, false);
  const { key, cert, ca, requireTls } = tls;
  const authority = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  const server = createTlsServer({ key, cert, ...authority, handshakeTimeout: handshakeMs }, (socket) =>
    serve(socket, true),
  );
  server.on("tlsClientError", (error, socket) => {
    onRefused(formatAddress(socket.remoteAddress, socket.remotePort), error.message);
    socket.destroy();
  });
  return (socket) => {
    const remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
    const ignore = (): void => {};
    socket.on("error", ignore);
    socket.once("data", (chunk: Buffer) => {
      socket.pause();
      socket.unshift(chunk);
      if (chunk[0] === tlsHello) server.emit("connection", socket);
      else if (requireTls) {
        onRefused(remoteAddress, "it is not TLS, and requireTls is set");
        socket.destroy();
      } else {
        socket.off("error", ignore);
        serve(socket, false);
        socket.resume();
      }
    });
  };
}

const tlsHello = 0x16;
