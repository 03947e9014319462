import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "../../bytes/reader.ts";
import { RemotingError } from "../errors.ts";
import { decodeFrame, encodeFrame, type Frame, frameLimits } from "../frame.ts";
import { received } from "../testing/frames.ts";
import { codecs } from "./testing/codecs.ts";
import type { Codec } from "./testing/values.ts";

describe.each(Object.entries(codecs))("%s", (_name, codec) => {
  test.each(["json", "rocketmq"] as const)("what went through a %s frame decodes to the same", (serialize) => {
    fc.assert(
      fc.property(codec.values, (value) => {
        expect(codec.decode(throughFrame({ ...received(codec.encode(value)), serialize }))).toEqual(value);
      }),
      { numRuns: 30 },
    );
  });

  test("a field missing or replaced by any text decodes or is refused with its name, never anything else", () => {
    fc.assert(
      fc.property(codec.values, fc.nat(), fc.option(anyValue, { nil: undefined }), (value, at, replacement) => {
        const frame = received(codec.encode(value));
        const fields = Object.entries(frame.fields);
        const [name] = fields[at % Math.max(1, fields.length)] ?? [];
        if (name === undefined) return;
        const others = Object.fromEntries(fields.filter(([other]) => other !== name));
        const damaged = replacement === undefined ? others : { ...others, [name]: replacement };
        const error = refusalOf(codec, { ...frame, fields: damaged });
        if (error instanceof RemotingError) expect(error).toMatchObject({ code: "REMOTING_FIELD", field: name });
      }),
      { numRuns: 30 },
    );
  });

  test("a body cut short, changed or replaced decodes or is refused, never anything else", () => {
    fc.assert(
      fc.property(codec.values, fc.nat(), fc.nat(255), fc.json(), (value, at, byte, json) => {
        const frame = received(codec.encode(value));
        const body = Buffer.from(frame.body);
        refusalOf(codec, { ...frame, body: body.subarray(0, at % (body.length + 1)) });
        refusalOf(codec, { ...frame, body: Buffer.from(json) });
        if (body.length > 0) body[at % body.length] = byte;
        refusalOf(codec, { ...frame, body });
      }),
      { numRuns: 30 },
    );
  });
});

const responses = Object.entries(codecs).filter(([name]) => name.endsWith("Response"));

test.each(responses)("%s: an answer that is no success is refused with its code and remark", (_name, codec) => {
  const frame: Frame = { ...received({ code: 2007, fields: {}, body: new Uint8Array() }), remark: "not the leader" };
  expect(() => codec.decode(frame)).toThrow("CONTROLLER_NOT_LEADER (2007): not the leader");
  expect(refusalOf(codec, frame)).toMatchObject({ code: "REMOTING_REFUSED", resultCode: 2007 });
});

const anyValue = fc.oneof(fc.string(), fc.bigInt().map(String), fc.constantFrom("", "-1", "1e5", " 1", "0x10", "１"));

function throughFrame(frame: Frame): Frame {
  const result = decodeFrame(encodeFrame(frame, frameLimits), frameLimits);
  if (result.kind !== "frame") throw new Error("the frame is not whole");
  return result.frame;
}

/** What the decoder throws, which must be a refusal. */
function refusalOf(codec: Codec<unknown>, frame: Frame): unknown {
  try {
    codec.decode(frame);
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError || error instanceof RemotingError) return error;
    throw error;
  }
}
