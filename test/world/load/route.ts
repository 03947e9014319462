import { setTimeout as delay } from "node:timers/promises";
import type { Switchboard } from "../rocketmq/dial.ts";
import { parseBody } from "../rocketmq/remoting.ts";

const askEveryMs = 200;
const answerMsMax = 400;
const code = 105;
/** Asked again sooner than this, it is the same answer. */
const askAgainMs = 20;

/** Who is master in the eyes of the name servers, as a client that asks often sees it. */
export interface MasterFinder {
  /** HOST:PORT; undefined: the route shows none, or no name server answers. */
  readonly master: string | undefined;
  /** Asks now. Resolves when it is answered, or nobody answers. */
  ask(): Promise<void>;
  stop(): Promise<void>;
}

/** @param options.nameServers it stays with one until that fails, and goes on to the next then, as clients do */
export function createMasterFinder(
  switchboard: Switchboard,
  options: {
    readonly nameServers: readonly string[];
    readonly topic: string;
    readonly set: string;
    readonly everyMs?: number;
  },
): MasterFinder {
  const { nameServers, topic, set, everyMs = askEveryMs } = options;
  const over = new AbortController();
  let chosen = 0;
  let master: string | undefined;
  let asking: Promise<void> | undefined;
  let askedAt = -Infinity;

  const askOne = async (): Promise<void> => {
    const address = nameServers[chosen % nameServers.length] ?? "";
    try {
      const nameServer = await switchboard.to(address);
      const answer = await nameServer.ask({ code, fields: { topic, acceptStandardJsonOnly: true } }, answerMsMax);
      master = answer.code === 0 ? masterIn(answer.body, set) : undefined;
    } catch {
      switchboard.leave(address);
      chosen += 1;
    }
  };
  const ask = async (): Promise<void> => {
    const sinceMs = performance.now() - askedAt;
    if (asking === undefined && sinceMs < askAgainMs) await delay(askAgainMs - sinceMs);
    asking ??= askOne().finally(() => {
      asking = undefined;
      askedAt = performance.now();
    });
    await asking;
  };
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await ask();
      await delay(everyMs, undefined, { signal: over.signal }).catch(() => {});
    }
  };
  const done = run();
  return {
    get master() {
      return master;
    },
    ask,
    async stop() {
      over.abort();
      await done;
    },
  };
}

interface Route {
  readonly brokerDatas?: readonly { readonly brokerName: string; readonly brokerAddrs: Record<string, string> }[];
}

function masterIn(body: Buffer, set: string): string | undefined {
  const { brokerDatas = [] } = parseBody(body) as Route;
  return brokerDatas.find(({ brokerName }) => brokerName === set)?.brokerAddrs["0"];
}
