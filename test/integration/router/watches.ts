import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Many clients that watch topics (SSE), each over a connection of its own. */
export interface Watches {
  /** Resolves when each has got its next route: when, and how many of these lead elsewhere than to this IDC. */
  next(chosen: string): Promise<Told>;
  close(): void;
}

export interface Told {
  /** Moments of the machine's monotonic clock, ms. */
  readonly at: readonly number[];
  readonly wrong: number;
}

export interface WatchesOptions {
  /** host:port */
  readonly address: string;
  readonly count: number;
  /** One for each watch, in turn. */
  readonly topics: readonly string[];
  readonly idc: string;
}

/** Connections that are made at one time: a listener's queue has an end. */
export const openingMax = 200;
export const chosenOf = /"decision":\{"idc":"([^"]*)"/;
const whole = "}\n\n";

interface Watch {
  readonly socket: Socket;
  text: string;
  isTold: boolean;
}

export async function openWatches({ address, count, topics, idc }: WatchesOptions): Promise<Watches> {
  const all: Watch[] = [];
  let chosen = "";
  let at: number[] = [];
  let wrong = 0;
  let left = 0;
  let told = Promise.withResolvers<void>();

  function onText(watch: Watch): void {
    const [, to] = watch.text.includes(whole) ? (chosenOf.exec(watch.text) ?? []) : [];
    if (to === undefined || watch.isTold) return;
    watch.isTold = true;
    watch.text = "";
    at.push(now());
    if (chosen !== "" && to !== chosen) wrong += 1;
    left -= 1;
    if (left === 0) told.resolve();
  }

  async function open(topic: string): Promise<Watch> {
    const watch: Watch = { socket: await dial(address), text: "", isTold: false };
    watch.socket.on("data", (text: string) => {
      watch.text += text;
      onText(watch);
    });
    watch.socket.on("close", () => told.reject(new Error(`the server ended a watch: ${watch.text.slice(0, 200)}`)));
    watch.socket.write(`GET /v1/watch?topics=${topic}&idc=${idc} HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
    return watch;
  }

  // Each begins with the route as it is.
  left = count;
  for (let from = 0; from < count; from += openingMax) {
    const places = Array.from({ length: Math.min(openingMax, count - from) }, (_, nth) => from + nth);
    all.push(...(await Promise.all(places.map((place) => open(topics[place % topics.length] ?? "")))));
  }
  await told.promise;
  return {
    async next(wanted) {
      [chosen, at, wrong, left] = [wanted, [], 0, count];
      for (const watch of all) {
        watch.isTold = false;
        watch.text = "";
      }
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

/** A connection whose end says why: "close" is all that its owner listens to. */
export async function dial(address: string): Promise<Socket> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.setEncoding("latin1");
  return socket;
}

export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
