import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { Acl, NodeData, Stat, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";

/** Small steps over our own znodes, where a node that is not there, or is there already, is no error. */

export async function childrenOf(
  client: ZooKeeper,
  path: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    return (await client.getChildren(path, { signal })).children;
  } catch (error) {
    if (error instanceof ZooKeeperError && error.is("noNode")) return undefined;
    throw error;
  }
}

export async function dataOf(client: ZooKeeper, path: string, signal: AbortSignal): Promise<NodeData | undefined> {
  return (await nodeOf(client, path, signal))?.data;
}

export async function nodeOf(
  client: ZooKeeper,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly data: NodeData; readonly stat: Stat } | undefined> {
  try {
    return await client.getData(path, { signal });
  } catch (error) {
    if (error instanceof ZooKeeperError && error.is("noNode")) return undefined;
    throw error;
  }
}

export async function createIfAbsent(
  client: ZooKeeper,
  path: string,
  acl: readonly Acl[],
  signal: AbortSignal,
  data: NodeData = null,
): Promise<void> {
  try {
    await client.create(path, data, { acl, signal });
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.is("nodeExists"))) throw error;
  }
}
