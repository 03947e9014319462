import { type SiteName, siteNames, type Way } from "./sites.ts";

/** How one way from a site to another carries packets. */
export interface Quality {
  /** Nothing arrives: packets vanish, no side is told. */
  readonly cut: boolean;
  readonly delayMs: number;
  /** Up to this much is added to the delay of each packet. The order of packets stays. */
  readonly jitterMs: number;
  /** Share of packets that vanish, 0 to 1. */
  readonly lossRatio: number;
  /** 0: as fast as the machine. */
  readonly bytesPerSecondMax: number;
}

/** A line inside one room. */
export const perfect: Quality = { cut: false, delayMs: 0, jitterMs: 0, lossRatio: 0, bytesPerSecondMax: 0 };

/** What has become of the packets of one way so far. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
  /** Of `packets`: those that vanished, for whatever reason. */
  readonly lost: number;
}

/** One way's quality and traffic, in memory that threads share: what is set counts from the next packet on. */
export interface QualityCell {
  /** Read for each packet, so no object is made for it. */
  readonly quality: Quality;
  readonly traffic: Traffic;
  set(quality: Quality): void;
  count(bytes: number, options: { lost: boolean }): void;
}

export interface QualityTable {
  readonly memory: SharedArrayBuffer;
  of(way: Way): QualityCell;
}

/** Doubles in each cell: the quality's five, then the traffic's three. */
const at = { cut: 0, delayMs: 1, jitterMs: 2, lossRatio: 3, bytesPerSecondMax: 4, packets: 5, bytes: 6, lost: 7 };
const cellDoubles = Object.keys(at).length;

/** @param memory that of another thread's table; without it a new one, in which every way is perfect */
export function createQualityTable(memory?: SharedArrayBuffer): QualityTable {
  const cells = siteNames.length ** 2;
  const shared = memory ?? new SharedArrayBuffer(cells * cellDoubles * Float64Array.BYTES_PER_ELEMENT);
  const doubles = new Float64Array(shared);
  const all = Array.from({ length: cells }, (_, index) =>
    createCell(doubles.subarray(index * cellDoubles, (index + 1) * cellDoubles)),
  );
  if (memory === undefined) for (const cell of all) cell.set(perfect);
  const position = (site: SiteName): number => siteNames.indexOf(site);
  return {
    memory: shared,
    of({ from, to }) {
      const cell = all[position(from) * siteNames.length + position(to)];
      if (cell === undefined) throw new Error(`there is no way from ${from} to ${to}`);
      return cell;
    },
  };
}

function createCell(doubles: Float64Array): QualityCell {
  const read = (index: number): number => doubles[index] ?? 0;
  return {
    quality: {
      get cut() {
        return read(at.cut) === 1;
      },
      get delayMs() {
        return read(at.delayMs);
      },
      get jitterMs() {
        return read(at.jitterMs);
      },
      get lossRatio() {
        return read(at.lossRatio);
      },
      get bytesPerSecondMax() {
        return read(at.bytesPerSecondMax);
      },
    },
    traffic: {
      get packets() {
        return read(at.packets);
      },
      get bytes() {
        return read(at.bytes);
      },
      get lost() {
        return read(at.lost);
      },
    },
    set({ cut, delayMs, jitterMs, lossRatio, bytesPerSecondMax }) {
      doubles.set([cut ? 1 : 0, delayMs, jitterMs, lossRatio, bytesPerSecondMax], at.cut);
    },
    count(bytes, { lost }) {
      doubles[at.packets] = read(at.packets) + 1;
      doubles[at.bytes] = read(at.bytes) + bytes;
      if (lost) doubles[at.lost] = read(at.lost) + 1;
    },
  };
}
