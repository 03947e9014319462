import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * What a server has done, in its own order and to the last transaction, read from its log files: also what happened while
 * nobody was connected. Independent of every client.
 * @source ZooKeeper 3.9 FileTxnLog and zookeeper.jute (records under org.apache.zookeeper.txn)
 */
export interface Transaction {
  readonly zxid: bigint;
  /** Id of the session that asked for it. */
  readonly session: bigint;
  /** Milliseconds since 1970 on the clock of the server that led: for figures, as both ensembles of a test share a machine. */
  readonly atMs: number;
  /** Empty for the begin of a session, and for what was refused. */
  readonly changes: readonly Change[];
}

export type Change =
  | { readonly kind: "create"; readonly path: string; readonly data: Buffer | null; readonly ephemeral: boolean }
  | { readonly kind: "set"; readonly path: string; readonly data: Buffer | null }
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "setAcl"; readonly path: string }
  | { readonly kind: "check"; readonly path: string };

/**
 * Everything that the server with this data folder has acknowledged so far, and what it was about to.
 * @param options.below as a client with this chroot would see it
 */
export async function readTransactions(dataDir: string, options: { below?: string } = {}): Promise<Transaction[]> {
  const transactions = await readLog(dataDir);
  const { below } = options;
  return below === undefined ? transactions : transactions.map((transaction) => within(transaction, below));
}

/**
 * The same for an ensemble that has come to rest with all servers in it. What a majority has on disk was committed; what one
 * alone has was a deposed leader's. One that came back after much had happened got a copy of the tree, so its log has a gap.
 */
export async function readEnsembleTransactions(
  dataDirs: readonly string[],
  options: { below?: string } = {},
): Promise<Transaction[]> {
  const found = new Map<bigint, { readonly transaction: Transaction; logs: number }>();
  for (const dataDir of dataDirs) {
    const log = await readTransactions(dataDir, options);
    for (const transaction of new Map(log.map((one) => [one.zxid, one])).values()) {
      const known = found.get(transaction.zxid);
      if (known === undefined) found.set(transaction.zxid, { transaction, logs: 1 });
      else known.logs += 1;
    }
  }
  return [...found.values()]
    .filter(({ logs }) => logs * 2 > dataDirs.length)
    .map(({ transaction }) => transaction)
    .sort((one, other) => (one.zxid < other.zxid ? -1 : 1));
}

async function readLog(dataDir: string): Promise<Transaction[]> {
  const folder = join(dataDir, "version-2");
  const files = (await readdir(folder)).filter((name) => name.startsWith("log."));
  const zxidOf = (file: string) => BigInt(`0x${file.slice("log.".length)}`);
  files.sort((one, other) => (zxidOf(one) < zxidOf(other) ? -1 : 1));
  const transactions: Transaction[] = [];
  for (const file of files) transactions.push(...decodeLog(await readFile(join(folder, file))));
  return transactions;
}

function within(transaction: Transaction, chroot: string): Transaction {
  const changes = transaction.changes
    .filter(({ path }) => path.startsWith(`${chroot}/`))
    .map((change) => ({ ...change, path: change.path.slice(chroot.length) }));
  return { ...transaction, changes };
}

const fileHeaderBytes = 16;
const endOfRecord = 0x42;

/** crc i64 | length i32 | transaction | 'B', up to the zeros that the file is filled with, or a record cut short by a crash. */
function decodeLog(file: Buffer): Transaction[] {
  const transactions: Transaction[] = [];
  for (let at = fileHeaderBytes; at + 12 <= file.length; ) {
    const length = file.readInt32BE(at + 8);
    const end = at + 12 + length;
    if (length <= 0 || file[end] !== endOfRecord) break;
    transactions.push(decodeTransaction(file.subarray(at + 12, end)));
    at = end + 1;
  }
  return transactions;
}

const types = {
  create: 1,
  delete: 2,
  set: 5,
  setAcl: 7,
  check: 13,
  multi: 14,
  create2: 15,
  createContainer: 19,
  deleteContainer: 20,
  createTtl: 21,
  closeSession: -11,
  error: -1,
} as const;

/** clientId i64 | cxid i32 | zxid i64 | time i64 | type i32 | body; a digest may follow. */
function decodeTransaction(bytes: Buffer): Transaction {
  const body = bytes.subarray(32);
  const type = bytes.readInt32BE(28);
  const changes = type === types.multi ? decodeMulti(body) : decodeChange(type, body);
  const atMs = Number(bytes.readBigInt64BE(20));
  return { session: bytes.readBigInt64BE(0), zxid: bytes.readBigInt64BE(12), atMs, changes };
}

/** count i32 | for each: type i32, body buffer. One error among them, and none was done. @source DataTree.processTxn */
function decodeMulti(body: Buffer): Change[] {
  const changes: Change[] = [];
  let at = 4;
  for (let left = body.readInt32BE(0); left > 0; left -= 1) {
    const type = body.readInt32BE(at);
    if (type === types.error) return [];
    const part = readBuffer(body, at + 4);
    changes.push(...decodeChange(type, part.value ?? Buffer.alloc(0)));
    at = part.end;
  }
  return changes;
}

/** path string | and for creates: data buffer, acl vector, ephemeral boolean; for sets: data buffer. */
function decodeChange(type: number, body: Buffer): Change[] {
  switch (type) {
    case types.create:
    case types.create2:
    case types.createContainer:
    case types.createTtl: {
      const path = readBuffer(body, 0);
      const data = readBuffer(body, path.end);
      const ephemeral = (type === types.create || type === types.create2) && body[endOfAcl(body, data.end)] === 1;
      return [{ kind: "create", path: String(path.value), data: data.value, ephemeral }];
    }
    case types.set: {
      const path = readBuffer(body, 0);
      return [{ kind: "set", path: String(path.value), data: readBuffer(body, path.end).value }];
    }
    case types.delete:
    case types.deleteContainer:
      return [{ kind: "delete", path: String(readBuffer(body, 0).value) }];
    case types.setAcl:
      return [{ kind: "setAcl", path: String(readBuffer(body, 0).value) }];
    case types.check:
      return [{ kind: "check", path: String(readBuffer(body, 0).value) }];
    case types.closeSession:
      return decodeStrings(body).map((path) => ({ kind: "delete", path }));
    default:
      return [];
  }
}

/** count i32 | strings: the ephemerals that went with their session. */
function decodeStrings(body: Buffer): string[] {
  const strings: string[] = [];
  let at = 4;
  for (let left = body.readInt32BE(0); left > 0; left -= 1) {
    const { value, end } = readBuffer(body, at);
    strings.push(String(value));
    at = end;
  }
  return strings;
}

/** count i32 | for each: perms i32, scheme string, id string. */
function endOfAcl(body: Buffer, from: number): number {
  let at = from + 4;
  for (let left = body.readInt32BE(from); left > 0; left -= 1) {
    at = readBuffer(body, readBuffer(body, at + 4).end).end;
  }
  return at;
}

/** length i32 (-1: null) | bytes. */
function readBuffer(bytes: Buffer, at: number): { readonly value: Buffer | null; readonly end: number } {
  const length = bytes.readInt32BE(at);
  if (length < 0) return { value: null, end: at + 4 };
  return { value: bytes.subarray(at + 4, at + 4 + length), end: at + 4 + length };
}
