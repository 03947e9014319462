import type { Socket } from "node:net";
import { DecodeError } from "../bytes/reader.ts";
import type { Instant } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { formatAddress } from "./address.ts";
import { requestName, resultCodes } from "./codes.ts";
import { encodeFrame, type Frame } from "./frame.ts";
import { createFrameStream } from "./frame-stream.ts";
import { createGatheringWriter } from "./gathered-writes.ts";
import { answerEnvelope, type RemotingAnswer, refusal } from "./message.ts";
import { type ReadTurns, smallBytesMax } from "./read-turns.ts";
import type { ReadyAnswer } from "./ready-answer.ts";
import type { RemotingConnection, RemotingServerOptions, ServerCounters, ServerLimits } from "./server-options.ts";

/** The server's side of one connection. */
export interface Peer<Context> extends RemotingConnection<Context> {
  end(reason: string): void;
  /** Ends it if the frame it has begun should be whole by `now`. */
  endIfStuck(now: Instant): void;
}

/** @param socket connected, and from now on this peer's */
export function servePeer<Context>(
  socket: Socket,
  options: Omit<RemotingServerOptions<Context>, "limits"> & {
    id: number;
    isTls: boolean;
    limits: ServerLimits;
    counters: ServerCounters;
    /** How many bytes more, or less, of a frame that is not whole are held. */
    onPending: (changeBytes: number) => void;
    turns: ReadTurns;
    onEnd: () => void;
  },
): Peer<Context> {
  const { id, isTls, limits, counters, log, clock, onRequest, turns } = options;
  const stream = createFrameStream(limits, options.readJson);
  const writer = createGatheringWriter(socket);
  const remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
  let open = true;
  let inFlight = 0;
  /** When the frame began that is not whole yet. */
  let begunAt: Instant | undefined;
  let heldBytes = 0;

  function end(reason: string): void {
    if (!open) return;
    open = false;
    socket.destroy();
    options.onEnd();
    hold(0);
    options.onClose?.(peer, reason);
  }

  function hold(bytes: number): void {
    const changeBytes = bytes - heldBytes;
    heldBytes = bytes;
    if (changeBytes !== 0) options.onPending(changeBytes);
  }

  function onChunk(chunk: Buffer): void {
    stream.push(chunk);
    let whole = 0;
    while (open) {
      const frame = stream.next();
      if (frame === undefined) break;
      whole += 1;
      onFrame(frame);
    }
    if (stream.pendingBytes === 0) begunAt = undefined;
    else if (begunAt === undefined || whole > 0) begunAt = clock.now();
    if (open) hold(stream.pendingBytes);
    if (open && heldBytes > smallBytesMax) turns.took(socket, chunk.length);
  }

  function onFrame(frame: Frame): void {
    if (frame.isResponse) return;
    if (inFlight >= limits.requestsInFlightMax) {
      counters.busy += 1;
      answer(frame, refusal(resultCodes.SYSTEM_BUSY, `${inFlight} requests of this connection are unanswered`));
      return;
    }
    try {
      const result = onRequest(frame, peer);
      if (result === undefined) return;
      if (result instanceof Promise) answerLater(frame, result);
      else answer(frame, result);
    } catch (error) {
      fail(frame, error);
    }
  }

  function answerLater(frame: Frame, result: Promise<RemotingAnswer | ReadyAnswer | undefined>): void {
    inFlight += 1;
    result
      .then((settled) => {
        if (settled !== undefined) answer(frame, settled);
      })
      .catch((error: unknown) => fail(frame, error))
      .finally(() => {
        inFlight -= 1;
      });
  }

  function fail(frame: Frame, error: unknown): void {
    counters.failed += 1;
    log.warn({ remoteAddress, request: requestName(frame.code), error: messageOf(error) }, "remoting request failed");
    answer(frame, refusal(resultCodes.SYSTEM_ERROR, messageOf(error).slice(0, remarkCharactersMax)));
  }

  /** @throws {EncodeLimitError} when it is over a limit */
  function answer(frame: Frame, made: RemotingAnswer | ReadyAnswer): void {
    if (frame.isOneway || !open) return;
    if (socket.writableLength > limits.writeBufferBytesMax) {
      counters.slowReaders += 1;
      log.warn({ remoteAddress, waitingBytes: socket.writableLength }, "remoting peer does not read its answers");
      end("it does not read its answers");
      return;
    }
    if ("copyTo" in made) {
      writer.answer(made, frame);
      return;
    }
    const { code, remark, fields, body } = made;
    const { opaque, serialize } = frame;
    writer.write(encodeFrame({ ...answerEnvelope, code, remark, fields, body, opaque, serialize }, limits));
  }

  const peer: Peer<Context> = {
    id,
    remoteAddress,
    isTls,
    context: options.context(),
    get open() {
      return open;
    },
    get pendingBytes() {
      return heldBytes;
    },
    close: end,
    end,
    endIfStuck(now) {
      if (begunAt === undefined || now - begunAt < limits.frameWholeMs) return;
      counters.halfFrames += 1;
      log.warn({ remoteAddress, pendingBytes: stream.pendingBytes }, "remoting peer did not finish its frame");
      end("it did not finish its frame");
    },
  };

  socket.on("data", (chunk: Buffer) => {
    if (!open) return;
    try {
      onChunk(chunk);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      counters.malformed += 1;
      log.warn({ remoteAddress, reason: error.message }, "remoting peer sent bytes that make no sense");
      end(`it sent bytes that make no sense: ${error.message}`);
    }
  });
  socket.on("error", (error) => end(error.message));
  socket.on("end", () => end("it closed the connection"));
  socket.on("close", () => end("the connection was closed"));
  return peer;
}

const remarkCharactersMax = 1_000;
