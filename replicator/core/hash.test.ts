import fc from "fast-check";
import { expect, test } from "vitest";
import { hashData, hashText } from "./hash.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("null, empty and a zero byte have three different hashes", () => {
  expect(new Set([hashData(null), hashData(new Uint8Array()), hashData(Uint8Array.of(0))]).size).toBe(3);
});

test("null and empty keep values that no other data gets", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (data) => {
      expect(hashData(data)).not.toBe(hashData(null));
      expect(hashData(data)).not.toBe(hashData(new Uint8Array()));
    }),
  );
});

test("the hash is an integer of 53 bits that depends on the bytes alone", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(16), (data, offset) => {
      const moved = new Uint8Array(data.length + offset);
      moved.set(data, offset);
      const hash = hashData(data);
      expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true);
      expect(hashData(moved.subarray(offset))).toBe(hash);
    }),
  );
});

test("the hash stays what it is from release to release, so that a checkpoint means the same", () => {
  expect([
    hashData(bytes("a")),
    hashData(bytes("clusterName=rmq-idc1\n")),
    hashText("crossidc"),
  ]).toMatchInlineSnapshot(`
    [
      705297998347535,
      6973105002598905,
      "b1a48cc271891043",
    ]
  `);
});

test("one flipped bit always changes the hash, and about half of its bits", () => {
  const samples = 100_000;
  const random = generator(7);
  let flipped = 0;
  for (let sample = 0; sample < samples; sample++) {
    const data = Uint8Array.from({ length: 1 + random(64) }, () => random(256));
    const before = hashData(data);
    const at = random(data.length);
    data[at] = (data[at] ?? 0) ^ (1 << random(8));
    const after = hashData(data);
    if (before === after) expect.unreachable(`a flipped bit left the hash ${before} as it was`);
    if (sample % 10 === 0) flipped += bitsThatDiffer(before, after);
  }
  expect(flipped / (samples / 10)).toBeGreaterThan(26);
  expect(flipped / (samples / 10)).toBeLessThan(27);
});

test("each bit of the hash is set in half of the cases, also for data that hardly differs", () => {
  const samples = 20_000;
  const ones = new Array<number>(53).fill(0);
  for (let sample = 0; sample < samples; sample++) {
    const hash = BigInt(hashData(bytes(`clusterName=rmq-${sample}`)));
    for (let bit = 0; bit < 53; bit++) ones[bit] = (ones[bit] ?? 0) + Number((hash >> BigInt(bit)) & 1n);
  }
  for (const count of ones) expect(Math.abs(count / samples - 0.5)).toBeLessThan(0.02);
});

test("many similar nodes have no two equal hashes", () => {
  const hashes = new Set<number>();
  for (let index = 0; index < 50_000; index++) hashes.add(hashData(bytes(`type=topic\nname=t${index}\n`)));
  expect(hashes.size).toBe(50_000);
});

function bitsThatDiffer(one: number, other: number): number {
  return (BigInt(one) ^ BigInt(other)).toString(2).replaceAll("0", "").length;
}

/** Small, seeded, so that a failure comes again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}
