import { setTimeout as delay } from "node:timers/promises";
import type { Network } from "../network/network.ts";
import type { SiteName } from "../network/sites.ts";
import { createSwitchboard } from "../rocketmq/dial.ts";
import { sendMessage } from "../rocketmq/messages.ts";
import type { Remoting } from "../rocketmq/remoting.ts";
import type { Send } from "./history.ts";
import { createMasterFinder, type MasterFinder } from "./route.ts";

const dialMsMax = 1_000;
/** A broker answers after 3 s at last, with code 12 when its slaves do not follow. */
const patienceMs = 3_500;
/** An answer that comes later than its producer waits is an answer all the same. */
const lateMsMax = 120_000;
/** After a refusal. */
const refusedMs = 20;
/** After a connection that does not come about, or the word that there is no master. */
const nobodyMs = 50;
const lookEveryMs = 25;
const bodyBytes = 200;

export interface ProducerOptions {
  /** Unique among all runs in one topic: ids begin with it. */
  readonly name: string;
  readonly site: SiteName;
  readonly nameServers: readonly string[];
  readonly set: string;
  readonly topic: string;
  /** It sends to each of them, one message after the other. */
  readonly queues: readonly number[];
  /** Between two messages of one queue. */
  readonly everyMs: number;
  readonly pinned: string | undefined;
}

export interface RunningProducer {
  /** Grows, and late answers change it, until it is stopped. */
  readonly sends: readonly Send[];
  /** Resolves when nothing is on its way any more. */
  stop(): Promise<void>;
}

/** Sends as long as it is not stopped, each message once, and writes down what became of it. */
export function startProducer(network: Network, options: ProducerOptions): RunningProducer {
  const { name, site, pinned, topic, queues, everyMs } = options;
  const sends: Recorded[] = [];
  const over = new AbortController();
  const switchboard = createSwitchboard(network, site, dialMsMax);
  const finder = pinned === undefined ? createMasterFinder(switchboard, options) : pinnedTo(pinned);

  const lane = async (queue: number): Promise<void> => {
    for (let sent = 0; !over.signal.aborted; ) {
      const startedAt = performance.now();
      const broker = finder.master;
      const connection = broker === undefined ? undefined : await switchboard.to(broker).catch(() => undefined);
      if (broker === undefined || connection === undefined) {
        await delay(nobodyMs);
        await finder.ask();
        continue;
      }
      sent += 1;
      const send = { id: `${name}.${queue}.${sent}`, producer: name, queue, broker, sentAt: performance.now() };
      const recorded: Recorded = { ...send, answeredAt: null, code: null };
      sends.push(recorded);
      const fate = await fateOf(recorded, post(connection, recorded, topic), finder);
      if (fate === "silent") switchboard.leave(broker);
      if (fate === "acked") await delay(Math.max(0, startedAt + everyMs - performance.now()));
      else {
        await delay(refusedMs);
        await finder.ask();
      }
    }
  };
  const done = Promise.all(queues.map(lane));
  return {
    sends,
    async stop() {
      over.abort();
      await done;
      await finder.stop();
      await switchboard[Symbol.asyncDispose]();
    },
  };
}

type Recorded = { -readonly [Key in keyof Send]: Send[Key] };

/** Resolves when the answer has been written down, or none can come any more. */
async function post(connection: Remoting, send: Recorded, topic: string): Promise<void> {
  const message = { topic, queue: send.queue, body: send.id.padEnd(bodyBytes) };
  try {
    const code = await sendMessage(connection, message, lateMsMax);
    send.answeredAt = performance.now();
    send.code = code;
  } catch {
    // No answer: it may be stored or not.
  }
}

type Fate = "acked" | "refused" | "silent" | "moved";

/** Waits for the answer; not for ever, and not when there is another master to send to. */
async function fateOf(send: Send, answered: Promise<void>, finder: MasterFinder): Promise<Fate> {
  const settled = answered.then(() => true);
  while (!(await Promise.race([settled, delay(lookEveryMs, false)]))) {
    if (performance.now() - send.sentAt > patienceMs) return "silent";
    if (finder.master !== undefined && finder.master !== send.broker) return "moved";
  }
  return send.code === 0 ? "acked" : "refused";
}

function pinnedTo(master: string): MasterFinder {
  return { master, ask: async () => {}, stop: async () => {} };
}
