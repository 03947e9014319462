import type { Socket } from "node:net";
import type { Frame } from "./frame.ts";
import type { ReadyAnswer } from "./ready-answer.ts";

/**
 * Writes to a socket so that what is written in one turn of the event loop leaves in one piece, as far as it is small: the kernel and
 * Node charge by the piece.
 */
export interface GatheringWriter {
  write(bytes: Uint8Array): void;
  answer(answer: ReadyAnswer, request: Pick<Frame, "opaque" | "serialize">): void;
}

/** A larger piece is written as it is, and so many together are not held back: copying would cost more than it saves. */
const gatheredBytesMax = 64 * 1024;

/**
 * What is gathered is put together in it, of all connections one after the other, as long as the kernel takes it at once: a buffer made
 * for each write costs a fifth of an answer's processor time.
 */
let shared = Buffer.allocUnsafeSlow(gatheredBytesMax);

type Piece = Uint8Array | { readonly answer: ReadyAnswer; readonly request: Pick<Frame, "opaque" | "serialize"> };

export function createGatheringWriter(socket: Socket): GatheringWriter {
  let gathered: Piece[] = [];
  let gatheredBytes = 0;

  function flush(): void {
    if (gathered.length === 0) return;
    const pieces = gathered;
    const bytes = gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
    // Whoever ended it has said so elsewhere.
    if (socket.destroyed) return;
    const [first] = pieces;
    if (pieces.length === 1 && first instanceof Uint8Array) socket.write(first);
    else if (bytes > gatheredBytesMax || socket.writableLength > 0) {
      socket.write(together(pieces, Buffer.allocUnsafe(bytes)));
    } else {
      socket.write(together(pieces, shared.subarray(0, bytes)));
      // What is not taken yet is read from there later.
      if (socket.writableLength > 0) shared = Buffer.allocUnsafeSlow(gatheredBytesMax);
    }
  }

  function add(piece: Piece, bytes: number): void {
    if (gatheredBytes + bytes > gatheredBytesMax) flush();
    gathered.push(piece);
    gatheredBytes += bytes;
    if (gatheredBytes > gatheredBytesMax) flush();
    else if (gathered.length === 1) process.nextTick(flush);
  }

  return {
    write: (bytes) => add(bytes, bytes.length),
    answer: (answer, request) => add({ answer, request }, answer.bytesOf(request.serialize)),
  };
}

function together(pieces: readonly Piece[], whole: Buffer): Buffer {
  let at = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      whole.set(piece, at);
      at += piece.length;
    } else {
      piece.answer.copyTo(whole, at, piece.request);
      at += piece.answer.bytesOf(piece.request.serialize);
    }
  }
  return whole;
}
