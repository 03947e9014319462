import fc from "fast-check";
import { expect, test } from "vitest";
import { Reader } from "./reader.ts";
import { EncodeLimitError, Writer } from "./writer.ts";

type Value =
  | { kind: "u8"; value: number }
  | { kind: "i16"; value: number }
  | { kind: "raw"; value: Uint8Array }
  | { kind: "i32"; value: number }
  | { kind: "i64"; value: bigint }
  | { kind: "bool"; value: boolean }
  | { kind: "buffer"; value: Uint8Array | null }
  | { kind: "string"; value: string }
  | { kind: "vector"; value: string[] };

const string = fc.string({ unit: "grapheme", maxLength: 300 });
const values: fc.Arbitrary<Value[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("u8" as const), value: fc.nat(255) }),
    fc.record({ kind: fc.constant("i16" as const), value: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }) }),
    fc.record({ kind: fc.constant("raw" as const), value: fc.uint8Array({ maxLength: 1_000 }) }),
    fc.record({ kind: fc.constant("i32" as const), value: fc.integer() }),
    fc.record({ kind: fc.constant("i64" as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    fc.record({ kind: fc.constant("bool" as const), value: fc.boolean() }),
    fc.record({ kind: fc.constant("buffer" as const), value: fc.option(fc.uint8Array({ maxLength: 1_000 })) }),
    fc.record({ kind: fc.constant("string" as const), value: string }),
    fc.record({ kind: fc.constant("vector" as const), value: fc.array(string) }),
  ),
  { maxLength: 40 },
);

test("what was written is read back, however often the bytes had to grow", () => {
  fc.assert(
    fc.property(values, (written) => {
      const writer = new Writer({ bytesMax: 10_000_000 });
      for (const each of written) write(writer, each);
      const reader = new Reader(writer.bytes);
      for (const each of written) expect(read(reader, each)).toEqual(each.value);
      expect(reader.remaining).toBe(0);
    }),
  );
});

test("the limit is exact: what fits is written, one byte more is refused", () => {
  fc.assert(
    fc.property(values, (written) => {
      const unlimited = new Writer({ bytesMax: 10_000_000 });
      for (const each of written) write(unlimited, each);
      const bytes = unlimited.bytes.length;
      const exact = new Writer({ bytesMax: bytes });
      for (const each of written) write(exact, each);
      expect(exact.bytes).toEqual(unlimited.bytes);
      expect(() => exact.bool(true)).toThrow(new EncodeLimitError(bytes + 1, bytes));
    }),
  );
});

test("a value over the limit is refused before it is copied", () => {
  const writer = new Writer({ bytesMax: 100 });
  expect(() => writer.buffer(new Uint8Array(1_000_000_000))).toThrow(new EncodeLimitError(1_000_000_004, 100));
});

test("a length written first can be filled in at the end", () => {
  const writer = new Writer({ bytesMax: 100 });
  writer.i32(0);
  writer.string("abc");
  writer.overwriteI32(0, 7);
  expect(writer.bytes).toEqual(Buffer.from([0, 0, 0, 7, 0, 0, 0, 3, 97, 98, 99]));
});

function write(writer: Writer, each: Value): void {
  switch (each.kind) {
    case "u8":
      writer.u8(each.value);
      break;
    case "i16":
      writer.i16(each.value);
      break;
    case "raw":
      writer.raw(each.value);
      break;
    case "i32":
      writer.i32(each.value);
      break;
    case "i64":
      writer.i64(each.value);
      break;
    case "bool":
      writer.bool(each.value);
      break;
    case "buffer":
      writer.buffer(each.value);
      break;
    case "string":
      writer.string(each.value);
      break;
    case "vector":
      writer.vector(each.value, (item, value) => item.string(value));
      break;
  }
}

function read(reader: Reader, { kind, value }: Value): unknown {
  switch (kind) {
    case "u8":
      return reader.u8();
    case "i16":
      return reader.i16();
    case "raw":
      return new Uint8Array(reader.bytes(value.length));
    case "i32":
      return reader.i32();
    case "i64":
      return reader.i64();
    case "bool":
      return reader.bool();
    case "buffer": {
      const bytes = reader.buffer();
      return bytes === null ? null : new Uint8Array(bytes);
    }
    case "string":
      return reader.string();
    case "vector":
      return reader.vector(4, (item) => item.string());
  }
}
