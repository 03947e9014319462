/**
 * Reads both trees with multiRead, writes what differs with multi, and nothing else. No rules, no fence, no brake, no
 * checkpoint, no second look. With --follow: from then on what a recursive watch names is read and set.
 * Usage: bare-loop.main.ts SOURCE TARGET [--follow]
 */
import type { NodeData, ReadRequest, WriteOp, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { open, root, writeAll } from "../tree.ts";

const [sourceAddress = "", targetAddress = "", follow] = process.argv.slice(2);
const signal = new AbortController().signal;
const openAcl = [{ perms: 31, scheme: "world", id: "anyone" }] as const;
const requestsPerRead = 200;
const inFlightMax = 4;

async function readTree(zookeeper: ZooKeeper): Promise<Map<string, { data: NodeData; version: number }>> {
  const nodes = new Map<string, { data: NodeData; version: number }>();
  let requests: ReadRequest[] = [{ kind: "data", path: root }];
  while (requests.length > 0) {
    const next: ReadRequest[] = [];
    const parts: ReadRequest[][] = [];
    for (let from = 0; from < requests.length; from += requestsPerRead)
      parts.push(requests.slice(from, from + requestsPerRead));
    for (let from = 0; from < parts.length; from += inFlightMax) {
      await Promise.all(
        parts.slice(from, from + inFlightMax).map(async (part) => {
          const { results } = await zookeeper.multiRead(part, { signal });
          for (const [at, request] of part.entries()) {
            const result = results[at];
            if (result?.kind === "data") {
              nodes.set(request.path, { data: result.data, version: result.stat.version });
              if (result.stat.numChildren > 0) next.push({ kind: "children", path: request.path });
            } else if (result?.kind === "children") {
              for (const name of result.children) next.push({ kind: "data", path: `${request.path}/${name}` });
            }
          }
        }),
      );
    }
    requests = next;
  }
  return nodes;
}

const changed = new Set<string>();
let atWork = 0;

await using source = open(sourceAddress, signal, ({ kind, path }) => {
  if (kind !== "dataChanged") return;
  changed.add(path);
  carry();
});
await using target = open(targetAddress, signal);
await Promise.all([source.connected({ signal }), target.connected({ signal })]);
if (follow !== undefined) await source.addWatch(root, { recursive: true, signal });
const [wanted, found] = await Promise.all([readTree(source), readTree(target)]);
const ops: WriteOp[] = [];
for (const [path, { data }] of wanted) {
  const there = found.get(path);
  if (there === undefined) ops.push({ kind: "create", path, data, acl: openAcl });
  else if (Buffer.compare(data ?? Buffer.alloc(0), there.data ?? Buffer.alloc(0)) !== 0)
    ops.push({ kind: "set", path, data, version: there.version });
}
await writeAll(target, ops, signal);
wanted.clear();
found.clear();
if (follow !== undefined) await new Promise(() => {});

function carry(): void {
  while (changed.size > 0 && atWork < inFlightMax) {
    const paths = [...changed.values().take(requestsPerRead)];
    for (const path of paths) changed.delete(path);
    atWork += 1;
    carrySome(paths).then(() => {
      atWork -= 1;
      carry();
    }, failed);
  }
}

async function carrySome(paths: readonly string[]): Promise<void> {
  const { results } = await source.multiRead(
    paths.map((path) => ({ kind: "data", path })),
    { signal },
  );
  const sets = results.flatMap((result, at): WriteOp[] =>
    result.kind === "data" ? [{ kind: "set", path: paths[at] ?? "", data: result.data, version: -1 }] : [],
  );
  await writeAll(target, sets, signal);
}

function failed(error: unknown): void {
  process.stderr.write(`${error}\n`);
  process.exit(1);
}
