/** Lets so many in at the same time; how many may change at any time. First come, first served. */
export interface Gate {
  enter(): Promise<void>;
  leave(): void;
  widen(max: number): void;
}

export function createGate(start: number): Gate {
  let max = start;
  let inside = 0;
  const waiting: (() => void)[] = [];
  function admit(): void {
    while (inside < max) {
      const next = waiting.shift();
      if (next === undefined) return;
      inside += 1;
      next();
    }
  }
  return {
    enter() {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      admit();
      return promise;
    },
    leave() {
      inside -= 1;
      admit();
    },
    widen(next) {
      max = next;
      admit();
    },
  };
}
