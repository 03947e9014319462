import { backoffMs } from "./core/backoff.ts";
import { isSamePlace, type Place, placeOf } from "./core/places.ts";
import type { RouteSettings } from "./core/route.ts";
import type { OutgoingMessage, ProducerLink } from "./driver.ts";
import { messageOf, SdkError } from "./errors.ts";
import { pause, untilAborted } from "./io/abort.ts";
import type { ClientParts } from "./parts.ts";

export interface Producer extends AsyncDisposable {
  /**
   * Resolves when the brokers have acknowledged all of them, wherever the topic is by then. A message may arrive twice.
   * @throws {SdkError} SDK_SEND_TIMEOUT, SDK_SEND_REFUSED, SDK_TOO_MANY_SENDS, SDK_CLOSED; or the signal's reason
   */
  send(
    messages: OutgoingMessage | readonly OutgoingMessage[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<Receipt>;
  /** Sends that are on their way may still be acknowledged for `leaveGraceMs`. */
  close(): Promise<void>;
}

export interface Receipt {
  /** Which cluster has them. */
  readonly cluster: string;
  readonly attempts: number;
}

export interface ProducerOptions extends ClientParts {
  readonly topic: string;
}

/** A place that the producer is at, or was. */
interface Stay {
  readonly place: Place;
  readonly link: Promise<ProducerLink>;
  /** No new sends. */
  readonly moved: AbortController;
  /** What is still on its way there is sent again elsewhere. */
  readonly gone: AbortController;
}

/** Of one send: why its last attempt failed. */
interface Trace {
  last?: unknown;
}

export function createProducer(options: ProducerOptions): Producer {
  const { topic, routes, driverOf, limits, clock, random, onEvent } = options;
  const closing = new AbortController();
  const closed = new AbortController();
  const ending = AbortSignal.any([options.signal, closing.signal]);
  const range = { minMs: limits.backoffMinMs, maxMs: limits.backoffMaxMs };
  let stay: Stay | undefined;
  let arrived = Promise.withResolvers<void>();
  let settings: RouteSettings = {};
  let sends = 0;

  async function follow(): Promise<void> {
    for await (const route of routes.watch(topic, { signal: ending })) {
      settings = route.settings;
      const place = placeOf(route, options.point);
      const before = stay;
      // I9: a route without an address is no reason to leave.
      if (place.bootstrap.length === 0 || (before !== undefined && isSamePlace(before.place, place))) continue;
      onEvent({ kind: "moved", topic, from: before?.place ?? null, to: place });
      stay = settle(place);
      arrived.resolve();
      arrived = Promise.withResolvers();
      if (before !== undefined) background(leave(before));
    }
  }

  function settle(place: Place): Stay {
    const moved = new AbortController();
    const link = open(place, AbortSignal.any([moved.signal, ending]));
    link.catch(() => {});
    return { place, link, moved, gone: new AbortController() };
  }

  /** Until it is open. @throws the signal's reason */
  async function open(place: Place, signal: AbortSignal): Promise<ProducerLink> {
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        const opened = (await driverOf(place)).openProducer({ place, topic });
        opened.then((link) => (signal.aborted ? link.close() : undefined)).catch(() => {});
        return await untilAborted(opened, signal);
      } catch (error) {
        signal.throwIfAborted();
        onEvent({ kind: "failed", topic, place, detail: messageOf(error) });
        if (error instanceof SdkError) throw error;
        await pause(clock, backoffMs(failures, range, random()), signal);
      }
    }
  }

  async function leave({ moved, gone, link }: Stay): Promise<void> {
    moved.abort(new Error("the topic has moved"));
    const opened = await link.catch(() => undefined);
    await pause(clock, limits.leaveGraceMs, options.signal);
    gone.abort(new Error("the topic has moved, and the old place has not answered"));
    await opened?.close();
  }

  async function sendOnce(at: Stay, messages: readonly OutgoingMessage[], timeoutMs: number, signal: AbortSignal) {
    const link = await untilAborted(at.link, AbortSignal.any([signal, at.moved.signal]));
    await untilAborted(link.send(messages, { timeoutMs }), AbortSignal.any([signal, at.gone.signal]));
  }

  async function attempts(messages: readonly OutgoingMessage[], timeoutMs: number, signal: AbortSignal, trace: Trace) {
    for (let count = 1; ; count += 1) {
      if (stay === undefined) await untilAborted(arrived.promise, signal);
      const at = stay;
      if (at === undefined) continue;
      try {
        await sendOnce(at, messages, timeoutMs, signal);
        return { cluster: at.place.cluster, attempts: count };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof SdkError) throw error;
        trace.last = error;
        await pause(clock, backoffMs(count - 1, range, random()), AbortSignal.any([signal, at.moved.signal]));
      }
    }
  }

  function background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (stay !== undefined && !ending.aborted)
        onEvent({ kind: "failed", topic, place: stay.place, detail: messageOf(error) });
    });
  }

  const following = follow();
  background(following);

  const self: Producer = {
    async send(given, { signal } = {}) {
      const messages = "value" in given ? [given] : given;
      signal?.throwIfAborted();
      if (ending.aborted) throw closedError(topic);
      if (sends >= limits.sendsMax) {
        const hint = "Wait for some of them, or raise limits.sendsMax";
        throw new SdkError("SDK_TOO_MANY_SENDS", `${sends} sends to ${topic} are on their way`, { hint });
      }
      const timeoutMs = settings.sendTimeoutMs ?? limits.sendTimeoutMs;
      const late = new AbortController();
      const trace: Trace = {};
      const done = new AbortController();
      const all = AbortSignal.any([late.signal, closed.signal, ...(signal === undefined ? [] : [signal])]);
      clock.sleep(timeoutMs, { signal: done.signal }).then(
        () => late.abort(timeoutError(topic, timeoutMs, stay, trace.last)),
        () => {},
      );
      sends += 1;
      const startedAt = clock.now();
      const tally = (ok: boolean): void => {
        const seconds = (clock.now() - startedAt) / 1_000;
        const bytes = messages.map(({ value }) => Buffer.byteLength(value));
        options.tallies.sent({ idc: stay?.place.idc ?? "", ok, seconds, bytes });
      };
      try {
        const receipt = await attempts(messages, timeoutMs, all, trace);
        tally(true);
        return receipt;
      } catch (error) {
        tally(false);
        throw error;
      } finally {
        sends -= 1;
        done.abort();
      }
    },
    async close() {
      if (closing.signal.aborted) return;
      const at = stay;
      closing.abort(closedError(topic));
      const until = clock.now() + limits.leaveGraceMs;
      while (sends > 0 && clock.now() < until && !options.signal.aborted)
        await pause(clock, closePollMs, options.signal);
      closed.abort(closedError(topic));
      await following.catch(() => {});
      await (await at?.link.catch(() => undefined))?.close();
    },
    [Symbol.asyncDispose]: () => self.close(),
  };
  return self;
}

const closePollMs = 10;

function closedError(topic: string): SdkError {
  return new SdkError("SDK_CLOSED", `The producer of ${topic} is closed`, { hint: "Make another one" });
}

function timeoutError(topic: string, timeoutMs: number, at: Stay | undefined, cause: unknown): SdkError {
  const where = at === undefined ? "no router has said where it is" : `at ${at.place.bootstrap.join(",")}`;
  const why = cause === undefined ? "" : `; the last attempt: ${messageOf(cause)}`;
  const hint =
    "It may have arrived all the same. See whether these brokers can be reached, or raise limits.sendTimeoutMs";
  return new SdkError("SDK_SEND_TIMEOUT", `${topic}: not acknowledged in ${timeoutMs} ms, ${where}${why}`, {
    hint,
    cause,
  });
}
