import type { Socket } from "node:net";
import { chosenOf, dial, now, openingMax, type Told, type WatchesOptions } from "./watches.ts";

/** Many clients that ask for a route and wait until it has changed (wait=), each over a connection of its own. */
export interface Waits {
  /** Resolves when each has got its next route, and waits for the one after it. */
  next(chosen: string): Promise<Told>;
  close(): void;
}

const headEnd = "\r\n\r\n";

interface Wait {
  readonly socket: Socket;
  readonly topic: string;
  text: string;
}

export async function openWaits({ address, count, topics, idc }: WatchesOptions): Promise<Waits> {
  const all: Wait[] = [];
  let chosen = "";
  let at: number[] = [];
  let wrong = 0;
  let left = count;
  let told = Promise.withResolvers<void>();

  function ask({ socket, topic }: Wait, etag: string): void {
    const waiting = etag === "" ? "" : "&wait=60s";
    const known = etag === "" ? "" : `If-None-Match: ${etag}\r\n`;
    socket.write(`GET /v1/topics/${topic}/route?idc=${idc}${waiting} HTTP/1.1\r\nHost: ${address}\r\n${known}\r\n`);
  }

  function onText(wait: Wait): void {
    const end = wait.text.indexOf(headEnd);
    if (end < 0) return;
    const head = wait.text.slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (wait.text.length < end + headEnd.length + length) return;
    const body = wait.text.slice(end + headEnd.length);
    wait.text = "";
    const [, etag = ""] = /etag: (\S+)/i.exec(head) ?? [];
    const [, status] = /^HTTP\/1.1 (\d+)/.exec(head) ?? [];
    ask(wait, etag);
    // The time was over.
    if (status === "304") return;
    at.push(now());
    const [, to] = chosenOf.exec(body) ?? [];
    if (status !== "200" || (chosen !== "" && to !== chosen)) wrong += 1;
    left -= 1;
    if (left === 0) told.resolve();
  }

  async function open(topic: string): Promise<Wait> {
    const wait: Wait = { socket: await dial(address), topic, text: "" };
    wait.socket.on("data", (text: string) => {
      wait.text += text;
      onText(wait);
    });
    wait.socket.on("close", () => told.reject(new Error(`the server ended a connection: ${wait.text.slice(0, 200)}`)));
    ask(wait, "");
    return wait;
  }

  for (let from = 0; from < count; from += openingMax) {
    const places = Array.from({ length: Math.min(openingMax, count - from) }, (_, nth) => from + nth);
    all.push(...(await Promise.all(places.map((place) => open(topics[place % topics.length] ?? "")))));
  }
  await told.promise;
  return {
    async next(wanted) {
      [chosen, at, wrong, left] = [wanted, [], 0, count];
      told = Promise.withResolvers();
      await told.promise;
      return { at, wrong };
    },
    close() {
      for (const { socket } of all) {
        socket.removeAllListeners("close");
        socket.destroy();
      }
    },
  };
}
