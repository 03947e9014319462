/**
 * Tells waiting things when their signal is aborted, with one listener for each signal. A listener for each of thousands of
 * requests on one signal would cost a walk over all of them each time one comes or goes.
 */
export interface Aborts<T> {
  add(signal: AbortSignal, item: T): void;
  remove(signal: AbortSignal, item: T): void;
}

export function createAborts<T>(onAbort: (item: T, reason: unknown) => void): Aborts<T> {
  const groups = new Map<AbortSignal, { items: Set<T>; listener: () => void }>();

  function end(signal: AbortSignal, listener: () => void): void {
    signal.removeEventListener("abort", listener);
    groups.delete(signal);
  }

  return {
    add(signal, item) {
      const group = groups.get(signal);
      if (group !== undefined) {
        group.items.add(item);
        return;
      }
      const items = new Set([item]);
      const listener = () => {
        end(signal, listener);
        for (const each of items) onAbort(each, signal.reason);
      };
      groups.set(signal, { items, listener });
      signal.addEventListener("abort", listener);
    },
    remove(signal, item) {
      const group = groups.get(signal);
      if (group === undefined) return;
      group.items.delete(item);
      if (group.items.size === 0) end(signal, group.listener);
    },
  };
}

/** For whoever only wants to be called: as a signal's own listeners, of which there may be thousands. */
export const abortListeners = createAborts<() => void>((listener) => listener());
