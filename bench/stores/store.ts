/** A server that holds the benches' tree, seen by the bench itself and not through any contender. */
export interface Store extends AsyncDisposable {
  readonly address: string;
  /** Creates the whole tree. */
  fill(nodes: number): Promise<void>;
  /** Gives these nodes the data of this generation, as one request; resolves when the server has acknowledged it. */
  write(nodes: readonly number[], generation: number): Promise<void>;
  /** How far its history has come. */
  position(): Promise<bigint>;
  /** Writes to the tree since a position; what contenders keep elsewhere does not count. */
  writtenSince(position: bigint): Promise<number>;
  /** Generation of a node's data; undefined when it is not there. */
  generationOf(node: number): Promise<number | undefined>;
  /** Tells of each change of a node that was there before. */
  watch(onChange: (node: number) => void): Promise<void>;
}

export function generationIn(data: Uint8Array | null): number | undefined {
  const digits = /generation=(\d+)/.exec(Buffer.from(data ?? []).toString())?.[1];
  return digits === undefined ? undefined : Number(digits);
}
