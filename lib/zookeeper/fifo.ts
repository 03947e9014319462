/** First in, first out, without moving the rest: Array.shift moves all that is behind. */
export interface Fifo<T> {
  readonly length: number;
  push(item: T): void;
  peek(): T | undefined;
  shift(): T | undefined;
}

/** So many slots may lie empty at the front before they are given back. */
const emptySlotsMax = 1_024;

export function createFifo<T>(): Fifo<T> {
  let items: (T | undefined)[] = [];
  let first = 0;
  return {
    get length() {
      return items.length - first;
    },
    push(item) {
      items.push(item);
    },
    peek() {
      return items[first];
    },
    shift() {
      const item = items[first];
      if (first === items.length) return undefined;
      items[first] = undefined;
      first += 1;
      if (first === items.length || (first > emptySlotsMax && first * 2 > items.length)) {
        items = items.slice(first);
        first = 0;
      }
      return item;
    },
  };
}
