/** Lets so many pieces of work run at the same time; the others wait for their turn, in order. */
export interface Lanes {
  /** @throws the signal's reason, when it is aborted before the turn has come */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export function createLanes(count: number): Lanes {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (running < count) {
      running += 1;
      return;
    }
    const come = Promise.withResolvers<void>();
    const go = (): void => come.resolve();
    const giveUp = (): void => {
      const at = waiting.indexOf(go);
      if (at < 0) return;
      waiting.splice(at, 1);
      come.reject(signal.reason);
    };
    waiting.push(go);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await come.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  return {
    async run(work, signal) {
      await turn(signal);
      try {
        return await work();
      } finally {
        // Whoever is next takes this place over, so that nobody comes in between.
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
