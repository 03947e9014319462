import fc from "fast-check";
import { expect, test } from "vitest";
import { DecodeError, Reader } from "./reader.ts";

test("a vector that claims more items than the frame can hold is refused before anything is allocated", () => {
  const frame = Buffer.alloc(20);
  frame.writeInt32BE(0x7fff_ffff, 0);
  let items = 0;
  const read = () => new Reader(frame).vector(1, () => (items += 1));
  expect(read).toThrow(DecodeError);
  expect(items).toBe(0);
});

test("a vector of negative length is refused", () => {
  const frame = Buffer.alloc(4);
  frame.writeInt32BE(-1);
  expect(() => new Reader(frame).vector(1, (reader) => reader.bool())).toThrow(DecodeError);
});

test("a buffer of length -1 is null, one of length 0 is empty, one of length -2 is refused", () => {
  const of = (length: number) => {
    const frame = Buffer.alloc(4);
    frame.writeInt32BE(length);
    return new Reader(frame);
  };
  expect(of(-1).buffer()).toBeNull();
  expect(of(0).buffer()).toEqual(new Uint8Array());
  expect(() => of(-2).buffer()).toThrow(DecodeError);
});

test("a length that goes past the frame is refused and the message names both", () => {
  const frame = Buffer.alloc(10);
  frame.writeInt32BE(7);
  const refused = "Before byte 4 the frame gives a string 7 bytes, but 6 bytes follow";
  expect(() => new Reader(frame).string()).toThrow(refused);
});

test("bytes and a text of a length from elsewhere are refused when it goes past the frame or is negative", () => {
  const frame = Buffer.from("abc");
  expect(new Reader(frame).text(2)).toBe("ab");
  expect(() => new Reader(frame).text(4)).toThrow(DecodeError);
  expect(() => new Reader(frame).bytes(4)).toThrow(DecodeError);
  expect(() => new Reader(frame).bytes(-1)).toThrow(DecodeError);
});

test("a bool other than 0 or 1 is refused", () => {
  expect(() => new Reader(Buffer.from([2])).bool()).toThrow(DecodeError);
});

test("a number that the frame cuts off is refused", () => {
  expect(() => new Reader(Buffer.alloc(3)).i32()).toThrow(DecodeError);
  expect(() => new Reader(Buffer.alloc(7)).i64()).toThrow(DecodeError);
  expect(() => new Reader(Buffer.alloc(0)).bool()).toThrow(DecodeError);
  expect(() => new Reader(Buffer.alloc(0)).u8()).toThrow(DecodeError);
  expect(() => new Reader(Buffer.alloc(1)).i16()).toThrow(DecodeError);
});

test("a frame that is a view of a larger buffer never shows what lies beside it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), fc.nat(8), fc.nat(8), (frame, before, after) => {
      const outer = new Uint8Array(before + frame.length + after).fill(0xee);
      outer.set(frame, before);
      const view = outer.subarray(before, before + frame.length);
      expect(everything(new Reader(view))).toEqual(everything(new Reader(frame)));
    }),
  );
});

test("random bytes are read or refused, never anything else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void everything(new Reader(bytes))));
});

/** Reads all kinds of values in turn until the frame ends or makes no sense. */
function everything(reader: Reader): unknown[] {
  const read: unknown[] = [];
  try {
    while (reader.remaining > 0) {
      read.push(reader.bool(), reader.i32(), reader.string(), reader.buffer(), reader.i64());
      read.push(reader.vector(4, (items) => items.i32()));
    }
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    read.push((error as DecodeError).message);
  }
  return read;
}
