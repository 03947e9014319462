import { OperatorError } from "../errors.ts";

/** The bytes cannot be the message they should be. Says where in the frame, and what stood there. */
export class DecodeError extends OperatorError {
  constructor(message: string) {
    super("BYTES_MALFORMED", message, {
      hint: "The peer speaks another protocol or another version of it: check that address and port are those of the right server",
    });
  }
}

/**
 * Reads big-endian values from one frame, front to back. The frame's end limits every length and count, and is looked at
 * before anything is allocated. A class because one is made for every frame: methods on a prototype cost nothing to make.
 */
export class Reader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #offset = 0;

  /** The bytes are not copied: they must not change as long as the reader or anything that `buffer` returned is in use. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    const at = this.#take(1);
    return this.#view.getUint8(at);
  }

  i16(): number {
    const at = this.#take(2);
    return this.#view.getInt16(at);
  }

  i32(): number {
    const at = this.#take(4);
    return this.#view.getInt32(at);
  }

  i64(): bigint {
    const at = this.#take(8);
    const view = this.#view;
    if (view.getInt32(at + 4) === 0 && view.getInt32(at) === 0) return 0n;
    return view.getBigInt64(at);
  }

  /** As i64, for a value that often is the one before at byte `at`: then `value` itself is given again, and no bigint made. */
  i64Again(at: number, value: bigint): bigint {
    const view = this.#view;
    const here = this.#take(8);
    const isSame = view.getInt32(here + 4) === view.getInt32(at + 4) && view.getInt32(here) === view.getInt32(at);
    return isSame ? value : view.getBigInt64(here);
  }

  bool(): boolean {
    const at = this.#take(1);
    const byte = this.#view.getUint8(at);
    if (byte > 1) throw new DecodeError(`Byte ${at} of the frame is ${byte}, where a bool is 0 or 1`);
    return byte === 1;
  }

  /** Length i32 and that many bytes; length -1 is null. A view of the frame, which it keeps alive: copy what is kept for long. */
  buffer(): Uint8Array | null {
    const length = this.i32();
    if (length === -1) return null;
    const at = this.#takeLength(length, "a buffer");
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /** Length i32 and that many bytes of UTF-8. */
  string(): string {
    const length = this.i32();
    const at = this.#takeLength(length, "a string");
    return this.#bytes.toString("utf8", at, at + length);
  }

  /** That many bytes, their number being known from elsewhere. A view, as of `buffer`. */
  bytes(length: number): Uint8Array {
    const at = this.#takeLength(length, "bytes");
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /** That many bytes of UTF-8, their number being known from elsewhere. */
  text(length: number): string {
    const at = this.#takeLength(length, "a text");
    return this.#bytes.toString("utf8", at, at + length);
  }

  /** Count i32 and that many items. `itemBytesMin` is the least that one item can take: it bounds what the count may claim. */
  vector<T>(itemBytesMin: number, item: (reader: Reader) => T): T[] {
    const at = this.#offset;
    const count = this.i32();
    if (count < 0 || count * itemBytesMin > this.remaining) {
      throw new DecodeError(
        `Byte ${at} of the frame counts ${count} items of at least ${itemBytesMin} bytes, but ${this.remaining} bytes follow`,
      );
    }
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(item(this));
    return items;
  }

  #takeLength(length: number, what: string): number {
    if (length < 0 || length > this.remaining) {
      throw new DecodeError(
        `Before byte ${this.#offset} the frame gives ${what} ${length} bytes, but ${this.remaining} bytes follow`,
      );
    }
    return this.#take(length);
  }

  #take(bytes: number): number {
    const at = this.#offset;
    if (bytes > this.#bytes.length - at) {
      throw new DecodeError(
        `The frame ends at byte ${this.#bytes.length}, where ${bytes} bytes from byte ${at} were due`,
      );
    }
    this.#offset = at + bytes;
    return at;
  }
}
