import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import { createFrameSplitter, encodeFrame } from "../frame.ts";
import {
  type ConnectRequest,
  type ConnectResponse,
  decodeConnectRequest,
  encodeConnectResponse,
} from "../records/connect.ts";
import { decodeRequestHeader, encodeReplyHeader, type RequestHeader } from "../records/header.ts";
import type { Zxid } from "../zookeeper.ts";

/** A ZooKeeper server that says what a test wants, also what no real one would. */
export interface FakeServer extends AsyncDisposable {
  readonly address: string;
  /** What was asked for at each connect, in order. */
  readonly connects: readonly ConnectRequest[];
  /** All requests of all connections but pings, in order. */
  readonly requests: readonly RequestHeader[];
  readonly pings: number;
  /** Sends bytes on the newest connection. */
  send(bytes: Buffer): void;
  dropConnections(): void;
}

export interface FakeServerScript {
  /** The answer to a connect request. */
  readonly connect?: (request: ConnectRequest) => ConnectResponse | "hangUp" | "silence";
  /** The bytes to send for a request; undefined: it is left without an answer. */
  readonly reply?: (header: RequestHeader, body: Reader) => Buffer | undefined;
  readonly answerPings?: boolean;
}

const frameBytesMax = 16 * 1_024 * 1_024;

export async function startFakeServer(script: FakeServerScript = {}): Promise<FakeServer> {
  const { connect = grant, reply: answer = ({ xid }) => reply({ xid }), answerPings = true } = script;
  const connects: ConnectRequest[] = [];
  const requests: RequestHeader[] = [];
  const sockets: Socket[] = [];
  let pings = 0;

  function onConnect(socket: Socket, frame: Buffer): void {
    const request = decodeConnectRequest(new Reader(frame));
    connects.push(request);
    const response = connect(request);
    if (response === "hangUp") socket.destroy();
    else if (response !== "silence") {
      socket.write(encodeFrame({ frameBytesMax }, (writer) => encodeConnectResponse(writer, response)));
    }
  }

  function onRequest(socket: Socket, frame: Buffer): void {
    const reader = new Reader(frame);
    const header = decodeRequestHeader(reader);
    const isPing = header.xid === -2;
    if (isPing) pings += 1;
    else requests.push(header);
    if (isPing && !answerPings) return;
    const bytes = isPing ? reply({ xid: -2 }) : answer(header, reader);
    if (bytes !== undefined) socket.write(bytes);
  }

  const listener = createServer((socket) => {
    const splitter = createFrameSplitter({ frameBytesMax });
    let greeted = false;
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      splitter.push(chunk);
      for (let split = splitter.next(); split.kind === "frame"; split = splitter.next()) {
        if (greeted) onRequest(socket, split.frame);
        else onConnect(socket, split.frame);
        greeted = true;
      }
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    connects,
    requests,
    get pings() {
      return pings;
    },
    send(bytes) {
      sockets.at(-1)?.write(bytes);
    },
    dropConnections,
    async [Symbol.asyncDispose]() {
      dropConnections();
      listener.close();
      await once(listener, "close");
    },
  };
}

let lastSessionId = 100n;

/** Grants what was asked for: the session resumed, or a new one. */
export function grant(request: ConnectRequest): ConnectResponse {
  if (request.sessionId === 0n) lastSessionId += 1n;
  return {
    sessionTimeoutMs: request.sessionTimeoutMs,
    sessionId: request.sessionId === 0n ? lastSessionId : request.sessionId,
    password: new Uint8Array(16).fill(7),
    readOnly: false,
  };
}

/** The frame of a reply. */
export function reply(
  header: { xid: number; zxid?: bigint; err?: number },
  body: (writer: Writer) => void = () => {},
): Buffer {
  return encodeFrame({ frameBytesMax }, (writer) => {
    encodeReplyHeader(writer, { xid: header.xid, zxid: (header.zxid ?? 0n) as Zxid, err: header.err ?? 0 });
    body(writer);
  });
}
