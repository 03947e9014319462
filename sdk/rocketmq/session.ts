import { Duplex } from "node:stream";
import type { BaseClient } from "rocketmq-client-nodejs";
import { untilAborted } from "../io/abort.ts";

/** What is needed of a client of the library. */
export type Client = Pick<BaseClient, "startup" | "shutdown" | "createTelemetryStream" | "getRpcClientManager">;

export interface Session<T> {
  readonly client: T;
  /** Never rejects. */
  end(): Promise<void>;
}

type TelemetryStream = ReturnType<Client["createTelemetryStream"]>;

/**
 * Starts it. Left to itself the library gives up its timers, streams and connections only while the proxy answers, opens streams anew after
 * that, and goes on with a start that nobody waits for: a process that has left a lost cluster would never end.
 * @throws when it is not there in time; then nothing of it is left
 */
export async function openSession<T extends Client>(
  client: T,
  { openMsMax, closeMsMax }: { readonly openMsMax: number; readonly closeMsMax: number },
): Promise<Session<T>> {
  const end = letGo(client, closeMsMax);
  const starting = client.startup();
  try {
    await untilAborted(starting, AbortSignal.timeout(openMsMax));
    return { client, end };
  } catch (error) {
    await end();
    // A start that was under way ends now, and may have connected meanwhile.
    starting.catch(() => {}).finally(end);
    throw error;
  }
}

/** How it ends for good, from now on. */
function letGo(client: Client, closeMsMax: number): () => Promise<void> {
  const proxies = client.getRpcClientManager();
  const queryRoute = proxies.queryRoute.bind(proxies);
  const sayGoodbye = proxies.notifyClientTermination.bind(proxies);
  const openStream = client.createTelemetryStream.bind(client);
  let isEnded = false;

  proxies.queryRoute = async (...call) => {
    if (isEnded) throw new Error("the client has ended");
    const route = await queryRoute(...call);
    if (isEnded) throw new Error("the client has ended");
    return route;
  };
  // Rejected, it would keep shutdown() from everything after it. Nobody reads what it gives.
  proxies.notifyClientTermination = (...call) => sayGoodbye(...call).catch(() => undefined as never);
  client.createTelemetryStream = (endpoints) => {
    if (isEnded) return silentStream();
    const stream = openStream(endpoints);
    const removeAll = stream.removeAllListeners.bind(stream);
    // An error that nobody listens to ends the process.
    stream.removeAllListeners = (name) => removeAll(name).on("error", () => {});
    return stream;
  };

  return async () => {
    isEnded = true;
    await untilAborted(client.shutdown(), AbortSignal.timeout(closeMsMax)).catch(() => {});
  };
}

/** Takes everything and says nothing. */
function silentStream(): TelemetryStream {
  const stream = new Duplex({ objectMode: true, read() {}, write: (_command, _encoding, done) => done() });
  return stream as unknown as TelemetryStream;
}
