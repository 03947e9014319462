import fc from "fast-check";
import { expect, test } from "vitest";
import { DecodeError } from "../bytes/reader.ts";
import { encodeFrame, type Frame, frameLimits } from "./frame.ts";
import { createFrameStream } from "./frame-stream.ts";
import { frames } from "./testing/frames.ts";

const someFrames = fc.array(fc.oneof(frames("json"), frames("rocketmq")), { minLength: 1, maxLength: 6 });

test("frames come out as they went in, wherever the chunks are cut", () => {
  fc.assert(
    fc.property(someFrames, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sent, sizes) => {
      const bytes = Buffer.concat(sent.map((frame) => encodeFrame(frame, frameLimits)));
      expect(receive(cut(bytes, sizes))).toEqual(
        sent.map(({ body, ...rest }) => ({ ...rest, body: Buffer.from(body) })),
      );
    }),
  );
});

test("frames come out byte by byte", () => {
  const frame = encodeFrame(sample, frameLimits);
  expect(receive(cut(Buffer.concat([frame, frame]), [1]))).toEqual([sample, sample]);
});

test("what is pending is counted, and nothing is left after the last frame", () => {
  const stream = createFrameStream(frameLimits);
  const bytes = encodeFrame(sample, frameLimits);
  stream.push(Buffer.concat([bytes, bytes.subarray(0, 10)]));
  expect(stream.next()).toEqual(sample);
  expect(stream.next()).toBeUndefined();
  expect(stream.pendingBytes).toBe(10);
  stream.push(bytes.subarray(10));
  expect(stream.next()).toEqual(sample);
  expect(stream.pendingBytes).toBe(0);
});

test("a length over the limit is refused when it spans chunks too", () => {
  const stream = createFrameStream(frameLimits);
  stream.push(Buffer.from("7fff", "hex"));
  expect(stream.next()).toBeUndefined();
  stream.push(Buffer.from("ffff", "hex"));
  expect(() => stream.next()).toThrow(DecodeError);
});

test("a claimed length costs nothing until its bytes come", () => {
  const before = process.memoryUsage().arrayBuffers;
  const prefix = Buffer.alloc(8);
  prefix.writeInt32BE(frameLimits.frameBytesMax - 4, 0);
  const streams = Array.from({ length: 1_000 }, () => {
    const stream = createFrameStream(frameLimits);
    stream.push(prefix);
    stream.next();
    return stream;
  });
  expect(streams.every(({ pendingBytes }) => pendingBytes === 8)).toBe(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(frameLimits.frameBytesMax);
});

const sample: Frame = {
  code: 1004,
  language: "OTHER",
  version: 479,
  opaque: 9,
  isResponse: false,
  isOneway: false,
  serialize: "json",
  remark: undefined,
  fields: { brokerName: "bs1" },
  body: Buffer.from("body"),
};

function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function receive(chunks: Iterable<Buffer>): Frame[] {
  const stream = createFrameStream(frameLimits);
  const received: Frame[] = [];
  for (const chunk of chunks) {
    stream.push(chunk);
    for (let frame = stream.next(); frame !== undefined; frame = stream.next()) received.push(frame);
  }
  return received;
}
