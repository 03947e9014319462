import type { ExecCluster } from "#config/arbiter-exec.ts";
import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import type { Context } from "../../core/context.ts";
import type { Event } from "../../core/events.ts";
import { leaderOf } from "../../core/leader.ts";
import { type BrokerId, setName } from "../../core/model.ts";
import { type MemberSeen, wishesOf } from "../../core/scripted-wishes.ts";
import { askMsMax } from "../../core/timing.ts";
import type { ExecPort } from "../exec.ts";

/** Asks every member again and again, and tells the core what a broker would tell it: that it is there, and what it wishes. */

export interface WatchDeps {
  readonly cluster: ExecCluster;
  readonly port: Pick<ExecPort, "read">;
  readonly probeTimeoutMs: number;
  readonly push: (event: Event) => void;
  readonly context: () => Context;
  readonly clock: Clock;
  readonly log: Logger;
}

type SetConfig = ExecCluster["sets"][number];

/**
 * What was wished is wished again after so long, if the record is still another one: as a broker asks again, that is not before the
 * first wish was answered or refused. One that came after its decision would be taken for a restart of the new master.
 */
const wishAgainMs = askMsMax + 300;
/** A member that was not read for longer is not there. */
const missedMax = 3;
/** As a broker says that has none set. */
const usualPriority = 2_147_483_647;

/** The controller door counts its connections and questions upwards. */
let lastNumber = 0;
function nextNumber(): number {
  lastNumber -= 1;
  return lastNumber;
}

/** Until the signal is aborted. */
export async function watchMembers(deps: WatchDeps, signal: AbortSignal): Promise<void> {
  await Promise.all(deps.cluster.sets.map((set) => watchSet(deps, set, signal)));
}

async function watchSet(deps: WatchDeps, set: SetConfig, signal: AbortSignal): Promise<void> {
  const { cluster, clock, push, context } = deps;
  const seen = new Map<BrokerId, MemberSeen>();
  const connections = new Map<BrokerId, number>();
  const wished = new Map<string, Instant>();
  let completeSince: Instant | null = null;

  const consider = (): void => {
    const now = clock.now();
    const oldest = now - missedMax * cluster.probeEveryMs;
    const isComplete = set.members.every(({ id }) => (seen.get(id)?.at ?? Number.NEGATIVE_INFINITY) >= oldest);
    completeSince = isComplete ? (completeSince ?? now) : null;
    const of = context();
    if (leaderOf(of) !== of.options.site || !of.mirror.loaded) return;
    const record = of.mirror.sets.get(setName(cluster.name, set.name))?.record?.value ?? null;
    const facts = { cluster: cluster.name, set: set.name, record, members: set.members, seen, completeSince, now };
    for (const { by, request } of wishesOf(facts)) {
      const key = JSON.stringify(request);
      if (now - (wished.get(key) ?? Number.NEGATIVE_INFINITY) < wishAgainMs) continue;
      for (const [old, at] of wished) if (now - at >= wishAgainMs) wished.delete(old);
      wished.set(key, now);
      push({ kind: "asked", ask: nextNumber(), connection: connections.get(by) ?? nextNumber(), request });
    }
  };

  const close = (id: BrokerId): void => {
    const connection = connections.get(id);
    if (connection === undefined) return;
    connections.delete(id);
    push({ kind: "closed", connection });
  };

  await Promise.all(
    set.members.map(async ({ id, address }) => {
      let instance: string | null = null;
      let isBroken = false;
      for (; !signal.aborted; await clock.sleep(cluster.probeEveryMs, { signal }).catch(() => {})) {
        try {
          const found = await deps.port.read(address, { timeoutMs: deps.probeTimeoutMs, signal });
          isBroken = false;
          if (found.kind === "answered") {
            const { reading, acting, inSync } = found;
            // Another process has lost what the one before had, and is master by no decision.
            if (instance !== null && found.instance !== null && found.instance !== instance) close(id);
            instance = found.instance;
            const before = seen.get(id);
            const times = before?.acting === acting ? before.times + 1 : 1;
            seen.set(id, { at: clock.now(), reading, acting, inSync, times });
            const connection = connections.get(id) ?? nextNumber();
            connections.set(id, connection);
            const { epoch, maxOffset } = reading;
            const of = { cluster: cluster.name, set: set.name, id, address };
            push({ kind: "heartbeat", connection, beat: { ...of, epoch, maxOffset, priority: usualPriority } });
          } else {
            seen.delete(id);
            if (found.kind === "refused") close(id);
          }
        } catch (error) {
          if (signal.aborted) return;
          seen.delete(id);
          const fields = { set: `${cluster.name}/${set.name}`, broker: id, error: messageOf(error) };
          if (!isBroken) deps.log.error(fields, "a member cannot be asked from here");
          isBroken = true;
        }
        consider();
      }
    }),
  );
}
