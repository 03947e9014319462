/** A master as the controllers have it on record: it has this epoch, and no other broker has. Times as in a history. */
export interface Reign {
  readonly epoch: number;
  /** HOST:PORT */
  readonly broker: string;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

/** Masters that were named in some time: a switch, or the same one anew under another epoch. */
export function namedBetween(reigns: readonly Reign[], fromMs: number, untilMs: number): Reign[] {
  return reigns.filter((reign, nth) => nth > 0 && reign.firstSeenAt > fromMs && reign.firstSeenAt <= untilMs);
}

/** Epochs in which two brokers were seen as master: there must be none. */
export function epochsOfTwo(reigns: readonly Reign[]): number[] {
  return reigns.filter(({ epoch }, nth) => reigns[nth - 1]?.epoch === epoch).map(({ epoch }) => epoch);
}

/** One look at the record: this was the master. */
export interface Sighting {
  readonly epoch: number;
  readonly broker: string;
  readonly at: number;
}

/** The reigns with one more look: of several that are asked, some may be behind. In the order of their epochs. */
export function withSighting(reigns: readonly Reign[], { epoch, broker, at }: Sighting): readonly Reign[] {
  const newest = reigns.at(-1);
  if (newest !== undefined && newest.epoch === epoch && newest.broker === broker) {
    return [...reigns.slice(0, -1), { ...newest, lastSeenAt: at }];
  }
  if (reigns.some((reign) => reign.epoch === epoch && reign.broker === broker)) return reigns;
  return [...reigns, { epoch, broker, firstSeenAt: at, lastSeenAt: at }].toSorted(
    (one, other) => one.epoch - other.epoch,
  );
}
