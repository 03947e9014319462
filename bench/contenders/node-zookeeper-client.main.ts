/**
 * The same job as most people would write it: node-zookeeper-client, one request per node, `inFlight` nodes at a time.
 * Usage: node-zookeeper-client.main.ts SOURCE TARGET IN-FLIGHT
 */
import { promisify } from "node:util";
import zookeeper from "node-zookeeper-client";
import { root } from "../tree.ts";

const [sourceAddress = "", targetAddress = "", inFlight = "1"] = process.argv.slice(2);

async function connected(address: string): Promise<zookeeper.Client> {
  const client = zookeeper.createClient(address, { sessionTimeout: 30_000 });
  await new Promise<void>((resolve) => {
    client.once("connected", resolve);
    client.connect();
  });
  return client;
}

const source = await connected(sourceAddress);
const target = await connected(targetAddress);
const read = promisify((path: string, done: (error: unknown, data?: Buffer) => void) =>
  source.getData(path, (error, data) => done(error, data)),
);
const children = promisify((path: string, done: (error: unknown, names?: string[]) => void) =>
  source.getChildren(path, (error, names) => done(error, names)),
);
const readTarget = promisify((path: string, done: (error: unknown, data?: Buffer | null) => void) =>
  target.getData(path, (error, data) => {
    const missing = (error as zookeeper.Exception | null)?.getCode?.() === zookeeper.Exception.NO_NODE;
    done(missing ? null : error, missing ? null : (data ?? Buffer.alloc(0)));
  }),
);
const create = promisify((path: string, data: Buffer, done: (error: unknown) => void) =>
  target.create(path, data, (error) => done(error)),
);
const set = promisify((path: string, data: Buffer, done: (error: unknown) => void) =>
  target.setData(path, data, -1, (error) => done(error)),
);

async function copy(path: string): Promise<string[]> {
  const data = (await read(path)) ?? Buffer.alloc(0);
  const there = await readTarget(path);
  if (there === null || there === undefined) await create(path, data);
  else if (!data.equals(there)) await set(path, data);
  return ((await children(path)) ?? []).map((name) => `${path}/${name}`);
}

let level = [root];
while (level.length > 0) {
  const next: string[] = [];
  let at = 0;
  const worker = async (): Promise<void> => {
    while (at < level.length) {
      const path = level[at++];
      if (path !== undefined) next.push(...(await copy(path)));
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, worker));
  level = next;
}
source.close();
target.close();
