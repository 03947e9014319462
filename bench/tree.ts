import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { createZooKeeper } from "#lib/zookeeper/client.ts";
import type { WriteOp, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";

/** The benches' tree: /bench/g-<group>/n-<node>, 1,000 nodes a group, 200 bytes of Java properties each. */
export const root = "/bench";
const nodesPerGroup = 1_000;
const openAcl = [{ perms: 31, scheme: "world", id: "anyone" }] as const;
const opsPerMulti = 100;
const multisInFlight = 4;

export function open(address: string, signal: AbortSignal): ZooKeeper {
  return createZooKeeper({
    servers: [address],
    sessionTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    auth: [],
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    signal,
    onState() {},
    onWatch() {},
  });
}

export function pathOf(node: number): string {
  return `${root}/g-${Math.floor(node / nodesPerGroup)}/n-${node}`;
}

export function dataOf(node: number, generation: number): Uint8Array {
  return Buffer.from(
    `clusterName=rmq-idc1\ntype=topic\nnode=${node}\ngeneration=${generation}\n`.padEnd(199, "#").concat("\n"),
  );
}

export async function fill(zookeeper: ZooKeeper, nodes: number, signal: AbortSignal): Promise<void> {
  const groups = Math.ceil(nodes / nodesPerGroup);
  const ops: WriteOp[] = [{ kind: "create", path: root, data: null, acl: openAcl }];
  for (let group = 0; group < groups; group++) {
    ops.push({ kind: "create", path: `${root}/g-${group}`, data: null, acl: openAcl });
  }
  for (let node = 0; node < nodes; node++) {
    ops.push({ kind: "create", path: pathOf(node), data: dataOf(node, 0), acl: openAcl });
  }
  await writeAll(zookeeper, ops, signal);
}

/** Writes in multis of 100, four in flight; order is kept, as one session keeps it. */
export async function writeAll(zookeeper: ZooKeeper, ops: readonly WriteOp[], signal: AbortSignal): Promise<void> {
  const inFlight: Promise<void>[] = [];
  for (let from = 0; from < ops.length; from += opsPerMulti) {
    if (inFlight.length === multisInFlight) await inFlight.shift();
    inFlight.push(writeOne(zookeeper, ops.slice(from, from + opsPerMulti), signal));
  }
  await Promise.all(inFlight);
}

async function writeOne(zookeeper: ZooKeeper, ops: readonly WriteOp[], signal: AbortSignal): Promise<void> {
  const outcome = await zookeeper.multi(ops, { signal });
  if (outcome.kind === "refused")
    throw new Error(`Cannot ${ops[outcome.failedAt]?.kind} ${ops[outcome.failedAt]?.path}: error ${outcome.code}`);
}
