import { expect, test } from "vitest";
import { encodeRequest, RequestTooLarge, setXid, xidAfter } from "./request.ts";

const request = (data: Uint8Array) => ({
  opcode: 5,
  encode: (writer: { buffer(value: Uint8Array): void }) => writer.buffer(data),
  decode: () => undefined,
  describe: () => "set /a at version 3",
});

test("the xid wraps before the sign bit, since negative ones have meanings of their own", () => {
  expect(xidAfter(0)).toBe(1);
  expect(xidAfter(0x7fff_fffe)).toBe(0x7fff_ffff);
  expect(xidAfter(0x7fff_ffff)).toBe(1);
});

test("a request is its length, xid, opcode and body", () => {
  const frame = encodeRequest(request(Uint8Array.of(9)), { requestBytesMax: 100 });
  setXid(frame, 7);
  expect(frame).toEqual(Buffer.from([0, 0, 0, 13, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 1, 9]));
});

test("a request over the limit is refused, naming what it was and how large", () => {
  const limits = { requestBytesMax: 20 };
  expect(encodeRequest(request(new Uint8Array(8)), limits)).toHaveLength(24);
  expect(() => encodeRequest(request(new Uint8Array(9)), limits)).toThrow(RequestTooLarge);
  expect(() => encodeRequest(request(new Uint8Array(9)), limits)).toThrow(
    "Cannot set /a at version 3: the request takes at least 21 bytes, and 20 are allowed",
  );
});
