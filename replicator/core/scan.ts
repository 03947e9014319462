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
  let answersAwaited = 0;
  let nodes = 0;
  const size = createReadSize(options);

  return {
    get done() {
      return answersAwaited === 0 && head === queue.length;
    },
    get nodes() {
      return nodes;
    },
    take() {
      const requests = queue.slice(head, head + size.next);
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
      for (const [index, request] of requests.entries()) {
        const result = results[index];
        if (result === undefined) continue;
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
          case "children": {
            const prefix = request.path === "/" ? "/" : `${request.path}/`;
            for (const name of result.children) {
              const path = prefix + name;
              if (wanted(path)) queue.push({ kind: "data", path });
            }
            break;
          }
        }
      }
    },
  };
}
