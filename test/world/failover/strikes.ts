import { setTimeout as delay } from "node:timers/promises";
import { getText } from "../http.ts";
import type { SiteName } from "../network/sites.ts";
import type { Server } from "../server.ts";
import type { Stage } from "./stage.ts";

/** What faults are made of. Each of them resolves when it is in force, with what ends it. */

/** @returns what starts them again */
export async function killed(...servers: readonly Server[]): Promise<() => Promise<void>> {
  await Promise.all(servers.map((server) => server.kill()));
  return async () => void (await Promise.all(servers.map((server) => server.restart())));
}

/** All of them are gone for a while, at one time; resolves when all serve again. There is nothing left to end then. */
export async function restarted(servers: readonly Server[], goneMs: number): Promise<() => Promise<void>> {
  const back = await killed(...servers);
  await delay(goneMs);
  await back();
  return async () => {};
}

interface OneWay {
  readonly from: SiteName;
  readonly to: SiteName;
}

export function both(one: SiteName, other: SiteName): OneWay[] {
  return [
    { from: one, to: other },
    { from: other, to: one },
  ];
}

export async function cut({ world }: Stage, ways: readonly OneWay[]): Promise<() => Promise<void>> {
  for (const { from, to } of ways) {
    if (from === to) throw new Error(`the master is in ${from}: there is no line to its own site`);
  }
  const lines = ways.map(({ from, to }) => world.from(from).to(to));
  await Promise.all(lines.map((line) => line.cut()));
  return async () => void (await Promise.all(lines.map((line) => line.heal())));
}

export async function etcdLeaderOf({ world, etcds }: Stage): Promise<Server> {
  for (const member of etcds) {
    const metrics = await getText(world.network, member.site, member.address, "/metrics");
    if (/^etcd_server_is_leader 1$/m.test(metrics)) return member;
  }
  throw new Error("no etcd member leads");
}
