import type { Clock } from "../lib/clock.ts";
import type { TelemetryReport } from "../lib/telemetry.ts";
import { hear } from "./core/order.ts";
import type { Route } from "./core/route.ts";
import { answered, failed, inOrder, type Routers, restMs, startRouters } from "./core/routers.ts";
import { messageOf, SdkError } from "./errors.ts";
import type { OnEvent } from "./events.ts";
import { pause } from "./io/abort.ts";
import { type Asked, type Asker, askRoute } from "./io/ask.ts";
import { postReport } from "./io/report.ts";
import { readRoutes, writeRoutes } from "./io/route-file.ts";
import { watchRoutes } from "./io/stream.ts";
import type { Limits } from "./limits.ts";

/** What is known of topics' routes, and how it is learned: asked for once, or followed. */
export interface Routes {
  /** @throws {SdkError} SDK_TOPIC_UNKNOWN, SDK_ROUTE_UNAVAILABLE; or the signal's reason */
  resolve(topic: string, options: { readonly signal: AbortSignal }): Promise<Route>;
  /** What is known, then each change, until the signal is aborted. Who reads slowly gets the last one. */
  watch(topic: string, options: { readonly signal: AbortSignal }): AsyncIterable<Route>;
  /** This client's, as a router has told it last; "": none has. */
  readonly idc: string;
  /** To the router that would be asked next. False: it did not take it, and may later. */
  report(report: TelemetryReport): Promise<boolean>;
  /** Follows, until the signal is aborted. */
  run(): Promise<void>;
}

export interface RoutesOptions {
  readonly routers: readonly string[];
  readonly asker: Asker;
  /** Last good routes; undefined: none are kept. */
  readonly file: string | undefined;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onEvent: OnEvent;
  readonly signal: AbortSignal;
}

/** Routers refuse more in one watch. */
const watchedTopicsMax = 100;
/** Topics that are asked for within this are watched together. */
const gatherMs = 10;

type Listener = (route: Route) => void;

export async function createRoutes(options: RoutesOptions): Promise<Routes> {
  const { asker, file, limits, clock, random, onEvent, signal } = options;
  const known = new Map<string, Route>();
  const listeners = new Map<string, Set<Listener>>();
  let routers: Routers = startRouters(options.routers);
  let watched: readonly string[] = [];
  let otherTopics = new AbortController();
  let dirty = false;
  let callerIdc = "";
  if (file !== undefined) await load(file);

  async function load(from: string): Promise<void> {
    try {
      const routes = await readRoutes(from);
      if (typeof routes === "string") onEvent({ kind: "file", file: from, detail: `not read: ${routes}` });
      else for (const route of routes) known.set(route.topic, { ...route, stale: true });
    } catch (error) {
      onEvent({ kind: "file", file: from, detail: `not read: ${messageOf(error)}` });
    }
  }

  function learn(heard: Route): Route {
    const { verdict, route } = hear(known.get(heard.topic), heard);
    known.set(route.topic, route);
    callerIdc = route.idc;
    if (verdict === "older") onEvent({ kind: "older", topic: heard.topic, router: heard.order.router });
    if (verdict === "newer" || verdict === "first") {
      dirty = true;
      onEvent({ kind: "route", route });
      for (const listener of listeners.get(route.topic) ?? []) listener(route);
    }
    return route;
  }

  function note(router: string, outcome: { ok: true } | { ok: false; detail: string; retryAfterMs: number }): void {
    const before = routers;
    if (outcome.ok) routers = answered(routers, router);
    else {
      const { retryAfterMs } = outcome;
      const range = { minMs: limits.backoffMinMs, maxMs: limits.backoffMaxMs };
      routers = failed(routers, { url: router, now: clock.now(), retryAfterMs, random: random() }, range);
    }
    if (routers !== before)
      onEvent({ kind: "router", router, ok: outcome.ok, detail: outcome.ok ? "" : outcome.detail });
  }

  /** All routers, one after the other, until one has a route. */
  async function ask(topic: string, until: AbortSignal): Promise<{ route: Route | null; said: readonly Asked[] }> {
    const said: Asked[] = [];
    const startedAt = clock.now();
    for (const { url } of inOrder(routers, startedAt)) {
      const leftMs = limits.resolveTimeoutMs - (clock.now() - startedAt);
      if (leftMs <= 0) break;
      const asked = await askRoute(url, {
        topic,
        asker,
        timeoutMs: Math.min(limits.requestTimeoutMs, leftMs),
        charactersMax: limits.answerCharactersMax,
        signal: until,
      });
      note(url, asked.kind === "failed" ? { ok: false, ...asked } : { ok: true });
      if (asked.kind === "route") return { route: learn(asked.route), said };
      said.push(asked);
    }
    return { route: null, said };
  }

  /** Watches what listeners want to hear of, at one router after the other. */
  async function follow(): Promise<void> {
    while (!signal.aborted) {
      otherTopics = new AbortController();
      watched = [...listeners.keys()];
      const stop = AbortSignal.any([signal, otherTopics.signal]);
      if (watched.length === 0) await pause(clock, idleMs, stop);
      else {
        await pause(clock, restMs(routers, clock.now()), stop);
        if (!stop.aborted) await followAt(inOrder(routers, clock.now())[0]?.url ?? "", watched, stop);
      }
      if (!signal.aborted) await pause(clock, gatherMs, signal);
    }
  }

  async function followAt(router: string, topics: readonly string[], stop: AbortSignal): Promise<void> {
    const one = new AbortController();
    const ending = AbortSignal.any([stop, one.signal]);
    const parts = Array.from({ length: Math.ceil(topics.length / watchedTopicsMax) }, (_, nth) =>
      topics.slice(nth * watchedTopicsMax, (nth + 1) * watchedTopicsMax),
    );
    const ends = await Promise.all(
      parts.map(async (part) => {
        const end = await watchRoutes(router, {
          topics: part,
          asker,
          openTimeoutMs: limits.resolveTimeoutMs,
          silenceMsMax: limits.silenceMsMax,
          charactersMax: limits.answerCharactersMax,
          onOpen: () => note(router, { ok: true }),
          onRoute: learn,
          signal: ending,
        });
        // One that has ended takes the others along: they are opened together.
        if (!ending.aborted) one.abort();
        return end;
      }),
    );
    const [end] = ends;
    if (!stop.aborted && end !== undefined) note(router, { ok: false, ...end });
  }

  async function save(to: string): Promise<void> {
    for (let last = ""; ; ) {
      await pause(clock, limits.saveEveryMs, signal);
      if (dirty) {
        dirty = false;
        const detail = await writeRoutes(to, known.values()).then(() => "", messageOf);
        if (detail !== "") dirty = true;
        if (detail !== "" && detail !== last) onEvent({ kind: "file", file: to, detail: `not written: ${detail}` });
        last = detail;
      }
      if (signal.aborted) return;
    }
  }

  return {
    async resolve(topic, { signal: wanted }) {
      const route = known.get(topic);
      if (route !== undefined && !route.stale && watched.includes(topic)) return route;
      const until = AbortSignal.any([wanted, signal]);
      const { route: fresh, said } = await ask(topic, until);
      if (fresh !== null) return fresh;
      const last = known.get(topic);
      if (last !== undefined) return { ...last, stale: true };
      throw noRoute(topic, said);
    },
    async *watch(topic, { signal: wanted }) {
      if (!listeners.has(topic) && listeners.size >= limits.topicsMax) {
        const hint = "Raise limits.topicsMax, or use another client for some of them";
        throw new SdkError("SDK_BAD_OPTIONS", `${limits.topicsMax} topics are followed already`, { hint });
      }
      const until = AbortSignal.any([wanted, signal]);
      let next = known.get(topic);
      let wake = Promise.withResolvers<void>();
      const listener: Listener = (route) => {
        next = route;
        wake.resolve();
      };
      const stop = (): void => wake.resolve();
      until.addEventListener("abort", stop, { once: true });
      listen(topic, listener);
      try {
        while (!until.aborted) {
          if (next === undefined) await wake.promise;
          else {
            const route = next;
            next = undefined;
            wake = Promise.withResolvers();
            yield route;
          }
        }
      } finally {
        until.removeEventListener("abort", stop);
        unlisten(topic, listener);
      }
    },
    get idc() {
      return callerIdc;
    },
    async report(report) {
      const router = inOrder(routers, clock.now())[0]?.url ?? "";
      return await postReport(router, report, { timeoutMs: limits.requestTimeoutMs });
    },
    async run() {
      await Promise.all([follow(), ...(file === undefined ? [] : [save(file)])]);
    },
  };

  function listen(topic: string, listener: Listener): void {
    const others = listeners.get(topic);
    if (others === undefined) listeners.set(topic, new Set([listener]));
    else others.add(listener);
    if (!watched.includes(topic)) otherTopics.abort();
  }

  /** The watch goes on as it is: the next one that is opened leaves the topic out. */
  function unlisten(topic: string, listener: Listener): void {
    const others = listeners.get(topic);
    others?.delete(listener);
    if (others?.size === 0) listeners.delete(topic);
  }
}

const idleMs = 60_000;

function noRoute(topic: string, said: readonly Asked[]): SdkError {
  const details = said.map((asked) => (asked.kind === "route" ? "" : asked.detail)).join("; ");
  if (said.some(({ kind }) => kind === "unknown")) {
    const hint = "Create it, or see what routers know of it: idcctl route explain";
    return new SdkError("SDK_TOPIC_UNKNOWN", `No router knows the topic ${JSON.stringify(topic)}: ${details}`, {
      hint,
    });
  }
  const hint = "See whether these routers run and can be reached from here: GET /readyz";
  return new SdkError("SDK_ROUTE_UNAVAILABLE", `No router says where ${JSON.stringify(topic)} is: ${details}`, {
    hint,
  });
}
