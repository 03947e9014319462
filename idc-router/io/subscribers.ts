import type { ServerResponse } from "node:http";
import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import type { RouteKey, RouteText } from "./route-texts.ts";

/** Clients that wait for a change: watches (SSE), which get each of them, and long polls, which get the next one. */
export interface Subscribers {
  /** undefined: there are too many. */
  watch(response: ServerResponse, keys: readonly RouteKey[], since: string | undefined): (() => void) | undefined;
  /** Resolves with the new text, or undefined when the time is over. "full": there are too many. */
  next(
    key: RouteKey,
    etag: string,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<RouteText | undefined> | "full";
  /** The table is another one. */
  tell(): void;
  counts(): { readonly watch: number; readonly wait: number };
  /** Ends all. */
  close(): void;
}

export interface SubscribersOptions {
  readonly textOf: (key: RouteKey) => RouteText | undefined;
  readonly revision: () => number;
  /** Of this process: a revision of another one says nothing. */
  readonly instance: string;
  readonly subscribersMax: number;
  readonly bufferedBytesMax: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onSlow: () => void;
  readonly signal: AbortSignal;
}

const aliveEveryMs = 15_000;

interface Subject {
  readonly key: RouteKey;
  etag: string | undefined;
  readonly watches: Set<Watch>;
  readonly waiting: Set<(text: RouteText) => void>;
}

interface Watch {
  readonly response: ServerResponse;
  readonly subjects: readonly Subject[];
}

export function createSubscribers(options: SubscribersOptions): Subscribers {
  const { textOf, revision, instance, subscribersMax, bufferedBytesMax, clock, onSlow, log, signal } = options;
  const subjects = new Map<string, Subject>();
  const watches = new Set<Watch>();
  let waits = 0;
  const isFull = (): boolean => watches.size + waits >= subscribersMax;

  function subjectOf(key: RouteKey): Subject {
    const name = nameOf(key);
    const known = subjects.get(name);
    if (known !== undefined) return known;
    const subject: Subject = { key, etag: textOf(key)?.etag, watches: new Set(), waiting: new Set() };
    subjects.set(name, subject);
    return subject;
  }

  function leave(subject: Subject): void {
    if (subject.watches.size === 0 && subject.waiting.size === 0) {
      subjects.delete(nameOf(subject.key));
    }
  }

  function end(watch: Watch): void {
    if (!watches.delete(watch)) return;
    for (const subject of watch.subjects) {
      subject.watches.delete(watch);
      leave(subject);
    }
    watch.response.destroy();
  }

  function write(watch: Watch, chunk: string | Buffer): void {
    if (watch.response.writableLength > bufferedBytesMax) {
      onSlow();
      log.info({ waitingBytes: watch.response.writableLength }, "watch was ended: its client does not read");
      end(watch);
      return;
    }
    watch.response.write(chunk);
  }

  /** `id: INSTANCE.REVISION`, so that a client that comes back says what it has. */
  function eventOf(text: RouteText): Buffer {
    return Buffer.from(`id: ${instance}.${revision()}\nevent: route\ndata: ${text.json}\n\n`);
  }

  async function keepAlive(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(aliveEveryMs, { signal }).catch(() => {});
      for (const watch of watches) write(watch, ":\n\n");
    }
  }
  keepAlive().catch((error: unknown) => log.error({ error: messageOf(error) }, "watches are not kept alive"));

  return {
    watch(response, keys, since) {
      if (isFull()) return undefined;
      const watch: Watch = { response, subjects: keys.map(subjectOf) };
      watches.add(watch);
      for (const subject of watch.subjects) subject.watches.add(watch);
      const [, seen] = since?.startsWith(`${instance}.`) === true ? since.split(".") : [];
      write(watch, `retry: 1000\nid: ${instance}.${revision()}\n\n`);
      for (const { key } of watch.subjects) {
        const text = textOf(key);
        if (text !== undefined && (seen === undefined || text.revision > Number(seen))) write(watch, eventOf(text));
      }
      return () => end(watch);
    },
    next(key, etag, { timeoutMs, signal: gone }) {
      if (isFull()) return "full";
      const subject = subjectOf(key);
      waits += 1;
      const told = Promise.withResolvers<RouteText>();
      subject.waiting.add(told.resolve);
      const over = new AbortController();
      const late = clock.sleep(timeoutMs, { signal: AbortSignal.any([gone, signal, over.signal]) }).then(
        () => undefined,
        () => undefined,
      );
      // It may have changed before anybody listened.
      const now = textOf(key);
      if (now !== undefined && now.etag !== etag) told.resolve(now);
      return Promise.race([told.promise, late]).finally(() => {
        over.abort();
        waits -= 1;
        subject.waiting.delete(told.resolve);
        leave(subject);
      });
    },
    tell() {
      for (const subject of [...subjects.values()]) {
        const text = textOf(subject.key);
        if (text === undefined || text.etag === subject.etag) continue;
        subject.etag = text.etag;
        for (const resolve of subject.waiting) resolve(text);
        if (subject.watches.size === 0) continue;
        const event = eventOf(text);
        for (const watch of [...subject.watches]) write(watch, event);
      }
    },
    counts: () => ({ watch: watches.size, wait: waits }),
    close() {
      for (const watch of [...watches]) end(watch);
    },
  };
}

function nameOf({ use, idc, topic }: RouteKey): string {
  return `${use} ${idc} ${topic}`;
}
