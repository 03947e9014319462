import type { Application } from "../../test/integration/harness/application.ts";
import { lockPaths, type Node } from "./zms.ts";

const opsPerMulti = 100;
const inFlight = 8;
const readsInFlight = 128;

/** Creates nodes as a tool of ZMS would: a hundred in a transaction, in this order. Parents must exist. */
export async function createAll(application: Application, nodes: readonly Node[]): Promise<void> {
  await multiAll(
    application,
    nodes.map(({ path, data }) => ({ kind: "create", path, data })),
  );
}

export async function setAll(application: Application, nodes: readonly Node[]): Promise<void> {
  await multiAll(
    application,
    nodes.map(({ path, data }) => ({ kind: "set", path, data })),
  );
}

export async function removeAll(application: Application, paths: readonly string[]): Promise<void> {
  await multiAll(
    application,
    paths.map((path) => ({ kind: "remove", path })),
  );
}

/** The children of these nodes with their data, without what belongs to sessions. A parent that is missing has none. */
export async function readAll(application: Application, parents: readonly string[]): Promise<Map<string, string>> {
  const nodes = new Map<string, string>();
  for (const parent of parents) {
    if ((await application.stat(parent)) === null) continue;
    const paths = (await application.children(parent)).map((child) => `${parent}/${child}`);
    const lasting = paths.filter((path) => !lockPaths.includes(path));
    await eachOf(lasting, readsInFlight, async (path) => void nodes.set(path, await application.text(path)));
  }
  return nodes;
}

/** How many children these nodes have together. */
export async function countChildren(application: Application, parents: readonly string[]): Promise<number> {
  const stats = await Promise.all(parents.map((parent) => application.stat(parent)));
  return stats.reduce((sum, stat) => sum + (stat?.numChildren ?? 0), 0);
}

/** Does `work` for each element, a number of them at the same time. */
export async function eachOf<T>(
  elements: readonly T[],
  atOnce: number,
  work: (element: T) => Promise<void>,
): Promise<void> {
  const rest = elements.values();
  const worker = async (): Promise<void> => {
    for (const element of rest) await work(element);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function multiAll(application: Application, ops: Parameters<Application["multi"]>[0]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(ops.length / opsPerMulti) }, (_, index) =>
    ops.slice(index * opsPerMulti, (index + 1) * opsPerMulti),
  );
  await eachOf(batches, inFlight, (batch) => application.multi(batch));
}
