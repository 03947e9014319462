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
  /** Of what is queued now, the first ones, at most so many. */
  take(most: number): T[];
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
  const take = (most: number): T[] => {
    const taken = items.slice(head, head + most);
    head += taken.length;
    if (head > 10_000 && head * 2 > items.length) {
      items = items.slice(head);
      head = 0;
    }
    return taken;
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
    take,
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
          // Not `yield*`: it would wait three times for each item.
          yield take(1)[0] as T;
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}
