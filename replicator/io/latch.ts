import type { Clock } from "#lib/clock.ts";
import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { Acl, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { decideLatch } from "../core/latch.ts";
import { type LinkLayout, latchesRoot, ownRoot } from "./layout.ts";
import { childrenOf, createIfAbsent, dataOf } from "./nodes.ts";

/** This process's place among the replicators of one link. core/latch.ts says who leads, ARCHITECTURE.md what a crash does. */
export interface Latch {
  /**
   * Joins if need be, and resolves once this process leads. `kept`: it has led with this very node ever since it last did.
   * Rejects when the session is lost or the signal aborted.
   */
  lead(
    options: { watch: boolean; onWaiting: (leader: string) => void },
    signal: AbortSignal,
  ): Promise<{ readonly kept: boolean }>;
  /** Leaves if anybody else is there. */
  leaveToOthers(signal: AbortSignal): Promise<void>;
  /** A watch event of the latch's folder: who waits looks again at once. */
  changed(): void;
}

export interface LatchOptions {
  readonly layout: LinkLayout;
  readonly target: ZooKeeper;
  readonly ownAcl: readonly Acl[];
  readonly instance: string;
  /** 8 hexadecimal digits that no other process has. */
  readonly member: string;
  readonly clock: Clock;
}

/** How long who waits relies on the watch, and how often he looks where the server has none. */
const lookEveryMs = { watched: 5_000, polled: 1_000 };

export function createLatch(options: LatchOptions): Latch {
  const { layout, target, ownAcl, member, clock } = options;
  /** Name of the node by which this process led last. */
  let ledBy: string | undefined;
  let wake = (): void => {};

  const names = async (signal: AbortSignal) => (await childrenOf(target, layout.latch, signal)) ?? [];
  const join = async (signal: AbortSignal): Promise<void> => {
    for (const path of [ownRoot, latchesRoot, layout.latch]) await createIfAbsent(target, path, ownAcl, signal);
    const data = new TextEncoder().encode(JSON.stringify({ schema: 1, instance: options.instance }));
    await target.create(`${layout.latch}/${member}-`, data, { acl: ownAcl, ephemeral: true, sequential: true, signal });
  };
  /** A node of a session that we gave up goes with that session, so it proves nothing: it is taken away now. */
  const isOfThisSession = async (name: string, signal: AbortSignal): Promise<boolean> => {
    const path = `${layout.latch}/${name}`;
    const stat = await target.exists(path, { signal });
    if (stat === null) return false;
    if (target.state.kind === "connected" && stat.ephemeralOwner === target.state.sessionId) return true;
    await deleteIfThere(path, signal);
    return false;
  };
  const deleteIfThere = async (path: string, signal: AbortSignal): Promise<void> => {
    try {
      await target.delete(path, -1, { signal });
    } catch (error) {
      if (!(error instanceof ZooKeeperError && error.is("noNode"))) throw error;
    }
  };
  const instanceOf = async (name: string, signal: AbortSignal): Promise<string> => {
    const data = await dataOf(target, `${layout.latch}/${name}`, signal);
    try {
      const { instance } = JSON.parse(new TextDecoder().decode(data ?? undefined)) as { instance?: unknown };
      return typeof instance === "string" ? instance : name;
    } catch {
      return name;
    }
  };
  const change = async (ms: number, signal: AbortSignal): Promise<void> => {
    const slept = new AbortController();
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    await Promise.race([woken, clock.sleep(ms, { signal: AbortSignal.any([signal, slept.signal]) })]).finally(() =>
      slept.abort(),
    );
  };

  return {
    async lead({ watch, onWaiting }, signal) {
      let told: string | undefined;
      for (;;) {
        const decision = decideLatch(await names(signal), member);
        if (decision.kind === "join" || !(await isOfThisSession(decision.name, signal))) {
          await join(signal);
          if (watch) await target.addWatch(layout.latch, { recursive: false, signal });
          continue;
        }
        if (decision.kind === "lead") {
          const kept = ledBy === decision.name;
          ledBy = decision.name;
          return { kept };
        }
        const next = change(watch ? lookEveryMs.watched : lookEveryMs.polled, signal);
        // Not awaited yet when one of the requests below fails.
        next.catch(() => {});
        // It may have gone while nobody was woken by it.
        if (!(await names(signal)).includes(decision.leader)) continue;
        if (told !== decision.leader) onWaiting(await instanceOf(decision.leader, signal));
        told = decision.leader;
        await next;
      }
    },
    async leaveToOthers(signal) {
      const present = await names(signal);
      const own = present.filter((name) => name.startsWith(`${member}-`));
      if (present.length === own.length) return;
      for (const name of own) await deleteIfThere(`${layout.latch}/${name}`, signal);
    },
    changed: () => wake(),
  };
}
