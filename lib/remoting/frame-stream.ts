import { decodeFrame, type Frame, type FrameLimits } from "./frame.ts";
import type { HeaderReader } from "./header-memo.ts";

/** Cuts a stream of bytes into frames. */
export interface FrameStream {
  /** Takes over the chunk: it must not change any more. */
  push(chunk: Buffer): void;
  /**
   * The next frame, if it is whole. One that lies within one chunk is a view of it; one that spans several is gathered.
   * @throws {DecodeError} see decodeFrame
   */
  next(): Frame | undefined;
  /** Received, and not yet handed out. */
  readonly pendingBytes: number;
}

const none = Buffer.alloc(0);
const capacityBytesMin = 256;

/**
 * What is held grows with what has come, never with what a length claims; a peer that sends its frame byte by byte costs no
 * more than others.
 */
export function createFrameStream(limits: FrameLimits, readJson?: HeaderReader): FrameStream {
  /** Not yet looked at. */
  let rest: Buffer = none;
  /** The beginning of a frame, from earlier chunks. */
  let begun: Buffer = none;
  let begunBytes = 0;
  /** Of the frame that has begun, as far as is known. */
  let wantedBytes = 0;

  function gather(): void {
    const bytes = Math.min(rest.length, wantedBytes - begunBytes);
    const bytesAfter = begunBytes + bytes;
    if (bytesAfter > begun.length) {
      const larger = Buffer.allocUnsafeSlow(capacity(bytesAfter));
      larger.set(begun.subarray(0, begunBytes));
      begun = larger;
    }
    begun.set(rest.subarray(0, bytes), begunBytes);
    begunBytes = bytesAfter;
    rest = rest.subarray(bytes);
  }

  function capacity(bytes: number): number {
    return Math.max(bytes, Math.min(wantedBytes, Math.max(begun.length * 2, capacityBytesMin)));
  }

  function decodeBegun(): Frame | undefined {
    while (rest.length > 0) {
      gather();
      if (begunBytes < wantedBytes) return undefined;
      const result = decodeFrame(begun.subarray(0, begunBytes), limits, readJson);
      if (result.kind === "frame") {
        begun = none;
        begunBytes = 0;
        return result.frame;
      }
      wantedBytes = result.wanted;
    }
    return undefined;
  }

  return {
    get pendingBytes() {
      return begunBytes + rest.length;
    },
    push(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    },
    next() {
      if (begunBytes > 0) return decodeBegun();
      if (rest.length === 0) return undefined;
      const result = decodeFrame(rest, limits, readJson);
      if (result.kind === "incomplete") {
        wantedBytes = result.wanted;
        gather();
        return undefined;
      }
      rest = result.used === rest.length ? none : rest.subarray(result.used);
      return result.frame;
    },
  };
}
