import type { Instant } from "#lib/clock.ts";

/** Virtual time: tasks run in the order of their times, those of one time in the order in which they were planned. */
export interface Timeline {
  readonly now: Instant;
  after(ms: number, task: () => void): void;
  /** Runs the next task; false when there is none. */
  runNext(): boolean;
}

interface Planned {
  readonly at: number;
  readonly turn: number;
  readonly task: () => void;
}

export function createTimeline(): Timeline {
  /** A binary heap, the next task first. */
  const heap: Planned[] = [];
  let now = 0;
  let turn = 0;

  const isBefore = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.turn < b.turn);
  const siftUp = (planned: Planned): void => {
    let at = heap.length;
    for (let above = (at - 1) >> 1; at > 0; above = (at - 1) >> 1) {
      const other = heap[above];
      if (other === undefined || !isBefore(planned, other)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = planned;
  };
  const siftDown = (planned: Planned): void => {
    let at = 0;
    for (;;) {
      const left = heap[at * 2 + 1];
      const right = heap[at * 2 + 2];
      const goRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = goRight ? right : left;
      if (child === undefined || !isBefore(child, planned)) break;
      heap[at] = child;
      at = at * 2 + (goRight ? 2 : 1);
    }
    heap[at] = planned;
  };

  return {
    get now() {
      return now as Instant;
    },
    after(ms, task) {
      siftUp({ at: now + ms, turn: ++turn, task });
    },
    runNext() {
      const next = heap[0];
      const last = heap.pop();
      if (next === undefined || last === undefined) return false;
      if (heap.length > 0) siftDown(last);
      now = next.at;
      next.task();
      return true;
    },
  };
}
