import { DecodeError } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";

type SplitResult =
  | { readonly kind: "frame"; readonly frame: Buffer }
  /** Over the limit: its first bytes. The others are thrown away as they come. */
  | { readonly kind: "oversized"; readonly head: Buffer; readonly frameBytes: number }
  | { readonly kind: "incomplete" };

/** Cuts a stream of bytes into frames: length i32 | that many bytes. */
export interface FrameSplitter {
  /** Takes over the chunk: it must not change any more. */
  push(chunk: Buffer): void;
  /**
   * A frame that lies within one chunk is a view of it; one that spans several is gathered once, when its last byte is here.
   * @throws {DecodeError} when a length is negative; nothing after it can be trusted
   */
  next(): SplitResult;
}

const lengthBytes = 4;
/** Of an oversized frame, for its reader to tell what it was: the header of a reply. */
const headBytes = 16;
const incomplete: SplitResult = { kind: "incomplete" };

export function createFrameSplitter(options: { frameBytesMax: number }): FrameSplitter {
  const { frameBytesMax } = options;
  /** Bytes not yet handed out; those of the first chunk before `offset` are. */
  const chunks: Buffer[] = [];
  let offset = 0;
  let available = 0;
  let frameBytes: number | undefined;
  /** Of an oversized frame, still to come and to be thrown away. */
  let unwanted = 0;

  function take(bytes: number): Buffer {
    available -= bytes;
    const first = chunks[0];
    if (first !== undefined && first.length - offset > bytes) {
      offset += bytes;
      return first.subarray(offset - bytes, offset);
    }
    return gather(bytes);
  }

  function gather(bytes: number): Buffer {
    const parts: Buffer[] = [];
    let missing = bytes;
    let used = 0;
    for (const chunk of chunks) {
      if (missing === 0) break;
      const part = chunk.subarray(offset, offset + missing);
      parts.push(part);
      missing -= part.length;
      if (offset + part.length < chunk.length) {
        offset += part.length;
        break;
      }
      offset = 0;
      used += 1;
    }
    chunks.splice(0, used);
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, bytes);
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return;
      chunks.push(chunk);
      available += chunk.length;
    },
    next() {
      if (unwanted > 0) {
        const bytes = Math.min(unwanted, available);
        take(bytes);
        unwanted -= bytes;
        if (unwanted > 0) return incomplete;
      }
      if (frameBytes === undefined) {
        if (available < lengthBytes) return incomplete;
        frameBytes = take(lengthBytes).readInt32BE(0);
        if (frameBytes < 0) throw new DecodeError(`A frame claims ${frameBytes} bytes`);
      }
      if (frameBytes > Math.max(frameBytesMax, headBytes)) {
        if (available < headBytes) return incomplete;
        const split = { kind: "oversized", head: take(headBytes), frameBytes } as const;
        unwanted = frameBytes - headBytes;
        frameBytes = undefined;
        return split;
      }
      if (available < frameBytes) return incomplete;
      const frame = take(frameBytes);
      frameBytes = undefined;
      return { kind: "frame", frame };
    },
  };
}

/**
 * The bytes to send for one frame: its length and what `write` writes.
 * @throws {EncodeLimitError} when that is more than `frameBytesMax`
 */
export function encodeFrame(options: { frameBytesMax: number }, write: (writer: Writer) => void): Buffer {
  const writer = new Writer({ bytesMax: lengthBytes + options.frameBytesMax, scratch });
  writer.i32(0);
  write(writer);
  const { bytes } = writer;
  writer.overwriteI32(0, bytes.length - lengthBytes);
  return bytes.buffer === scratch.buffer ? Buffer.from(bytes) : bytes;
}

/** Frames are put together here and then cut out: bytes that grow with each frame would be copied many times. */
const scratch = Buffer.from(new ArrayBuffer(64 * 1_024));
