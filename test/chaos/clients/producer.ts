import { setTimeout as delay } from "node:timers/promises";
import { createMasterFinder, type MasterFinder } from "../../world/load/route.ts";
import type { Network } from "../../world/network/network.ts";
import type { SiteName } from "../../world/network/sites.ts";
import { createSwitchboard } from "../../world/rocketmq/dial.ts";
import { sendMessage } from "../../world/rocketmq/messages.ts";
import type { Histories } from "../history.ts";

const dialMsMax = 1_000;
/** A stock broker answers after 3 s at last, with a refusal, when its slaves do not follow. */
const patienceMs = 3_500;
/** An answer that comes later than its producer waits counts all the same. */
const lateMsMax = 60_000;
/** After a refusal, or when there is nobody to send to. */
const againMs = 50;
const lookEveryMs = 25;
/** How often a client asks for the route; nothing that fails makes it ask sooner. */
export const pollMs = 1_000;
const bodyBytes = 200;

export interface ProducerOptions {
  /** Ids of messages begin with it. */
  readonly name: string;
  readonly site: SiteName;
  readonly nameServers: readonly string[];
  readonly set: string;
  readonly topic: string;
  readonly queues: number;
  readonly everyMs: number;
  /** It sends to this broker, whatever the route says: who else acknowledges? */
  readonly pinned?: string;
}

export interface Producer {
  /** Messages that were acknowledged so far. */
  readonly acked: number;
  /** Sends no more; resolves when what is on its way was answered, or nobody waits for it any longer. */
  stop(): Promise<void>;
}

/** Sends one message after the other, each once, to the queues in turn, and writes down what became of each. */
export function startProducer(network: Network, histories: Histories, options: ProducerOptions): Producer {
  const { name, site, topic, queues, everyMs, pinned } = options;
  const over = new AbortController();
  const switchboard = createSwitchboard(network, site, dialMsMax);
  const finder =
    pinned === undefined ? createMasterFinder(switchboard, { ...options, everyMs: pollMs }) : alwaysAt(pinned);
  const onTheWay = new Set<Promise<unknown>>();
  let acked = 0;

  const post = async (id: string, queue: number, broker: string): Promise<number | null> => {
    const connection = await switchboard.to(broker);
    histories.add("producers", { e: "send", id, q: queue, b: broker, p: name });
    try {
      const code = await sendMessage(connection, { topic, queue, body: id.padEnd(bodyBytes) }, lateMsMax);
      histories.add("producers", { e: "answer", id, code });
      if (code === 0) acked += 1;
      return code;
    } catch {
      // No answer: it may be stored or not.
      return null;
    }
  };
  const run = async (): Promise<void> => {
    for (let sent = 0; !over.signal.aborted; ) {
      const startedAt = performance.now();
      const broker = finder.master;
      if (broker === undefined) {
        await delay(againMs);
        continue;
      }
      sent += 1;
      const posted = post(`${name}.${sent}`, sent % queues, broker).catch(() => null);
      onTheWay.add(posted);
      void posted.then(() => onTheWay.delete(posted));
      const code = await answerOf(posted, broker, finder);
      if (code === "silent") switchboard.leave(broker);
      await delay(code === 0 ? Math.max(0, startedAt + everyMs - performance.now()) : Math.max(againMs, everyMs));
    }
  };
  const done = run();
  return {
    get acked() {
      return acked;
    },
    async stop() {
      over.abort();
      await done;
      await Promise.race([Promise.all(onTheWay), delay(patienceMs)]);
      await finder.stop();
      await switchboard[Symbol.asyncDispose]();
    },
  };
}

/** Waits for the answer; not for ever, and not when the route shows another master. */
async function answerOf(
  posted: Promise<number | null>,
  broker: string,
  finder: Pick<MasterFinder, "master">,
): Promise<number | null | "silent" | "moved"> {
  const startedAt = performance.now();
  for (;;) {
    const code = await Promise.race([posted, delay(lookEveryMs, "waiting" as const)]);
    if (code !== "waiting") return code;
    if (performance.now() - startedAt > patienceMs) return "silent";
    if (finder.master !== undefined && finder.master !== broker) return "moved";
  }
}

function alwaysAt(master: string): Pick<MasterFinder, "master" | "stop"> {
  return { master, stop: async () => {} };
}
