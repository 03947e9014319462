import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReadRequest, ReadResult, Stat } from "#lib/zookeeper/zookeeper.ts";
import { createScan, type ScanOptions } from "./scan.ts";

const inFlight = 3;

type Tree = ReadonlyMap<string, { readonly data: Uint8Array; readonly children: readonly string[] }>;

const noNode = -101;

function treeOf(paths: readonly string[], bytes = 1): Tree {
  const nodes = new Map<string, { data: Uint8Array; children: string[] }>();
  const add = (path: string): void => {
    if (nodes.has(path)) return;
    nodes.set(path, { data: new Uint8Array(bytes), children: [] });
    const slash = path.lastIndexOf("/");
    if (slash <= 0) return;
    add(path.slice(0, slash));
    nodes.get(path.slice(0, slash))?.children.push(path.slice(slash + 1));
  };
  for (const path of paths) add(path);
  return nodes;
}

function answer(tree: Tree, requests: readonly ReadRequest[]): ReadResult[] {
  return requests.map(({ kind, path }) => {
    const node = tree.get(path);
    if (node === undefined) return { kind: "error", code: noNode };
    if (kind === "children") return { kind, children: node.children };
    return { kind, data: node.data, stat: { ephemeralOwner: 0n, numChildren: node.children.length } as Stat };
  });
}

function scanAll(tree: Tree, options: Partial<ScanOptions>, turn: (waiting: number) => number = () => 0) {
  const visited: string[] = [];
  const asked: (readonly ReadRequest[])[] = [];
  const scan = createScan({
    roots: ["/r"],
    wanted: () => true,
    descend: () => true,
    visit: (path, result) => void visited.push(result.kind === "data" ? path : `${path} ${result.code}`),
    requestsPerRead: 7,
    replyBytesAim: 100_000,
    ...options,
  });
  const waiting: (readonly ReadRequest[])[] = [];
  while (!scan.done) {
    while (waiting.length < inFlight) {
      const requests = scan.take();
      if (requests.length === 0) break;
      waiting.push(requests);
      asked.push(requests);
    }
    const [requests] = waiting.splice(turn(waiting.length), 1);
    if (requests === undefined) throw new Error("the scan is not done, but has nothing to ask and nothing to wait for");
    scan.feed(requests, answer(tree, requests));
  }
  return { visited, asked, nodes: scan.nodes };
}

const segment = fc.constantFrom("a", "b", "c", "skip");
const somePaths = fc.array(
  fc.array(segment, { minLength: 1, maxLength: 4 }).map((names) => `/r/${names.join("/")}`),
  { maxLength: 30 },
);

describe("a scan", () => {
  test("visits each wanted node exactly once, in whatever order the answers come", () => {
    fc.assert(
      fc.property(somePaths, fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat()), (paths, perRead, turns) => {
        const tree = treeOf(["/r", ...paths]);
        const isWanted = (path: string): boolean => !path.includes("skip");
        const { visited, nodes } = scanAll(
          tree,
          { wanted: isWanted, requestsPerRead: perRead },
          (waiting) => (turns.next().value ?? 0) % waiting,
        );
        expect(visited.toSorted()).toEqual([...tree.keys()].filter(isWanted).toSorted());
        expect(nodes).toBe(visited.length);
      }),
    );
  });

  test("asks for nothing twice, and for no children where there are none", () => {
    const tree = treeOf(["/r/a/x", "/r/b"]);
    const asked = scanAll(tree, {}).asked.flat();
    expect(asked.filter(({ kind }) => kind === "children").map(({ path }) => path)).toEqual(["/r", "/r/a"]);
    expect(new Set(asked.map(({ kind, path }) => `${kind} ${path}`)).size).toBe(asked.length);
  });

  test("does not go below where nothing can be wanted", () => {
    const { visited } = scanAll(treeOf(["/r/a/x", "/r/b/y"]), { descend: (path) => path !== "/r/a" });
    expect(visited).toEqual(["/r", "/r/a", "/r/b", "/r/b/y"]);
  });

  test("visits several roots, and says of a missing one that it is", () => {
    const { visited } = scanAll(treeOf(["/r/a"]), { roots: ["/r", "/nowhere"] });
    expect(visited).toEqual(["/r", `/nowhere ${noNode}`, "/r/a"]);
  });

  test("reads a root that is the top of the tree", () => {
    const tree = new Map(treeOf(["/r/a"])).set("/", { data: new Uint8Array(), children: ["r"] });
    expect(scanAll(tree, { roots: ["/"] }).visited).toEqual(["/", "/r", "/r/a"]);
  });

  test("says so when a node vanishes between its parent's answer and its own", () => {
    const { data } = { data: new Uint8Array() };
    const tree: Tree = new Map([["/r", { data, children: ["gone"] }]]);
    expect(scanAll(tree, {}).visited).toEqual(["/r", `/r/gone ${noNode}`]);
  });
});

describe("the size of a read", () => {
  const many = Array.from({ length: 400 }, (_, index) => `/r/n${index}`);

  test("never exceeds requestsPerRead", () => {
    const { asked } = scanAll(treeOf(many), { requestsPerRead: 20 });
    expect(Math.max(...asked.map(({ length }) => length))).toBe(20);
  });

  test("follows the weight of the answers", () => {
    const weigh = (bytes: number): number => {
      const { asked } = scanAll(treeOf(many, bytes), { requestsPerRead: 200, replyBytesAim: 50_000 });
      return asked.at(-2)?.length ?? 0;
    };
    expect(weigh(10_000)).toBeLessThanOrEqual(8);
    expect(weigh(1)).toBeGreaterThanOrEqual(100);
  });

  test("is one request at least, however heavy the nodes are", () => {
    const { asked } = scanAll(treeOf(many.slice(0, 5), 1_000_000), { replyBytesAim: 1_000 });
    expect(asked.every(({ length }) => length >= 1)).toBe(true);
    expect(asked.at(-1)?.length).toBe(1);
  });
});

test("however many children a node has, no more of them are looked at in one go than are asked for", () => {
  const children = Array.from({ length: 50_000 }, (_, index) => `/r/${index}`);
  const tree = treeOf(children);
  let looked = 0;
  const scan = createScan({
    roots: ["/r"],
    wanted: () => {
      looked += 1;
      return true;
    },
    descend: () => true,
    visit() {},
    requestsPerRead: 100,
    replyBytesAim: 1_000_000,
  });
  let most = 0;
  while (!scan.done) {
    const before = looked;
    const requests = scan.take();
    scan.feed(requests, answer(tree, requests));
    most = Math.max(most, looked - before);
  }
  expect([looked, scan.nodes]).toEqual([children.length, children.length + 1]);
  expect(most).toBeLessThanOrEqual(100);
});

test("a scan whose last nodes have no child that is wanted ends", () => {
  const { visited } = scanAll(treeOf(["/r/a", "/r/b/c"]), { wanted: () => false });
  expect(visited).toEqual(["/r"]);
});
