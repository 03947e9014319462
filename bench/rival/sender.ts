import { setTimeout as delay } from "node:timers/promises";
import type { Network } from "../../test/world/network/network.ts";
import type { SiteName } from "../../test/world/network/sites.ts";
import { sendMessage } from "../../test/world/rocketmq/messages.ts";
import { createRemoting, type Remoting } from "../../test/world/rocketmq/remoting.ts";

const answerMsMax = 4_000;
const pauseMs = 25;
const redialMs = 200;
const bodyBytes = 200;

/** A message that a broker has promised to keep. */
interface Acked {
  readonly id: string;
  readonly atMs: number;
}

/** Sends to one broker all the time, master or not, so as to see each broker as it is. */
export interface Sender {
  readonly site: SiteName;
  readonly broker: string;
  readonly acked: readonly Acked[];
  stop(): Promise<void>;
}

let senders = 0;

export function startSender(
  network: Network,
  to: { site: SiteName; broker: string; topic: string; queues: number },
): Sender {
  const { site, broker, topic, queues } = to;
  senders += 1;
  const name = senders;
  const acked: Acked[] = [];
  const over = new AbortController();

  const run = async (): Promise<void> => {
    for (let connection: Remoting | undefined, sent = 0; !over.signal.aborted; ) {
      try {
        connection ??= createRemoting(await network.dial(site, broker));
        sent += 1;
        const id = `${name}-${sent}`;
        const message = { topic, queue: sent % queues, body: id.padEnd(bodyBytes) };
        if ((await sendMessage(connection, message, answerMsMax)) === 0) acked.push({ id, atMs: performance.now() });
        await delay(pauseMs);
      } catch {
        // Refused, cut off, or silent: that is what is measured.
        await connection?.[Symbol.asyncDispose]();
        connection = undefined;
        await delay(redialMs);
      }
    }
  };
  const done = run();
  return {
    site,
    broker,
    acked,
    async stop() {
      over.abort();
      await done;
    },
  };
}
