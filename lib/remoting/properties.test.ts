import fc from "fast-check";
import { expect, test } from "vitest";
import { DecodeError } from "../bytes/reader.ts";
import { decodeProperties, encodeProperties } from "./properties.ts";

const decode = (text: string) => Object.fromEntries(decodeProperties(Buffer.from(text, "latin1")));

test("what was written is read back, and is plain ASCII", () => {
  const text = fc.string({ unit: "binary", maxLength: 30 });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 6 }), (entries) => {
      const properties = new Map(entries);
      const bytes = encodeProperties(properties);
      expect(decodeProperties(bytes)).toEqual(properties);
      expect(bytes.every((byte) => byte < 0x7f)).toBe(true);
    }),
  );
});

test("settings of a broker are written as they are read by people", () => {
  const text = Buffer.from(
    encodeProperties(
      new Map([
        ["minInSyncReplicas", "99"],
        ["path", "/a b/c=d:e"],
      ]),
    ),
  );
  expect(text.toString()).toBe("minInSyncReplicas=99\npath=/a b/c=d:e\n");
});

test("every way that java.util.Properties knows to write them is read", () => {
  const text = String.raw`# comment
! comment

  a = 1
b: 2
c   3
d
e\=f=g\
   h\u00fc\t!
k=`;
  expect(decode(text)).toEqual({ a: "1", b: "2", c: "3", d: "", "e=f": "ghü\t!", k: "" });
});

test("lines may end in CR LF, and the last value of a name counts", () => {
  expect(decode("a=1\r\na=2\r\nb=3")).toEqual({ a: "2", b: "3" });
});

test("a \\u without its four digits is refused", () => {
  expect(() => decode(String.raw`a=\u12`)).toThrow(DecodeError);
});

test("random bytes are read or refused, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        decodeProperties(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});
