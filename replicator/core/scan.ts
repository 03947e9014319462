import type { ReadRequest, ReadResult } from "#lib/zookeeper/zookeeper.ts";
import { createReadSize } from "./read-size.ts";

/**
 * Walks a tree breadth first through multiReads whose answers may come back in any order. Children are asked for only where
 * the node's Stat says that there are some.
 */
export interface Scan {
  /** The next requests to send; empty when nothing is to be asked right now. */
  take(): readonly ReadRequest[];
  /** Takes in the answers of one `take`, and hands each node that was read to `visit`. */
  feed(requests: readonly ReadRequest[], results: readonly ReadResult[]): void;
  /** All asked, all answered. */
  readonly done: boolean;
  readonly nodes: number;
}

export interface ScanOptions {
  readonly roots: readonly string[];
  /** Whether to read this path at all. Not asked for the roots. */
  readonly wanted: (path: string) => boolean;
  /** Whether anything below this path could be wanted. */
  readonly descend: (path: string) => boolean;
  /** Called for each path read: `data`, or `error` with the server's code. A path may be visited twice: its data, then an error of its children. */
  readonly visit: (path: string, result: ReadResult & { kind: "data" | "error" }) => void;
  readonly requestsPerRead: number;
  readonly replyBytesAim: number;
}

export function createScan(options: ScanOptions): Scan {
  const { wanted, descend, visit } = options;
  let queue: ReadRequest[] = options.roots.map((path) => ({ kind: "data", path }));
  let head = 0;
  /** Children that were listed and not looked at yet: a node may have more of them than one step should take. */
  let lists: { readonly prefix: string; readonly names: readonly string[]; next: number }[] = [];
  let firstList = 0;
  let answersAwaited = 0;
  let nodes = 0;
  const size = createReadSize(options);

  /** How many requests wait: so many, if there is enough to ask. */
  const fill = (count: number): number => {
    for (let list = lists[firstList]; list !== undefined && queue.length - head < count; list = lists[firstList]) {
      const name = list.names[list.next];
      list.next += 1;
      if (name === undefined) firstList += 1;
      else if (wanted(list.prefix + name)) queue.push({ kind: "data", path: list.prefix + name });
    }
    if (firstList > 1_000 && firstList * 2 > lists.length) {
      lists = lists.slice(firstList);
      firstList = 0;
    }
    return Math.min(count, queue.length - head);
  };

  return {
    get done() {
      return answersAwaited === 0 && fill(1) === 0;
    },
    get nodes() {
      return nodes;
    },
    take() {
      const requests = queue.slice(head, head + fill(size.next));
      head += requests.length;
      if (head > 10_000 && head * 2 > queue.length) {
        queue = queue.slice(head);
        head = 0;
      }
      answersAwaited += requests.length;
      return requests;
    },
    feed(requests, results) {
      answersAwaited -= requests.length;
      size.answered(results);
      for (let index = 0; index < requests.length; index++) {
        const request = requests[index];
        const result = results[index];
        if (request === undefined || result === undefined) continue;
        switch (result.kind) {
          case "error":
            visit(request.path, result);
            break;
          case "data":
            nodes += 1;
            if (result.stat.numChildren > 0 && descend(request.path))
              queue.push({ kind: "children", path: request.path });
            visit(request.path, result);
            break;
          case "children":
            lists.push({ prefix: request.path === "/" ? "/" : `${request.path}/`, names: result.children, next: 0 });
            break;
        }
      }
    },
  };
}
