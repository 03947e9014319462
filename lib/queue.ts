/**
 * What callbacks put in and one loop takes out, in order. Bounded: `push` says no when it is full, and the caller must have a
 * cheaper way to say the same.
 */
export interface Queue<T> {
  /** False when `limit` is reached: nothing was queued. */
  push(item: T): boolean;
  /** Queues also beyond the limit: for items whose number is bounded elsewhere, such as answers to our own requests. */
  pushAlways(item: T): void;
  /** Yields until the signal is aborted; then ends without an error. What is queued by then is dropped. */
  drain(signal: AbortSignal): AsyncGenerator<T, void>;
  /** Of what is queued now, the first ones as long as they are wanted, at most so many. */
  takeWhile(isWanted: (item: T) => boolean, most: number): T[];
  readonly length: number;
}

export function createQueue<T>(limit: number): Queue<T> {
  let items: T[] = [];
  let head = 0;
  let wake: (() => void) | undefined;
  const pushAlways = (item: T): void => {
    items.push(item);
    wake?.();
  };
  const shift = (): T => {
    const item = items[head++] as T;
    if (head > 10_000 && head * 2 > items.length) {
      items = items.slice(head);
      head = 0;
    }
    return item;
  };
  return {
    get length() {
      return items.length - head;
    },
    push(item) {
      if (items.length - head >= limit) return false;
      pushAlways(item);
      return true;
    },
    pushAlways,
    takeWhile(isWanted, most) {
      const taken: T[] = [];
      while (taken.length < most && head < items.length && isWanted(items[head] as T)) taken.push(shift());
      return taken;
    },
    async *drain(signal) {
      const onAbort = (): void => wake?.();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        while (!signal.aborted) {
          if (head === items.length) {
            items = [];
            head = 0;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            wake = undefined;
            continue;
          }
          yield shift();
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}
