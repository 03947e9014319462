import { createFifo } from "./fifo.ts";

export interface WindowItem {
  readonly bytes: number;
  /** Its caller gave it up: if it is still waiting, it never goes out; in flight it keeps its place until its answer. */
  readonly settled: boolean;
}

/** Requests on their way: those that wait their turn, and those in flight, each in order. */
export interface Window<T extends WindowItem> {
  readonly empty: boolean;
  push(item: T): void;
  /** Moves the next item into flight; undefined when none waits or there is no room. One alone is always let through. */
  admit(): T | undefined;
  /** Takes out the item that has been in flight longest: the one the server answers next. */
  answered(): T | undefined;
  /** Takes out everything, in order. */
  clear(): T[];
}

export function createWindow<T extends WindowItem>(limits: {
  requestsInFlightMax: number;
  bytesInFlightMax: number;
}): Window<T> {
  const waiting = createFifo<T>();
  const inFlight = createFifo<T>();
  let bytesInFlight = 0;

  function admit(): T | undefined {
    while (waiting.peek()?.settled) waiting.shift();
    const item = waiting.peek();
    if (item === undefined) return undefined;
    const full = inFlight.length >= limits.requestsInFlightMax || bytesInFlight + item.bytes > limits.bytesInFlightMax;
    if (full && inFlight.length > 0) return undefined;
    waiting.shift();
    inFlight.push(item);
    bytesInFlight += item.bytes;
    return item;
  }

  function answered(): T | undefined {
    const item = inFlight.shift();
    if (item !== undefined) bytesInFlight -= item.bytes;
    return item;
  }

  return {
    get empty() {
      return inFlight.length === 0 && waiting.length === 0;
    },
    push: (item) => waiting.push(item),
    admit,
    answered,
    clear() {
      const items: T[] = [];
      for (let item = answered(); item !== undefined; item = answered()) items.push(item);
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) items.push(item);
      return items;
    },
  };
}
