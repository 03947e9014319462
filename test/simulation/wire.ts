import type { LinkEvent } from "../../replicator/core/link-events.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/**
 * One session to one ensemble: requests arrive and are answered in order, and watch events travel in the same stream as the
 * answers. A cut loses every answer and event under way; of the requests under way some first ones may still be carried out.
 */
export interface Wire {
  readonly up: boolean;
  /** `execute` runs at the server when the request arrives; what it returns is the answer. */
  request(execute: () => LinkEvent): void;
  /** Sent by the server of its own accord. */
  push(event: LinkEvent): void;
  /** `lateMs`: when the requests that still get through are carried out. */
  cut(lateMs: number): void;
  open(): void;
}

const delayMaxMs = 15;

export function createWire(parts: { timeline: Timeline; random: Random; deliver: (event: LinkEvent) => void }): Wire {
  const { timeline, random, deliver } = parts;
  let up = false;
  /** Rises with each cut: what was planned before no longer happens. */
  let connection = 0;
  let underWay: (() => LinkEvent)[] = [];
  const lastAt = { out: 0, back: 0 };

  const travel = (way: "out" | "back", arrive: () => void): void => {
    const at = Math.max(lastAt[way], timeline.now + random.int(0, delayMaxMs));
    lastAt[way] = at;
    const sentOn = connection;
    timeline.after(at - timeline.now, () => {
      if (sentOn === connection) arrive();
    });
  };
  const push = (event: LinkEvent): void => {
    if (up) travel("back", () => deliver(event));
  };

  return {
    get up() {
      return up;
    },
    request(execute) {
      if (!up) return;
      underWay.push(execute);
      travel("out", () => {
        underWay.shift();
        push(execute());
      });
    },
    push,
    cut(lateMs) {
      const late = underWay.slice(0, random.int(0, underWay.length));
      underWay = [];
      connection += 1;
      up = false;
      if (late.length > 0) timeline.after(lateMs, () => void late.map((execute) => execute()));
    },
    open() {
      up = true;
    },
  };
}
