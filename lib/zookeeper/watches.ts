/** The watches to set again on each new connection. Paths are the server's, the chroot included. */
export interface Watches {
  /** The later mode of a path takes the place of the earlier one, as on the server. */
  add(watch: { path: string; recursive: boolean }): void;
  /** All watches in parts whose paths, as sent, take at most `bytesMax`: the server hangs up on a packet that is too long. */
  parts(bytesMax: number): WatchPart[];
}

export interface WatchPart {
  readonly persistent: string[];
  readonly persistentRecursive: string[];
}

const lengthBytes = 4;

export function createWatches(): Watches {
  const recursiveByPath = new Map<string, boolean>();
  return {
    add({ path, recursive }) {
      recursiveByPath.set(path, recursive);
    },
    parts(bytesMax) {
      const parts: WatchPart[] = [];
      let partBytes = Number.POSITIVE_INFINITY;
      for (const [path, recursive] of recursiveByPath) {
        const bytes = lengthBytes + Buffer.byteLength(path);
        if (partBytes + bytes > bytesMax) {
          parts.push({ persistent: [], persistentRecursive: [] });
          partBytes = 0;
        }
        partBytes += bytes;
        const part = parts.at(-1);
        (recursive ? part?.persistentRecursive : part?.persistent)?.push(path);
      }
      return parts;
    },
  };
}
