import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import zookeeper, { type Client, type Exception, type Stat as WireStat } from "node-zookeeper-client";

const answerMsMax = 15_000;
const closeMsMax = 1_000;

/** What an application does in ZooKeeper, through a client that is not ours: so the tests do not believe our own codec. */
export interface Application extends AsyncDisposable {
  /** Gives the path back; a sequential node's has its number. Parents must exist, see mkdirp. */
  create(path: string, data?: NodeBytes, options?: CreateOptions): Promise<string>;
  /** Creates the path with those parents that are missing, which get no data. Keeps what exists. */
  mkdirp(path: string, data?: NodeBytes): Promise<void>;
  set(path: string, data: NodeBytes, version?: number): Promise<void>;
  remove(path: string, version?: number): Promise<void>;
  /** The node and all below it. */
  removeAll(path: string): Promise<void>;
  get(path: string): Promise<Buffer | null>;
  /** The data as text; null data is "". */
  text(path: string): Promise<string>;
  /** null when there is no such node. */
  stat(path: string): Promise<NodeStat | null>;
  /** Sorted. */
  children(path: string): Promise<string[]>;
  /** Every path at and below `root`, sorted, with its data as text; empty when there is no such node. */
  tree(root: string): Promise<Record<string, string>>;
  setAcl(path: string, acl: readonly AclEntry[]): Promise<void>;
  acl(path: string): Promise<AclEntry[]>;
  /** All or nothing. */
  multi(ops: readonly ApplicationOp[]): Promise<void>;
  /** For what this interface lacks. */
  readonly client: Client;
}

/** null and no bytes at all are different values. */
type NodeBytes = string | Buffer | null;

interface CreateOptions {
  readonly ephemeral?: boolean;
  readonly sequential?: boolean;
  readonly acl?: readonly AclEntry[];
}

/** perms: 1 read, 2 write, 4 create, 8 delete, 16 admin. */
interface AclEntry {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

interface NodeStat {
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly mzxid: bigint;
  readonly czxid: bigint;
  /** By the server's clock. */
  readonly mtimeMs: number;
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
}

export type ApplicationOp =
  | { readonly kind: "create"; readonly path: string; readonly data?: NodeBytes }
  | { readonly kind: "set"; readonly path: string; readonly data: NodeBytes; readonly version?: number }
  | { readonly kind: "remove"; readonly path: string; readonly version?: number };

/**
 * Connects an application. @param address "host:port", several with commas between.
 * @param options.auth "user:password", sent with the digest scheme
 */
export async function connectApplication(
  address: string,
  options: { sessionTimeoutMs?: number; auth?: string } = {},
): Promise<Application> {
  const client = zookeeper.createClient(address, { sessionTimeout: options.sessionTimeoutMs ?? 10_000, retries: 0 });
  const connected = once(client, "connected");
  client.connect();
  await withinBound(`connection to ${address}`, connected).catch((error: unknown) => {
    // close() before the first connection throws in this client.
    client.once("connected", () => client.close());
    throw error;
  });
  if (options.auth !== undefined) client.addAuthInfo("digest", Buffer.from(options.auth));

  const self: Application = {
    client,
    create: (path, data = null, createOptions = {}) =>
      call<string>(`create ${path}`, (done) => {
        const acl = wireAcl(createOptions.acl ?? openAcl);
        const mode = modeOf(createOptions);
        if (data === null) client.create(path, acl, mode, done);
        else client.create(path, Buffer.from(data), acl, mode, done);
      }),
    async mkdirp(path, data = null) {
      const parents = path.split("/").slice(1, -1);
      for (let depth = 1; depth <= parents.length; depth += 1) {
        await createUnlessThere(self, `/${parents.slice(0, depth).join("/")}`, null);
      }
      await createUnlessThere(self, path, data);
    },
    async set(path, data, version = -1) {
      // This client's own setData throws a TypeError on null.
      await self.multi([{ kind: "set", path, data, version }]);
    },
    remove: (path, version = -1) => call<void>(`remove ${path}`, (done) => client.remove(path, version, done)),
    async removeAll(path) {
      for (const found of Object.keys(await self.tree(path)).toReversed()) await self.remove(found);
    },
    get: async (path) => (await call<Buffer | undefined>(`get ${path}`, (done) => client.getData(path, done))) ?? null,
    text: async (path) => (await self.get(path))?.toString() ?? "",
    async stat(path) {
      const stat = await call<WireStat | null>(`stat ${path}`, (done) => client.exists(path, done));
      return stat === null ? null : statOf(stat);
    },
    children: async (path) =>
      (await call<string[]>(`children of ${path}`, (done) => client.getChildren(path, done))).sort(),
    async tree(root) {
      const found: Record<string, string> = {};
      if ((await self.stat(root)) === null) return found;
      found[root] = await self.text(root);
      for (const child of await self.children(root)) {
        Object.assign(found, await self.tree(`${root === "/" ? "" : root}/${child}`));
      }
      return found;
    },
    setAcl: async (path, acl) => {
      await call<WireStat>(`setAcl ${path}`, (done) => client.setACL(path, wireAcl(acl), -1, done));
    },
    acl: async (path) => {
      const entries = await call<zookeeper.ACL[]>(`acl of ${path}`, (done) => client.getACL(path, done));
      return entries.map(aclEntryOf);
    },
    async multi(ops) {
      const transaction = client.transaction();
      for (const op of ops) {
        switch (op.kind) {
          case "create":
            if (op.data === undefined || op.data === null) transaction.create(op.path);
            else transaction.create(op.path, Buffer.from(op.data));
            break;
          case "set":
            transaction.setData(op.path, bytesOf(op.data), op.version ?? -1);
            break;
          case "remove":
            transaction.remove(op.path, op.version ?? -1);
            break;
        }
      }
      await call<void>(`multi of ${ops.length}`, (done) => transaction.commit((error) => done(error, undefined)));
    },
    async [Symbol.asyncDispose]() {
      const { name } = client.getState();
      if (name === "EXPIRED") return;
      const disconnected = once(client, "disconnected");
      client.close();
      // Gone at the server, with its ephemerals. A server that is down is not waited for.
      if (name === "SYNC_CONNECTED") await Promise.race([disconnected, delay(closeMsMax, undefined, { ref: false })]);
    },
  };
  return self;
}

const openAcl: readonly AclEntry[] = [{ perms: 31, scheme: "world", id: "anyone" }];

type Done<T> = (error: Error | Exception | null, value: T) => void;

/** One request. @throws Error with what was asked and the server's error name, NO_NODE for example, in its message */
async function call<T>(what: string, start: (done: Done<T>) => void): Promise<T> {
  const answer = Promise.withResolvers<T>();
  start((error, value) => {
    if (error === null || error === undefined) answer.resolve(value);
    else answer.reject(new Error(`${what}: ${String(error)}`, { cause: error }));
  });
  return await withinBound(what, answer.promise);
}

/** This client never gives up on a server that has fallen silent. */
async function withinBound<T>(what: string, answer: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(answerMsMax, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what}: no answer in ${answerMsMax} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}

async function createUnlessThere(application: Application, path: string, data: NodeBytes): Promise<void> {
  if ((await application.stat(path)) === null) await application.create(path, data);
}

function bytesOf(data: NodeBytes): Buffer | null {
  return data === null ? null : Buffer.from(data);
}

function modeOf({ ephemeral = false, sequential = false }: CreateOptions): number {
  const { PERSISTENT, PERSISTENT_SEQUENTIAL, EPHEMERAL, EPHEMERAL_SEQUENTIAL } = zookeeper.CreateMode;
  if (ephemeral) return sequential ? EPHEMERAL_SEQUENTIAL : EPHEMERAL;
  return sequential ? PERSISTENT_SEQUENTIAL : PERSISTENT;
}

function wireAcl(acl: readonly AclEntry[]): zookeeper.ACL[] {
  return acl.map((entry) => new zookeeper.ACL(entry.perms, new zookeeper.Id(entry.scheme, entry.id)));
}

/** At run time the property is `permission`, whatever the client's types say. */
function aclEntryOf(acl: zookeeper.ACL): AclEntry {
  const { permission, id } = acl as zookeeper.ACL & { readonly permission: number };
  return { perms: permission, scheme: id.scheme, id: id.id };
}

/** This client gives 64-bit numbers as 8 bytes. */
function statOf(stat: WireStat): NodeStat {
  return {
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    mzxid: stat.mzxid.readBigInt64BE(),
    czxid: stat.czxid.readBigInt64BE(),
    mtimeMs: Number(stat.mtime.readBigInt64BE()),
    ephemeralOwner: stat.ephemeralOwner.readBigInt64BE(),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}
