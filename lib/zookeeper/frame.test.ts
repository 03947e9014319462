import fc from "fast-check";
import { expect, test } from "vitest";
import { DecodeError } from "../bytes/reader.ts";
import { createFrameSplitter, encodeFrame, type FrameSplitter } from "./frame.ts";

const frameBytesMax = 1_000;
const bodies = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 12 });

function framed(bodies: readonly Uint8Array[]): Buffer {
  return Buffer.concat(bodies.map((body) => encodeFrame({ frameBytesMax }, (writer) => writeRaw(writer, body))));
}

function writeRaw(writer: { bool(value: boolean): void }, body: Uint8Array): void {
  for (const byte of body) writer.bool(byte % 2 === 1);
}

const asBits = (body: Uint8Array) => [...body].map((byte) => byte % 2);

function drain(splitter: FrameSplitter): number[][] {
  const frames: number[][] = [];
  for (let split = splitter.next(); split.kind === "frame"; split = splitter.next()) frames.push([...split.frame]);
  return frames;
}

test("frames come out whole and in order, wherever the stream was cut into chunks", () => {
  fc.assert(
    fc.property(bodies, fc.array(fc.nat(200), { maxLength: 30 }), (sent, cuts) => {
      const stream = framed(sent);
      const splitter = createFrameSplitter({ frameBytesMax });
      const frames: number[][] = [];
      const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
      let start = 0;
      for (const end of ends) {
        splitter.push(stream.subarray(start, end));
        frames.push(...drain(splitter));
        start = end;
      }
      expect(frames).toEqual(sent.map(asBits));
    }),
  );
});

test("a stream fed byte by byte gives the same frames", () => {
  fc.assert(
    fc.property(bodies, (sent) => {
      const splitter = createFrameSplitter({ frameBytesMax });
      const frames = [...framed(sent)].flatMap((byte) => {
        splitter.push(Buffer.from([byte]));
        return drain(splitter);
      });
      expect(frames).toEqual(sent.map(asBits));
    }),
  );
});

test("a frame of negative length is refused as soon as its length is here", () => {
  const splitter = createFrameSplitter({ frameBytesMax });
  splitter.push(Buffer.from([255, 255, 255, 255]));
  expect(() => splitter.next()).toThrow(DecodeError);
});

test("of a frame over the limit the first bytes come out, and then the frames behind it, wherever the stream was cut", () => {
  fc.assert(
    fc.property(fc.integer({ min: 17, max: 200 }), fc.integer({ min: 1, max: 40 }), (bytes, chunkBytes) => {
      const large = Buffer.alloc(4 + bytes, 7);
      large.writeInt32BE(bytes);
      const stream = Buffer.concat([large, Buffer.from([0, 0, 0, 2, 8, 9])]);
      const splitter = createFrameSplitter({ frameBytesMax: 16 });
      const seen: unknown[] = [];
      for (let at = 0; at < stream.length; at += chunkBytes) {
        splitter.push(stream.subarray(at, at + chunkBytes));
        for (let split = splitter.next(); split.kind !== "incomplete"; split = splitter.next()) seen.push(split);
      }
      expect(seen).toEqual([
        { kind: "oversized", head: Buffer.alloc(16, 7), frameBytes: bytes },
        { kind: "frame", frame: Buffer.from([8, 9]) },
      ]);
    }),
  );
});

test("a frame of exactly the limit passes", () => {
  const splitter = createFrameSplitter({ frameBytesMax: 8 });
  splitter.push(Buffer.from([0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]));
  expect(drain(splitter)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8]]);
});

test("a frame within one chunk is a view of it, not a copy", () => {
  const splitter = createFrameSplitter({ frameBytesMax });
  const chunk = Buffer.from([0, 0, 0, 2, 8, 9, 0]);
  splitter.push(chunk);
  const split = splitter.next();
  expect(split.kind === "frame" && split.frame.buffer).toBe(chunk.buffer);
});
