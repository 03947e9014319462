/**
 * The limit: read both trees with multiRead, write what differs with multi, and nothing else. No watch, no rules, no fence, no
 * brake, no checkpoint, no second look. Usage: bare-loop.ts SOURCE TARGET
 */
import type { NodeData, ReadRequest, WriteOp, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { open, root, writeAll } from "../tree.ts";

const [sourceAddress = "", targetAddress = ""] = process.argv.slice(2);
const signal = AbortSignal.timeout(600_000);
const openAcl = [{ perms: 31, scheme: "world", id: "anyone" }] as const;

async function readTree(zookeeper: ZooKeeper): Promise<Map<string, { data: NodeData; version: number }>> {
  const nodes = new Map<string, { data: NodeData; version: number }>();
  let requests: ReadRequest[] = [{ kind: "data", path: root }];
  while (requests.length > 0) {
    const next: ReadRequest[] = [];
    const parts: ReadRequest[][] = [];
    for (let from = 0; from < requests.length; from += 200) parts.push(requests.slice(from, from + 200));
    for (let from = 0; from < parts.length; from += 4) {
      await Promise.all(
        parts.slice(from, from + 4).map(async (part) => {
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

await using source = open(sourceAddress, signal);
await using target = open(targetAddress, signal);
await Promise.all([source.connected({ signal }), target.connected({ signal })]);
const [wanted, found] = await Promise.all([readTree(source), readTree(target)]);
const ops: WriteOp[] = [];
for (const [path, { data }] of wanted) {
  const there = found.get(path);
  if (there === undefined) ops.push({ kind: "create", path, data, acl: openAcl });
  else if (Buffer.compare(data ?? Buffer.alloc(0), there.data ?? Buffer.alloc(0)) !== 0)
    ops.push({ kind: "set", path, data, version: there.version });
}
await writeAll(target, ops, signal);
