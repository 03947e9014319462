import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./ports.ts";

/** Bytes waiting for their delay to pass, for each direction of a connection; past it the sender is held back. */
const delayedBytesMax = 16 * 1024 * 1024;

type Direction = "toTarget" | "toClient" | "both";

/** A line between a client and a server that can break in the ways a WAN does. */
export interface Proxy extends AsyncDisposable {
  /** "127.0.0.1:port": what the client is to connect to. */
  readonly address: string;
  /** Client connections that are open now. */
  readonly connections: number;
  /** Client connections accepted so far. */
  readonly accepted: number;
  /** Ends all connections and refuses new ones, until heal(). */
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** Ends all connections and accepts new ones. */
  dropConnections(): void;
  /**
   * Half open: connections stay, new ones are accepted, no byte passes, until thaw(). Bytes sent meanwhile arrive then.
   * Also one way only.
   */
  freeze(direction?: Direction): void;
  thaw(): void;
  /** Delay of every byte from now on, each way: half the round trip that it adds. */
  setDelay(delayMs: number): void;
}

/** Starts a TCP proxy on loopback. @param options.target "host:port"; may change hands, it is looked up at each connection */
export async function startProxy(options: { target: string; delayMs?: number }): Promise<Proxy> {
  const target = parseAddress(options.target);
  const port = await freePort();
  const state: LineState = { delayMs: options.delayMs ?? 0, frozen: undefined };
  const links = new Set<Link>();
  let accepted = 0;

  const accept = (client: Socket) => {
    accepted += 1;
    const link = createLink(client, connect({ ...target, allowHalfOpen: true, noDelay: true }), state, () =>
      links.delete(link),
    );
    links.add(link);
  };
  const dropConnections = () => {
    for (const link of [...links]) link.destroy();
  };
  let server: Server | undefined = await listen(port, accept);

  const self: Proxy = {
    address: `127.0.0.1:${port}`,
    get connections() {
      return links.size;
    },
    get accepted() {
      return accepted;
    },
    async cut() {
      const closing = server;
      server = undefined;
      if (closing !== undefined) {
        const closed = once(closing, "close");
        closing.close();
        dropConnections();
        await closed;
      }
    },
    async heal() {
      server ??= await listen(port, accept);
    },
    dropConnections,
    freeze(direction = "both") {
      state.frozen = direction;
      for (const link of links) link.changed();
    },
    thaw() {
      state.frozen = undefined;
      for (const link of links) link.changed();
    },
    setDelay(delayMs) {
      state.delayMs = delayMs;
    },
    [Symbol.asyncDispose]: () => self.cut(),
  };
  return self;
}

interface LineState {
  delayMs: number;
  frozen: Direction | undefined;
}

interface Link {
  /** The line froze or thawed. */
  changed(): void;
  destroy(): void;
}

function createLink(client: Socket, server: Socket, state: LineState, onGone: () => void): Link {
  const pipes = [pipe(client, server, "toTarget", state), pipe(server, client, "toClient", state)];
  const destroy = () => {
    client.destroy();
    server.destroy();
    for (const one of pipes) one.stop();
    onGone();
  };
  for (const socket of [client, server]) {
    socket.on("error", destroy);
    socket.on("close", (hadError) => {
      // After a clean end of one side the other may still have bytes on their way.
      if (hadError || (client.destroyed && server.destroyed)) destroy();
    });
  }
  return {
    changed() {
      for (const one of pipes) one.changed();
    },
    destroy,
  };
}

/** One direction of a link: every chunk, and the end of the stream, is passed on in order once its delay is over. */
function pipe(from: Socket, to: Socket, direction: Exclude<Direction, "both">, state: LineState) {
  const waiting: { readonly dueAt: number; readonly chunk: Buffer | "end" }[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const frozen = () => state.frozen === "both" || state.frozen === direction;
  const deliver = () => {
    clearTimeout(timer);
    for (let next = waiting[0]; next !== undefined && !frozen() && !to.destroyed; next = waiting[0]) {
      const waitMs = next.dueAt - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(deliver, waitMs);
        break;
      }
      waiting.shift();
      if (next.chunk === "end") {
        to.end();
      } else {
        waitingBytes -= next.chunk.length;
        to.write(next.chunk);
      }
    }
    const full = frozen() || waitingBytes > delayedBytesMax || to.writableNeedDrain;
    if (full) from.pause();
    else if (from.isPaused()) from.resume();
  };
  const add = (chunk: Buffer | "end") => {
    // Never before the chunk in front of it, also when the delay became shorter meanwhile.
    const dueAt = Math.max(performance.now() + state.delayMs, waiting.at(-1)?.dueAt ?? 0);
    waiting.push({ dueAt, chunk });
    if (chunk !== "end") waitingBytes += chunk.length;
    deliver();
  };

  from.on("data", (chunk: Buffer) => add(chunk));
  from.on("end", () => add("end"));
  to.on("drain", deliver);
  deliver();
  return { changed: deliver, stop: () => clearTimeout(timer) };
}

async function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function parseAddress(address: string): { host: string; port: number } {
  const separator = address.lastIndexOf(":");
  return { host: address.slice(0, separator), port: Number(address.slice(separator + 1)) };
}
