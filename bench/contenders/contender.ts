import type { Command } from "../measure.ts";

/** A way to keep one tree like another. */
export interface Contender {
  readonly name: string;
  /** As --only has it. */
  readonly key: string;
  readonly store: "zookeeper" | "etcd";
  /** One full pass. */
  pass(source: string, target: string): Command;
  /** The pass never ends by itself: it is done when the target has had a write for each node. */
  readonly endless?: true;
  /** Goes on after the first pass; undefined where nothing does. */
  readonly follow?: (source: string, target: string) => Command;
  /** It is too slow for a line with a long round trip, or for more writes a second than this. */
  readonly writesPerSecondMax?: number;
}
