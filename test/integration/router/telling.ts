import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What many clients over connections of their own have in common, who wait to be told of a change. */

export interface Told {
  /** Moments of the machine's monotonic clock, ms. */
  readonly at: readonly number[];
  /** How many were told of another IDC than the change leads to. */
  readonly wrong: number;
}

export interface TellingOptions {
  /** host:port */
  readonly address: string;
  readonly count: number;
  /** One for each client, in turn. */
  readonly topics: readonly string[];
  readonly idc: string;
}

/** Counts the clients that have been told. It begins with a round whose IDC does not matter: each has its route as it is. */
export interface Telling {
  told(idc: string | undefined): void;
  failed(error: Error): void;
  /** The next round: each is to be told of this IDC. */
  begin(idc: string): void;
  /** Resolves when each has been told in this round. */
  all(): Promise<Told>;
}

/** Connections that are made at one time: a listener's queue has an end. */
const openingMax = 200;
const chosenOf = /"decision":\{"idc":"([^"]*)"/;

export function createTelling(count: number): Telling {
  let wanted: string | undefined;
  let at: number[] = [];
  let wrong = 0;
  let left = count;
  let round = Promise.withResolvers<void>();
  return {
    told(idc) {
      at.push(now());
      if (wanted !== undefined && idc !== wanted) wrong += 1;
      left -= 1;
      if (left === 0) round.resolve();
    },
    failed: (error) => round.reject(error),
    begin(idc) {
      [wanted, at, wrong, left] = [idc, [], 0, count];
      round = Promise.withResolvers();
    },
    async all() {
      await round.promise;
      return { at, wrong };
    },
  };
}

/** The IDC that a route's text names; undefined while it has none yet. */
export function idcIn(text: string): string | undefined {
  return chosenOf.exec(text)?.[1];
}

/** Opens one client for each, with its topic. */
export async function openEach<Client>(
  { count, topics }: TellingOptions,
  open: (topic: string) => Promise<Client>,
): Promise<Client[]> {
  const all: Client[] = [];
  for (let from = 0; from < count; from += openingMax) {
    const places = Array.from({ length: Math.min(openingMax, count - from) }, (_, nth) => from + nth);
    all.push(...(await Promise.all(places.map((place) => open(topics[place % topics.length] ?? "")))));
  }
  return all;
}

/** From here on an end is nobody's fault. */
export function closeEach(clients: readonly { readonly socket: Socket }[]): void {
  for (const { socket } of clients) {
    socket.removeAllListeners("close");
    socket.destroy();
  }
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
