import { emptyStream, readEvents } from "../core/event-stream.ts";
import type { Route } from "../core/route.ts";
import { type Asker, parseRoute, queryOf, reasonOf, retryAfterMs } from "./ask.ts";

export interface WatchOptions {
  readonly topics: readonly string[];
  readonly asker: Asker;
  readonly openTimeoutMs: number;
  readonly silenceMsMax: number;
  readonly charactersMax: number;
  readonly onOpen: () => void;
  readonly onRoute: (route: Route) => void;
  readonly signal: AbortSignal;
}

export interface WatchEnd {
  readonly detail: string;
  readonly retryAfterMs: number;
}

/** GET /v1/watch, until it ends, brings nothing for too long, or the signal is aborted. Says why it ended. */
export async function watchRoutes(router: string, options: WatchOptions): Promise<WatchEnd> {
  const { topics, openTimeoutMs, silenceMsMax, charactersMax, signal } = options;
  const silent = new AbortController();
  const sayNothing = (ms: number) => setTimeout(() => silent.abort(new Error(`nothing came for ${ms} ms`)), ms);
  let timer = sayNothing(openTimeoutMs);
  try {
    const query = queryOf(options.asker, { topics: topics.join(",") });
    const response = await fetch(`${router}/v1/watch?${query}`, {
      headers: { accept: "text/event-stream" },
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      return { detail: `it answered with ${response.status}`, retryAfterMs: retryAfterMs(response) };
    }
    options.onOpen();
    const decoder = new TextDecoder();
    let stream = emptyStream;
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = sayNothing(silenceMsMax);
      const read = readEvents(stream, decoder.decode(chunk as Uint8Array, { stream: true }), charactersMax);
      if (read === undefined) return { detail: `an event is larger than ${charactersMax} characters`, retryAfterMs: 0 };
      stream = read.stream;
      for (const { name, data } of read.events) if (name === "route") options.onRoute(parseRoute(data, router));
    }
    return { detail: "it ended", retryAfterMs: 0 };
  } catch (error) {
    return { detail: reasonOf(error), retryAfterMs: 0 };
  } finally {
    clearTimeout(timer);
  }
}
