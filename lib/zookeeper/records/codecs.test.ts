import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "../../bytes/reader.ts";
import { type Codec, codecs, decode, encode } from "./testing/codecs.ts";

describe.each(Object.entries(codecs))("%s", (_name, codec) => {
  test("what was encoded decodes to the same", () => {
    fc.assert(
      fc.property(codec.values, (value) => {
        expect(decode(codec, encode(codec, value))).toEqual(value);
      }),
    );
  });

  test("a frame cut short decodes or is refused, never anything else", () => {
    fc.assert(
      fc.property(codec.values, fc.nat(), (value, cut) => {
        const bytes = encode(codec, value);
        expectSound(codec, bytes.subarray(0, bytes.length === 0 ? 0 : cut % bytes.length));
      }),
    );
  });

  test("random bytes decode or are refused, never anything else", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectSound(codec, bytes)));
  });

  test("a frame with one byte changed decodes or is refused, never anything else", () => {
    fc.assert(
      fc.property(codec.values, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = Buffer.from(encode(codec, value));
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        expectSound(codec, bytes);
      }),
    );
  });
});

function expectSound(codec: Codec<unknown>, bytes: Uint8Array): void {
  try {
    decode(codec, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}
