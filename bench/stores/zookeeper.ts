import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { ReadRequest, WriteOp, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import { startZooKeeper } from "../../test/integration/harness/zookeeper.ts";
import { dataOf, fill, nodeOf, open, pathOf, root } from "../tree.ts";
import { generationIn, type Store } from "./store.ts";

/** As a server in production has it: both compilers, the usual collector, and room for the tree. */
const jvmArgs = ["-Xms1g", "-Xmx4g", "-XX:-UseSerialGC", "-XX:+UseG1GC", "-XX:TieredStopAtLevel=4"];
const requestsPerRead = 500;

export async function startZooKeeperStore(signal: AbortSignal): Promise<Store> {
  const server = await startZooKeeper({ version: "3.8", jvmArgs, signal });
  let onChange: (node: number) => void = () => {};
  const client = open(server.address, signal, ({ kind, path }) => {
    const node = nodeOf(path);
    if (kind === "dataChanged" && node !== undefined) onChange(node);
  });
  await client.connected({ signal });
  return {
    address: server.address,
    fill: (nodes) => fill(client, nodes, signal),
    async write(nodes, generation) {
      const ops = nodes.map((node): WriteOp => {
        return { kind: "set", path: pathOf(node), data: dataOf(node, generation), version: -1 };
      });
      const outcome = await client.multi(ops, { signal });
      if (outcome.kind === "refused") throw new Error(`Cannot write node ${nodes[outcome.failedAt]}: ${outcome.code}`);
    },
    async position() {
      await client.sync("/", { signal });
      await client.exists("/", { signal });
      return client.lastZxid;
    },
    writtenSince: (position) => countWritten(client, position, signal),
    async generationOf(node) {
      try {
        return generationIn((await client.getData(pathOf(node), { signal })).data);
      } catch (error) {
        if (error instanceof ZooKeeperError && error.is("noNode")) return undefined;
        throw error;
      }
    },
    async watch(tell) {
      onChange = tell;
      await client.addWatch(root, { recursive: true, signal });
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Nodes whose data or children were written after `position`. */
async function countWritten(client: ZooKeeper, position: bigint, signal: AbortSignal): Promise<number> {
  let written = 0;
  let level: ReadRequest[] = [{ kind: "data", path: root }];
  while (level.length > 0) {
    const next: ReadRequest[] = [];
    for (let from = 0; from < level.length; from += requestsPerRead) {
      const requests = level.slice(from, from + requestsPerRead);
      const { results } = await client.multiRead(requests, { signal });
      for (const [at, { path }] of requests.entries()) {
        const result = results[at];
        if (result?.kind === "data") {
          if (result.stat.mzxid > position) written += 1;
          if (result.stat.numChildren > 0) next.push({ kind: "children", path });
        } else if (result?.kind === "children") {
          for (const name of result.children) next.push({ kind: "data", path: `${path}/${name}` });
        }
      }
    }
    level = next;
  }
  return written;
}
