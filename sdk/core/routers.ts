import { type BackoffRange, backoffMs } from "./backoff.ts";

/** Which router to ask. The order of the list is the application's: its own IDC's first. */
export interface Routers {
  readonly all: readonly RouterState[];
}

export interface RouterState {
  readonly url: string;
  readonly failures: number;
  /** Monotonic, ms: it is left alone until then. */
  readonly restsUntil: number;
}

export function startRouters(urls: readonly string[]): Routers {
  return { all: urls.map((url) => ({ url, failures: 0, restsUntil: Number.NEGATIVE_INFINITY })) };
}

/** All of them, in the order to be tried: those that rest come last, the one that is up first of them first. */
export function inOrder({ all }: Routers, now: number): readonly RouterState[] {
  const awake = all.filter(({ restsUntil }) => restsUntil <= now);
  const resting = all.filter(({ restsUntil }) => restsUntil > now);
  return [...awake, ...resting.toSorted((one, other) => one.restsUntil - other.restsUntil)];
}

/** How long until one of them may be asked, ms; 0: now. */
export function restMs(routers: Routers, now: number): number {
  const [first] = inOrder(routers, now);
  return first === undefined ? 0 : Math.max(0, first.restsUntil - now);
}

export interface Failure {
  readonly url: string;
  readonly now: number;
  /** By the router's own word; 0: it said nothing. */
  readonly retryAfterMs: number;
  /** 0 <= r < 1 */
  readonly random: number;
}

export function failed({ all }: Routers, { url, now, retryAfterMs, random }: Failure, range: BackoffRange): Routers {
  return {
    all: all.map((router) => {
      if (router.url !== url) return router;
      const waitMs = Math.max(Math.min(retryAfterMs, range.maxMs), backoffMs(router.failures, range, random));
      return { url, failures: router.failures + 1, restsUntil: now + waitMs };
    }),
  };
}

export function answered(routers: Routers, url: string): Routers {
  const known = routers.all.find((router) => router.url === url);
  if (known === undefined || known.failures === 0) return routers;
  const well = { url, failures: 0, restsUntil: Number.NEGATIVE_INFINITY };
  return { all: routers.all.map((router) => (router.url === url ? well : router)) };
}
