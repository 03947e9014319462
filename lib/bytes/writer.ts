import { OperatorError } from "../errors.ts";

/** The message outgrew the writer's limit. It was given up at `bytesWanted`; the whole may be larger. */
export class EncodeLimitError extends OperatorError {
  readonly bytesWanted: number;
  readonly bytesMax: number;

  constructor(bytesWanted: number, bytesMax: number) {
    super("BYTES_TOO_LARGE", `The message needs at least ${bytesWanted} bytes, and ${bytesMax} are allowed`, {
      hint: "Send less at once: smaller values, or fewer in one request",
    });
    this.bytesWanted = bytesWanted;
    this.bytesMax = bytesMax;
  }
}

const firstCapacityBytes = 256;
/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const utf8BytesPerUnitMax = 3;

/** Texts up to this length are written here, one unit after the other: a call into the runtime costs more. */
const ownTextUnitsMax = 64;

/** Writes big-endian values into bytes that grow up to `bytesMax`: first into `scratch`, then into bytes of its own. */
export class Writer {
  readonly #bytesMax: number;
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(options: { bytesMax: number; scratch?: Buffer }) {
    this.#bytesMax = options.bytesMax;
    this.#bytes = options.scratch ?? Buffer.allocUnsafe(firstCapacityBytes);
    this.#view = viewOf(this.#bytes);
  }

  /** What was written so far. A view: more writing may leave it behind. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  i16(value: number): void {
    const at = this.#grow(2);
    this.#view.setInt16(at, value);
  }

  i32(value: number): void {
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
  }

  i64(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value);
  }

  bool(value: boolean): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value ? 1 : 0);
  }

  /** Length i32 and the bytes; null is length -1. */
  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.i32(-1);
      return;
    }
    const at = this.#grow(4 + value.length);
    this.#view.setInt32(at, value.length);
    this.#bytes.set(value, at + 4);
  }

  /** The bytes alone: the reader must know their number from elsewhere. */
  raw(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /** Length i32 and the text as UTF-8. */
  string(value: string): void {
    const bytesMost = 4 + value.length * utf8BytesPerUnitMax;
    this.#reserve(this.#length + bytesMost > this.#bytesMax ? 4 + Buffer.byteLength(value) : bytesMost);
    const at = this.#length;
    const length = this.#ascii(value, at + 4) ? value.length : this.#bytes.write(value, at + 4, "utf8");
    this.#view.setInt32(at, length);
    this.#length = at + 4 + length;
  }

  /** Count i32 and the items. */
  vector<T>(items: readonly T[], item: (writer: Writer, value: T) => void): void {
    this.i32(items.length);
    for (const value of items) item(this, value);
  }

  /** Writes over four bytes that were written before: for a length that is known only at the end. */
  overwriteI32(at: number, value: number): void {
    this.#view.setInt32(at, value);
  }

  /** Writes a short text at `at` if each of its units is one byte. */
  #ascii(value: string, at: number): boolean {
    if (value.length > ownTextUnitsMax) return false;
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      this.#bytes[at + index] = unit;
    }
    return true;
  }

  /** Where the next `bytes` go. May put other bytes in the place of `#bytes`: call it before naming them. */
  #grow(bytes: number): number {
    this.#reserve(bytes);
    const at = this.#length;
    this.#length = at + bytes;
    return at;
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted > this.#bytesMax) throw new EncodeLimitError(wanted, this.#bytesMax);
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, wanted));
    larger.set(this.bytes);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
