import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { createZooKeeper } from "#lib/zookeeper/client.ts";
import type { WatchEvent, WriteOp, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";

/** The benches' tree: /bench/g-<group>/n-<node>, 1,000 nodes a group, 200 bytes of Java properties each. */
export const root = "/bench";
const nodesPerGroup = 1_000;
const openAcl = [{ perms: 31, scheme: "world", id: "anyone" }] as const;
const opsPerMulti = 100;
const multisInFlight = 4;

export function open(address: string, signal: AbortSignal, onWatch: (event: WatchEvent) => void = () => {}): ZooKeeper {
  return createZooKeeper({
    servers: [address],
    sessionTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
    auth: [],
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    signal,
    onState() {},
    onWatch,
  });
}

export function pathOf(node: number): string {
  return `${root}/g-${Math.floor(node / nodesPerGroup)}/n-${node}`;
}

/** undefined for what is none of the tree's nodes with data. */
export function nodeOf(path: string): number | undefined {
  const digits = /\/n-(\d+)$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** All paths, parents first. */
export function* pathsOf(nodes: number): Generator<{ readonly path: string; readonly node: number | undefined }> {
  yield { path: root, node: undefined };
  for (let group = 0; group < groupsIn(nodes); group++) yield { path: `${root}/g-${group}`, node: undefined };
  for (let node = 0; node < nodes; node++) yield { path: pathOf(node), node };
}

/** All of them, groups and root included. */
export function nodesIn(nodes: number): number {
  return 1 + groupsIn(nodes) + nodes;
}

function groupsIn(nodes: number): number {
  return Math.ceil(nodes / nodesPerGroup);
}

export function dataOf(node: number, generation: number): Uint8Array {
  return Buffer.from(
    `clusterName=rmq-idc1\ntype=topic\nnode=${node}\ngeneration=${generation}\n`.padEnd(199, "#").concat("\n"),
  );
}

export async function fill(zookeeper: ZooKeeper, nodes: number, signal: AbortSignal): Promise<void> {
  const ops = Array.from(
    pathsOf(nodes),
    ({ path, node }): WriteOp => ({
      kind: "create",
      path,
      data: node === undefined ? null : dataOf(node, 0),
      acl: openAcl,
    }),
  );
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
