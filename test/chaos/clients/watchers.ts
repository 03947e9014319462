import { setTimeout as delay } from "node:timers/promises";
import type { Stage } from "../../world/failover/stage.ts";
import type { SiteName } from "../../world/network/sites.ts";
import { createSwitchboard } from "../../world/rocketmq/dial.ts";
import { parseBody } from "../../world/rocketmq/remoting.ts";
import { askSetStatus } from "../../world/rocketmq/status.ts";
import type { Histories } from "../history.ts";

const recordEveryMs = 50;
const routeEveryMs = 200;
const answerMsMax = 400;
const routeCode = 105;

/** Somebody who shows a route: a name server, or a router's door. */
export interface RouteSource {
  readonly name: string;
  readonly site: SiteName;
  readonly address: string;
}

/**
 * Looks all the time at what each decider has on record, and writes down every answer, with the time of the question; and at the
 * route that each source shows, as seen from its own site, and writes down each change.
 */
export function startWatchers(
  { world, deciders, set, topic }: Stage,
  sources: readonly RouteSource[],
  histories: Histories,
): AsyncDisposable {
  const over = new AbortController();
  const switchboards = (["idc1", "idc2", "witness", "clients"] as const).map(
    (site) => [site, createSwitchboard(world.network, site, answerMsMax)] as const,
  );
  const boardAt = new Map(switchboards);

  const watch = async (
    site: SiteName,
    address: string,
    everyMs: number,
    look: (board: NonNullable<ReturnType<typeof boardAt.get>>) => Promise<void>,
  ): Promise<void> => {
    const board = boardAt.get(site);
    if (board === undefined) return;
    while (!over.signal.aborted) {
      try {
        await look(board);
      } catch {
        // It is gone, cut off, or frozen: nothing is seen.
        board.leave(address);
      }
      await delay(everyMs);
    }
  };

  const watchRecord = (by: string, address: string): Promise<void> =>
    watch("clients", address, recordEveryMs, async (board) => {
      const at = histories.now();
      const status = await askSetStatus(await board.to(address), set, answerMsMax);
      if (status === undefined) return;
      const inSync = status.inSync.map((one) => one.address).toSorted();
      histories.addAt("record", at, {
        e: "master",
        by,
        epoch: status.masterEpoch,
        broker: status.masterAddress,
        inSync,
      });
    });

  const watchRoute = ({ name, site, address }: RouteSource): Promise<void> => {
    let last = "";
    return watch(site, address, routeEveryMs, async (board) => {
      const source = await board.to(address);
      const fields = { topic, acceptStandardJsonOnly: true };
      const answer = await source.ask({ code: routeCode, fields }, answerMsMax);
      const brokers = answer.code === 0 ? brokersIn(answer.body, set) : {};
      const seen = { code: answer.code, master: brokers["0"] ?? null, brokers: Object.values(brokers).toSorted() };
      if (JSON.stringify(seen) === last) return;
      last = JSON.stringify(seen);
      histories.add("routes", { e: "route", by: name, ...seen });
    });
  };

  const done = Promise.all([
    ...deciders.map(({ name, address }) => watchRecord(name, address)),
    ...sources.map(watchRoute),
  ]);
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
      for (const [, board] of switchboards) await board[Symbol.asyncDispose]();
    },
  };
}

interface Route {
  readonly brokerDatas?: readonly {
    readonly brokerName: string;
    readonly brokerAddrs: Readonly<Record<string, string>>;
  }[];
}

function brokersIn(body: Buffer, set: string): Readonly<Record<string, string>> {
  const { brokerDatas = [] } = parseBody(body) as Route;
  return brokerDatas.find(({ brokerName }) => brokerName === set)?.brokerAddrs ?? {};
}
