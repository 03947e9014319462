import type { NodeData } from "#lib/zookeeper/zookeeper.ts";

/**
 * Hashes of node data, kept instead of the bytes. Two lanes of 32 bits in the manner of MurmurHash3 (rotate, multiply, add
 * the other lane), so equal states stay equal and different ones stay different until the last step cuts 64 bits to 53. Not
 * meant against an adversary: who may write the source can write what he likes there anyway.
 */

const ofNull = 0;
const ofEmpty = 1;
const reserved = 2;

/** An integer of 53 bits, never negative. null and zero bytes have values of their own that no other data gets. */
export function hashData(data: NodeData): number {
  if (data === null) return ofNull;
  if (data.length === 0) return ofEmpty;
  mix(data);
  const hash = (high & 0x1fffff) * 0x1_0000_0000 + low;
  return hash < reserved ? hash + reserved : hash;
}

/** 16 hexadecimal digits, of the text's UTF-8 bytes. */
export function hashText(text: string): string {
  mix(new TextEncoder().encode(text));
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

/** Of the frame whose nodes are hashed one after the other. */
let frame: DataView = new DataView(new ArrayBuffer(0));

function viewOf(buffer: ArrayBufferLike): DataView {
  if (frame.buffer !== buffer) frame = new DataView(buffer);
  return frame;
}

/** The result of the last mix(): two numbers without an object, as this runs for each node of a tree. */
let high = 0;
let low = 0;

function mix(bytes: Uint8Array): void {
  const view = viewOf(bytes.buffer);
  const from = bytes.byteOffset;
  const end = from + bytes.length;
  const blocksEnd = from + (bytes.length & ~7);
  let a = 0x9747b28c | 0;
  let b = 0x3c6ef372 | 0;
  let at = from;
  for (; at < blocksEnd; at += 8) {
    a = (Math.imul(rotate(a ^ scrambleA(view.getInt32(at, true)), 19) + b, 5) + 0x561ccd1b) | 0;
    b = (Math.imul(rotate(b ^ scrambleB(view.getInt32(at + 4, true)), 17) + a, 5) + 0x0bcaa747) | 0;
  }
  let tailA = 0;
  let tailB = 0;
  for (let shift = 0; at < end; at++, shift += 8) {
    if (shift < 32) tailA |= view.getUint8(at) << shift;
    else tailB |= view.getUint8(at) << (shift - 32);
  }
  a ^= scrambleA(tailA) ^ bytes.length;
  b ^= scrambleB(tailB) ^ bytes.length;
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = avalanche(a);
  b = avalanche(b);
  a = (a + b) | 0;
  b = (b + a) | 0;
  low = a >>> 0;
  high = b >>> 0;
}

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));
const scrambleA = (word: number) => Math.imul(rotate(Math.imul(word, 0x239b961b), 15), 0xab0e9789 | 0);
const scrambleB = (word: number) => Math.imul(rotate(Math.imul(word, 0x38b34ae5), 16), 0xa1e38b93 | 0);

/** MurmurHash3's finaliser: each bit of the input changes half of the bits of the output. */
function avalanche(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b | 0);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35 | 0);
  return mixed ^ (mixed >>> 16);
}
