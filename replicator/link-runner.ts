import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { createQueue } from "#lib/queue.ts";
import type { WatchEvent } from "#lib/zookeeper/zookeeper.ts";
import type { Link } from "./core/link.ts";
import type { LinkCommand, LinkEvent, LinkNote, LinkProgress, LinkStatus, Side } from "./core/link-events.ts";
import type { LinkWorld } from "./io/link-world.ts";

/** Watch events queued for the core; beyond it they are dropped for one full compare. */
const eventsQueuedMax = 100_000;
const tickEveryMs = 200;
/** A link that has been at work for so long lets others have their turn: the process has one event loop for all. */
const turnMs = 5;
/** Changes that one step takes. Anything else is a step of its own: the answer of a read takes a millisecond. */
const changesPerStep = 100;
/** Before a link starts over because a command failed on a session that stands: lest it does so in a tight loop. */
const failedWaitMs = 1_000;

/** Feeds one link's core with events and carries out its commands: one loop, one writer. */
export interface LinkRunner {
  push(event: LinkEvent): void;
  watched(event: WatchEvent): void;
  status(): LinkStatus;
  /** Events that the core has not seen yet. */
  readonly queued: number;
  /** When the loop last finished a step, on the monotonic clock. */
  readonly lastStepAt: number;
  /** Runs until the signal is aborted. Rejects only on our own faults. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once `condition` holds after a step. */
  until(condition: (progress: LinkProgress) => boolean, signal: AbortSignal): Promise<LinkProgress>;
}

export function createLinkRunner(parts: {
  link: Link;
  world: LinkWorld;
  clock: Clock;
  onNote: (note: LinkNote) => void;
}): LinkRunner {
  const { link, world, clock, onNote } = parts;
  const queue = createQueue<LinkEvent>(eventsQueuedMax);
  const waiters = new Set<(progress: LinkProgress) => void>();
  /** Answers of one side reach the core in the order in which they were asked for. */
  const order: Record<Side, Promise<void>> = { source: Promise.resolve(), target: Promise.resolve() };
  let lastStepAt: Instant = clock.now();
  let dropped = false;

  const answerInOrder = (side: Side, id: number, answer: Promise<LinkEvent>, signal: AbortSignal): void => {
    order[side] = Promise.allSettled([order[side], answer]).then(([, outcome]) => {
      if (outcome.status === "fulfilled") queue.pushAlways(outcome.value);
      else if (!signal.aborted) void fail(id, outcome.reason, signal);
    });
  };
  /** A lost session is told by the client's state, and the core has forgotten the id by then. Anything else starts over. */
  const fail = async (id: number, reason: unknown, signal: AbortSignal): Promise<void> => {
    try {
      await clock.sleep(failedWaitMs, { signal });
      queue.pushAlways({ kind: "failed", id, detail: messageOf(reason) });
    } catch {
      // Stopped meanwhile: nobody waits for it any more.
    }
  };
  const read = async ({ side, requests, acls }: LinkCommand & { kind: "read" }, signal: AbortSignal) => {
    const nodes = world.read(side, requests, signal);
    if (acls === undefined) return await nodes;
    // Asked for at once: behind the nodes on the same connection.
    const [answer, found] = await Promise.all([nodes, world.readAcls(side, acls, signal)]);
    return { ...answer, acls: found };
  };
  /** Of the lead or the claim that is under way: an earlier one could take the fence from a later one. */
  let claiming = new AbortController();
  const onlyOne = (signal: AbortSignal): AbortSignal => {
    claiming.abort();
    claiming = new AbortController();
    return AbortSignal.any([signal, claiming.signal]);
  };
  /** Answered when this process leads, which may be never: no other answer waits for it. */
  const lead = async (id: number, signal: AbortSignal): Promise<void> => {
    try {
      const outcome = await world.lead((leader) => queue.pushAlways({ kind: "waiting", id, leader }), signal);
      queue.pushAlways(outcome.kind === "leading" ? { ...outcome, id } : { ...outcome, kind: "claimRefused", id });
    } catch (reason) {
      if (!signal.aborted) await fail(id, reason, signal);
    }
  };
  const execute = (command: LinkCommand, signal: AbortSignal): void => {
    switch (command.kind) {
      case "lead":
        void lead(command.id, onlyOne(signal));
        break;
      case "yield":
        // Asked for again as long as it makes sense.
        world.leaveToOthers(signal).catch(() => {});
        break;
      case "claim": {
        const { id } = command;
        answerInOrder(
          "target",
          id,
          world
            .claim(command, onlyOne(signal))
            .then((outcome) =>
              outcome.kind === "claimed" ? { ...outcome, id } : { ...outcome, kind: "claimRefused", id },
            ),
          signal,
        );
        break;
      }
      case "arm":
        answerInOrder(
          "source",
          command.id,
          world.arm(command.roots, signal).then((watch) => ({ kind: "armed", id: command.id, watch })),
          signal,
        );
        break;
      case "read":
        answerInOrder(
          command.side,
          command.id,
          read(command, signal).then((answer) => ({ kind: "read", id: command.id, ...answer })),
          signal,
        );
        break;
      case "write":
        answerInOrder(
          "target",
          command.id,
          world.write(command, signal).then((outcome) => ({ kind: "wrote", id: command.id, outcome })),
          signal,
        );
        break;
      case "writeAcls":
        answerInOrder(
          "target",
          command.id,
          world
            .writeAcls(command.writes, command.checkpoint, signal)
            .then((outcome) => ({ kind: "wroteAcls", id: command.id, outcome })),
          signal,
        );
        break;
      case "note":
        onNote(command.note);
        break;
    }
  };
  const tick = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(tickEveryMs, { signal });
      queue.pushAlways({ kind: "tick" });
    }
  };

  return {
    push: queue.pushAlways,
    watched(event) {
      if (event.kind === "childrenChanged") return;
      if (queue.push({ kind: "changed", path: event.path, change: event.kind })) dropped = false;
      else if (!dropped) {
        dropped = true;
        queue.pushAlways({ kind: "compareAsked" });
      }
    },
    status: link.status,
    get queued() {
      return queue.length;
    },
    get lastStepAt() {
      return lastStepAt;
    },
    async run(signal) {
      const stopTicks = new AbortController();
      const ticks = tick(AbortSignal.any([signal, stopTicks.signal])).catch(() => {});
      try {
        let turnSince: Instant | undefined;
        for await (const first of queue.drain(signal)) {
          const isOverlong = turnSince !== undefined && lastStepAt - turnSince >= turnMs;
          // Changes that come in one turn are read and written together: 1,000 of them a second would be as many multis.
          if (isOverlong || isChange(first)) {
            await nextTurn();
            turnSince = undefined;
          }
          const events = isChange(first) ? [first, ...queue.takeWhile(isChange, changesPerStep - 1)] : [first];
          const now = clock.now();
          turnSince ??= now;
          for (const command of link.step(events, now)) execute(command, signal);
          lastStepAt = clock.now();
          if (queue.length === 0) turnSince = undefined;
          if (waiters.size === 0) continue;
          const progress = link.progress();
          for (const waiter of waiters) waiter(progress);
        }
      } finally {
        stopTicks.abort();
        await ticks;
      }
    },
    until(condition, signal) {
      return new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          waiters.delete(check);
          signal.removeEventListener("abort", onAbort);
          settle();
        };
        const onAbort = (): void => end(() => reject(signal.reason));
        const check = (progress: LinkProgress): void => {
          if (condition(progress)) end(() => resolve(progress));
        };
        if (signal.aborted) return reject(signal.reason);
        signal.addEventListener("abort", onAbort);
        waiters.add(check);
        check(link.progress());
      });
    },
  };
}

function isChange({ kind }: LinkEvent): boolean {
  return kind === "changed";
}
