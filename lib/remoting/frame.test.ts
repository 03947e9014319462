import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "../bytes/reader.ts";
import { EncodeLimitError } from "../bytes/writer.ts";
import { decodeFrame, encodeFrame, type Frame, frameLimits } from "./frame.ts";
import { frames } from "./testing/frames.ts";

const limits = { frameBytesMax: 4_096, headerBytesMax: 2_048 };

describe.each(["json", "rocketmq"] as const)("with a %s header", (serialize) => {
  test("what was encoded decodes to the same, and uses all its bytes", () => {
    fc.assert(
      fc.property(frames(serialize), (frame) => {
        const bytes = encodeFrame(frame, frameLimits);
        expect(decodeFrame(bytes, frameLimits)).toEqual({
          kind: "frame",
          frame: withBuffer(frame),
          used: bytes.length,
        });
      }),
    );
  });

  test("cut at any byte it is incomplete, and wants more than there is and no more than it needs", () => {
    fc.assert(
      fc.property(frames(serialize), (frame) => {
        const bytes = encodeFrame(frame, frameLimits);
        for (let cut = 0; cut < bytes.length; cut += 1) {
          const result = decodeFrame(bytes.subarray(0, cut), frameLimits);
          if (result.kind !== "incomplete") throw new Error(`a frame came out of ${cut} of ${bytes.length} bytes`);
          expect(result.wanted).toBeGreaterThan(cut);
          expect(result.wanted).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("with one byte changed it decodes or is refused, never anything else", () => {
    fc.assert(
      fc.property(frames(serialize), fc.nat(), fc.nat(255), (frame, at, byte) => {
        const bytes = encodeFrame(frame, frameLimits);
        bytes[at % bytes.length] = byte;
        expectSound(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  test("over the limit it is not encoded", () => {
    const frame: Frame = { ...plain, serialize, body: new Uint8Array(limits.frameBytesMax) };
    expect(() => encodeFrame(frame, limits)).toThrow(EncodeLimitError);
    const long: Frame = { ...plain, serialize, remark: "x".repeat(limits.headerBytesMax) };
    expect(() => encodeFrame(long, limits)).toThrow(EncodeLimitError);
  });
});

test("10,000 times random bytes are incomplete, decode or are refused, never anything else", () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }).map(asHeader));
  fc.assert(fc.property(bytes, expectSound), { numRuns: 10_000 });
});

test("a length over the limit is refused with the first four bytes", () => {
  const refused = "Byte 0 of the frame gives it 2147483647 bytes, where 4 to 4092 are allowed";
  expect(() => decodeFrame(Buffer.from("7fffffff", "hex"), limits)).toThrow(refused);
});

test.each(["ffffffff", "00000000", "00000003"])("a length that no frame can have is refused: %s", (hex) => {
  expect(() => decodeFrame(Buffer.from(hex, "hex"), limits)).toThrow(DecodeError);
});

test("a TLS hello and an HTTP request are refused at once", () => {
  expect(() => decodeFrame(Buffer.from("16030100", "hex"), frameLimits)).toThrow(DecodeError);
  expect(() => decodeFrame(Buffer.from("GET / HTTP/1.1\r\n"), frameLimits)).toThrow(DecodeError);
});

test("a header longer than its frame or its limit is refused before the frame is whole", () => {
  const prefix = (frame: number, header: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(frame, 0);
    bytes.writeUIntBE(header, 5, 3);
    return bytes;
  };
  expect(() => decodeFrame(prefix(100, 97), limits)).toThrow("Byte 5 of the frame gives its header 97 bytes");
  expect(() => decodeFrame(prefix(4_000, 2_049), limits)).toThrow(DecodeError);
  expect(decodeFrame(prefix(100, 96), limits).kind).toBe("incomplete");
});

test("an unknown kind of header is refused", () => {
  expect(() => decodeFrame(Buffer.from("0000000402000000", "hex"), limits)).toThrow("Byte 4 of the frame is 2");
});

test("a header without parameters has no fields, as the stock one of 1005", () => {
  expect(decodeJson('{"code":1005,"flag":0,"language":"JAVA","opaque":7,"version":479}').fields).toEqual({});
});

test("numbers and booleans among the fields are taken as text, null as left out", () => {
  const { fields } = decodeJson('{"code":1,"opaque":1,"extFields":{"a":1,"b":true,"c":null,"d":"x"}}');
  expect(fields).toEqual({ a: "1", b: "true", d: "x" });
});

test.each([
  "[]",
  "null",
  "{",
  '{"opaque":1}',
  '{"code":1}',
  '{"code":"1","opaque":1}',
  '{"code":1.5,"opaque":1}',
  '{"code":4294967296,"opaque":1}',
  '{"code":1,"opaque":1,"remark":5}',
  '{"code":1,"opaque":1,"language":5}',
  '{"code":1,"opaque":1,"extFields":[]}',
  '{"code":1,"opaque":1,"extFields":{"a":{}}}',
  '{"code":1,"opaque":1,"extFields":{"a":9007199254740993}}',
])("a JSON header that says nothing known is refused: %s", (header) => {
  expect(() => decodeJson(header)).toThrow(DecodeError);
});

test("a header nested so deep that a parser could lose its stack is refused or read, not a crash", () => {
  expect(() => decodeJson(`{"a":${"[".repeat(200_000)}`)).toThrow(DecodeError);
});

test("a field named like something of every object is a field like others", () => {
  const { fields } = decodeJson('{"code":1,"opaque":1,"extFields":{"__proto__":"x","constructor":"y"}}');
  expect(Object.entries(fields)).toEqual([
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
});

const plain: Frame = {
  code: 904,
  language: "OTHER",
  version: 0,
  opaque: 1,
  isResponse: false,
  isOneway: true,
  serialize: "json",
  fields: {},
  body: new Uint8Array(),
};

function decodeJson(header: string): Frame {
  const text = Buffer.from(header);
  const bytes = Buffer.alloc(8 + text.length);
  bytes.writeInt32BE(4 + text.length, 0);
  bytes.writeUIntBE(text.length, 5, 3);
  bytes.set(text, 8);
  const result = decodeFrame(bytes, frameLimits);
  if (result.kind !== "frame") throw new Error("incomplete");
  return result.frame;
}

/** The bytes of a frame whose lengths are right and whose binary header is anything. */
function asHeader(header: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(8);
  prefix.writeInt32BE(4 + header.length, 0);
  prefix.writeUInt8(1, 4);
  prefix.writeUIntBE(header.length, 5, 3);
  return Buffer.concat([prefix, header]);
}

function withBuffer(frame: Frame): Frame {
  return { ...frame, body: Buffer.from(frame.body) };
}

function expectSound(bytes: Uint8Array): void {
  try {
    decodeFrame(bytes, frameLimits);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}
