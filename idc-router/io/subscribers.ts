import type { ServerResponse } from "node:http";
import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import type { Gate } from "../core/model.ts";
import type { RouteKey, RouteText, RouteTexts } from "./route-texts.ts";

/** Clients that wait for a change: watches (SSE), which get each of them, and long polls, which get the next one. */
export interface Subscribers {
  /** undefined: there are too many. */
  watch(
    response: ServerResponse,
    of: { readonly keys: readonly RouteKey[]; readonly host: string },
    since: string | undefined,
  ): (() => void) | undefined;
  /** Resolves with the new text, or undefined when the time is over. "full": there are too many. */
  next(
    key: RouteKey,
    known: { readonly etag: string; readonly host: string },
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<RouteText | undefined> | "full";
  /** The table is another one. */
  tell(): void;
  counts(): { readonly watch: number; readonly wait: number };
  /** Ends all. */
  close(): void;
}

export interface SubscribersOptions {
  readonly texts: RouteTexts;
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
  /** What was told last. */
  told: Told;
  /** Each with the etag of what it was told last. */
  readonly watches: Map<Watch, string | undefined>;
  readonly waiting: Set<Waiting>;
}

interface Told {
  /** Of what clients were told that no gate lets through. */
  readonly etag: string | undefined;
  /** Of what the others were told. */
  readonly gatedEtag: string | undefined;
  /** Who they are. */
  readonly gate: Gate | undefined;
}

interface Watch {
  readonly response: ServerResponse;
  readonly subjects: readonly Subject[];
  /** Its client's address. */
  readonly host: string;
}

interface Waiting {
  readonly etag: string;
  readonly host: string;
  readonly resolve: (text: RouteText) => void;
}

export function createSubscribers(options: SubscribersOptions): Subscribers {
  const { texts, revision, instance, subscribersMax, bufferedBytesMax, clock, onSlow, log, signal } = options;
  const subjects = new Map<string, Subject>();
  const watches = new Set<Watch>();
  let waits = 0;
  const isFull = (): boolean => watches.size + waits >= subscribersMax;

  function subjectOf(key: RouteKey): Subject {
    const name = nameOf(key);
    const known = subjects.get(name);
    if (known !== undefined) return known;
    const { told } = lookAt(key);
    const subject: Subject = { key, told, watches: new Map(), waiting: new Set() };
    subjects.set(name, subject);
    return subject;
  }

  /** What there is to tell now. */
  function lookAt(key: RouteKey): { plain: RouteText | undefined; gated: RouteText | undefined; told: Told } {
    const gate = texts.gateOf(key.topic);
    const plain = texts.of(key);
    const gated = gate === undefined ? plain : texts.of({ ...key, gated: true });
    return { plain, gated, told: { etag: plain?.etag, gatedEtag: gated?.etag, gate } };
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

  /** Who waits gets what is not what it has; the same bytes go to all who get the same. */
  function tellAll(subject: Subject, plain: RouteText | undefined, gated: RouteText | undefined): void {
    const { key, waiting, watches: listening } = subject;
    const textOf = (host: string) => (plain !== gated && texts.isGated(key.topic, host) ? gated : plain);
    for (const { host, etag, resolve } of waiting) {
      const text = textOf(host);
      if (text !== undefined && text.etag !== etag) resolve(text);
    }
    const events = new Map<RouteText, Buffer>();
    for (const [watch, told] of [...listening]) {
      const text = textOf(watch.host);
      if (text === undefined || text.etag === told) continue;
      let event = events.get(text);
      if (event === undefined) {
        event = eventOf(text);
        events.set(text, event);
      }
      listening.set(watch, text.etag);
      write(watch, event);
    }
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
    watch(response, { keys, host }, since) {
      if (isFull()) return undefined;
      const watch: Watch = { response, subjects: keys.map(subjectOf), host };
      watches.add(watch);
      const [, seen] = since?.startsWith(`${instance}.`) === true ? since.split(".") : [];
      write(watch, `retry: 1000\nid: ${instance}.${revision()}\n\n`);
      for (const subject of watch.subjects) {
        // Each write may end it, and has then taken it out of all its subjects.
        if (!watches.has(watch)) break;
        const text = texts.of(texts.keyFor(subject.key, host));
        subject.watches.set(watch, text?.etag);
        if (text !== undefined && (seen === undefined || text.revision > Number(seen))) write(watch, eventOf(text));
      }
      return () => end(watch);
    },
    next(key, { etag, host }, { timeoutMs, signal: gone }) {
      if (isFull()) return "full";
      const subject = subjectOf(key);
      waits += 1;
      const told = Promise.withResolvers<RouteText>();
      const waiting: Waiting = { etag, host, resolve: told.resolve };
      subject.waiting.add(waiting);
      const over = new AbortController();
      const late = clock.sleep(timeoutMs, { signal: AbortSignal.any([gone, signal, over.signal]) }).then(
        () => undefined,
        () => undefined,
      );
      // It may have changed before anybody listened.
      const now = texts.of(texts.keyFor(key, host));
      if (now !== undefined && now.etag !== etag) told.resolve(now);
      return Promise.race([told.promise, late]).finally(() => {
        over.abort();
        waits -= 1;
        subject.waiting.delete(waiting);
        leave(subject);
      });
    },
    tell() {
      for (const subject of [...subjects.values()]) {
        const { told: before } = subject;
        const { plain, gated, told } = lookAt(subject.key);
        // What is not there just now was told: who has it keeps it.
        const { etag = before.etag, gatedEtag = before.gatedEtag, gate } = told;
        if (etag === before.etag && gatedEtag === before.gatedEtag && gate === before.gate) continue;
        subject.told = { etag, gatedEtag, gate };
        tellAll(subject, plain, gated);
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
