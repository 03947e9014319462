import { backoffMs } from "./core/backoff.ts";
import { forgetLinger, lingerEnd, moveTo, noStays, type Place, placeOf, type StayCommand } from "./core/places.ts";
import type { ConsumerLink, IncomingMessage } from "./driver.ts";
import { messageOf, SdkError } from "./errors.ts";
import { pause, untilAborted } from "./io/abort.ts";
import { createGate } from "./io/gate.ts";
import type { ClientParts } from "./parts.ts";

export interface Consumer extends AsyncDisposable {
  /** Where it reads: at the topic's place first, then at those that it has left and that are not empty and quiet yet. */
  readonly places: readonly Place[];
  /** Messages that are being dealt with have `leaveGraceMs` to end; those that don't come again, here or elsewhere. */
  close(): Promise<void>;
}

/**
 * Deals with a message. When it resolves the message is acknowledged; when it throws the message comes again after a while, and those
 * behind it in its partition wait. A message may come twice.
 */
export type Handler = (message: IncomingMessage, context: { readonly signal: AbortSignal }) => Promise<void>;

export interface ConsumerOptions extends ClientParts {
  readonly topic: string;
  readonly group: string;
  readonly idc: string | undefined;
  readonly handler: Handler;
}

/** Reading at one place, over all the connections that this takes. */
interface Reading {
  readonly place: Place;
  link: ConsumerLink | undefined;
  /** Monotonic, ms: of the last message. */
  lastAt: number;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export function createConsumer(options: ConsumerOptions): Consumer {
  const { topic, group, handler, routes, driverOf, limits, clock, random, onEvent } = options;
  const closing = new AbortController();
  const ending = AbortSignal.any([options.signal, closing.signal]);
  const range = { minMs: limits.backoffMinMs, maxMs: limits.backoffMaxMs };
  const gate = createGate(limits.concurrency);
  const readings = new Map<Place, Reading>();
  let stays = noStays;
  let callerIdc = options.idc ?? "";

  async function follow(): Promise<void> {
    for await (const route of routes.watch(topic, { signal: ending })) {
      gate.widen(route.settings.concurrency ?? limits.concurrency);
      callerIdc = route.idc;
      const place = placeOf(route, options.point);
      if (place.bootstrap.length === 0) continue;
      const from = stays.current;
      const moved = moveTo(stays, place, { now: clock.now(), lingersMax: limits.lingersMax });
      stays = moved.stays;
      if (moved.commands.length > 0) onEvent({ kind: "moved", topic, from, to: place });
      // Its proxies share out messages by themselves.
      if (place.kind === "rocketmq") options.tallies.agreed({ topic, group }, null);
      for (const command of moved.commands) obey(command);
    }
  }

  function obey(command: StayCommand): void {
    switch (command.kind) {
      case "start":
        readings.set(command.place, read(command.place));
        return;
      case "stop":
        stop(command.place, command.why);
        return;
      case "linger":
      case "keep":
        // Reading goes on as it is; whether it ends is asked below.
        return;
    }
  }

  function stop(place: Place, why: string): void {
    const reading = readings.get(place);
    readings.delete(place);
    reading?.stop.abort(new Error(why));
    onEvent({ kind: "left", topic, place, why });
  }

  function read(place: Place): Reading {
    const stopped = new AbortController();
    const reading: Reading = {
      place,
      link: undefined,
      lastAt: clock.now(),
      stop: stopped,
      ended: Promise.resolve().then(() => connectOver(reading, AbortSignal.any([stopped.signal, ending]))),
    };
    return reading;
  }

  /** One connection after the other. Never rejects. */
  async function connectOver(reading: Reading, signal: AbortSignal): Promise<void> {
    const { place } = reading;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const link = await open(reading, signal);
        reading.link = link;
        failures = 0;
        const failure = await untilAborted(link.failed, signal).finally(() => {
          reading.link = undefined;
          return link.close();
        });
        throw failure;
      } catch (error) {
        if (signal.aborted) return;
        onEvent({ kind: "failed", topic, place, detail: messageOf(error) });
        // What is not installed stays so.
        if (error instanceof SdkError) return;
        await pause(clock, backoffMs(failures, range, random()), signal);
        failures += 1;
      }
    }
  }

  async function open(reading: Reading, signal: AbortSignal): Promise<ConsumerLink> {
    const { place } = reading;
    const driver = await driverOf(place);
    const deliver = async (message: IncomingMessage): Promise<void> => {
      const startedAt = clock.now();
      reading.lastAt = startedAt;
      await handle(message, signal);
      reading.lastAt = clock.now();
      const seconds = (reading.lastAt - startedAt) / 1_000;
      options.tallies.consumed({ idc: place.idc, seconds, bytes: message.value.length });
    };
    const onAllocator = (allocator: string): void => {
      if (reading.place === stays.current) options.tallies.agreed({ topic, group }, allocator);
    };
    const opened = driver.openConsumer({ place, topic, group, idc: callerIdc, deliver, onAllocator });
    opened.then((link) => (signal.aborted ? link.close() : undefined)).catch(() => {});
    return await untilAborted(opened, signal);
  }

  /** Until the handler has dealt with it. @throws the signal's reason: then it must not be acknowledged */
  async function handle(message: IncomingMessage, signal: AbortSignal): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      await gate.enter();
      try {
        signal.throwIfAborted();
        await handler(message, { signal });
        return;
      } catch (error) {
        signal.throwIfAborted();
        onEvent({ kind: "handler", topic, detail: `${message.position}: ${messageOf(error)}` });
      } finally {
        gate.leave();
      }
      await pause(clock, backoffMs(failures, range, random()), signal);
    }
  }

  /** Places that were left end when they are empty and quiet. */
  async function linger(): Promise<void> {
    while (!ending.aborted) {
      await pause(clock, limits.lingerCheckEveryMs, ending);
      await Promise.all(stays.lingers.map(look));
    }
  }

  async function look({ place, leftAt }: { readonly place: Place; readonly leftAt: number }): Promise<void> {
    const reading = readings.get(place);
    if (reading === undefined) return;
    const lag = await lagOf(reading);
    const end = lingerEnd({ lag, lastAt: reading.lastAt, leftAt }, clock.now(), limits);
    const isStillLeft = stays.lingers.some((one) => one.place === place);
    if (end === null || !isStillLeft || ending.aborted) return;
    stays = forgetLinger(stays, place);
    stop(place, end);
  }

  async function lagOf({ link }: Reading): Promise<bigint | null> {
    if (link === undefined) return null;
    const late = AbortSignal.any([ending, AbortSignal.timeout(limits.requestTimeoutMs)]);
    return await untilAborted(link.lag(), late).catch(() => null);
  }

  const running = Promise.all([follow(), linger()]);
  running.catch((error: unknown) => {
    const place = stays.current;
    if (place !== null && !ending.aborted) onEvent({ kind: "failed", topic, place, detail: messageOf(error) });
  });

  const self: Consumer = {
    get places() {
      const { current, lingers } = stays;
      return current === null ? [] : [current, ...lingers.map(({ place }) => place)];
    },
    async close() {
      closing.abort(new SdkError("SDK_CLOSED", `The consumer of ${topic} is closed`, { hint: "Make another one" }));
      await running.catch(() => {});
      options.tallies.agreed({ topic, group }, null);
      await Promise.all([...readings.values()].map(({ ended }) => ended));
    },
    [Symbol.asyncDispose]: () => self.close(),
  };
  return self;
}
