import fc from "fast-check";
import type { Frame } from "../frame.ts";
import type { RemotingAnswer, RemotingRequest } from "../message.ts";

const i16 = fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.string({ unit: "grapheme", maxLength: 40 });

/** Frames as they may be on the wire. In a binary header codes and versions have 16 bits, and languages are a fixed list. */
export function frames(serialize: Frame["serialize"]): fc.Arbitrary<Frame> {
  return fc.record({
    code: serialize === "json" ? i32 : i16,
    language: serialize === "json" ? text : fc.constantFrom("JAVA", "OTHER", "GO", "NODE_JS"),
    version: serialize === "json" ? i32 : i16,
    opaque: i32,
    isResponse: fc.boolean(),
    isOneway: fc.boolean(),
    serialize: fc.constant(serialize),
    remark: fc.option(
      text.filter((remark) => remark !== ""),
      { nil: undefined },
    ),
    fields: fc.dictionary(text, text, { maxKeys: 6, noNullPrototype: true }),
    body: fc.uint8Array({ maxLength: 300 }),
  });
}

/** What the far end gets to see of a request or an answer. */
export function received(message: RemotingRequest | RemotingAnswer): Frame {
  return {
    language: "OTHER",
    version: 0,
    opaque: 1,
    isResponse: false,
    isOneway: false,
    serialize: "json",
    ...message,
  };
}
