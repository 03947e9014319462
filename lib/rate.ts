import type { Clock, Instant } from "./clock.ts";

/** How often each client may: a bucket for each, refilled steadily. */
export interface RateLimit {
  /** False: too often. */
  take(client: string): boolean;
}

/** Half of the buckets are thrown away beyond it: a client that is forgotten may at once what a new one may. */
const clientsMax = 100_000;
/** What a client that was quiet may do at once, in seconds' worth. */
const burstSeconds = 2;

interface Bucket {
  tokens: number;
  at: Instant;
}

export function createRateLimit({ perSecond, clock }: { perSecond: number; clock: Clock }): RateLimit {
  const full = perSecond * burstSeconds;
  const buckets = new Map<string, Bucket>();

  function drop(): void {
    let left = clientsMax / 2;
    for (const client of buckets.keys()) {
      if (left-- <= 0) return;
      buckets.delete(client);
    }
  }

  return {
    take(client) {
      const now = clock.now();
      const bucket = buckets.get(client);
      if (bucket === undefined) {
        if (buckets.size >= clientsMax) drop();
        buckets.set(client, { tokens: full - 1, at: now });
        return true;
      }
      bucket.tokens = Math.min(full, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000);
      bucket.at = now;
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
