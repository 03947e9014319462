/**
 * What a user of the ZooKeeper client sees: values, requests and the session.
 * @source ZooKeeper 3.9 zookeeper.jute and ClientCnxn; 3.8 behaves the same where nothing else is said.
 */

/** A transaction id: epoch in the high 32 bits, counter in the low ones. Only comparisons mean anything. */
export type Zxid = bigint & { readonly __brand: "Zxid" };

export interface Stat {
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  readonly pzxid: Zxid;
  /** Milliseconds since 1970 on the server's clock. For people only. */
  readonly ctime: bigint;
  readonly mtime: bigint;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** Session id of the owner; 0n for a node that outlives sessions. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
}

/** perms: 1 read, 2 write, 4 create, 8 delete, 16 admin. */
export interface Acl {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

/** null and zero bytes are different values, on the wire and here. */
export type NodeData = Uint8Array | null;

export type ReadRequest =
  | { readonly kind: "data"; readonly path: string }
  | { readonly kind: "children"; readonly path: string };

/** One answer of a multiRead; each stands alone: a missing node fails only its own. */
export type ReadResult =
  | { readonly kind: "data"; readonly data: NodeData; readonly stat: Stat }
  | { readonly kind: "children"; readonly children: readonly string[] }
  | { readonly kind: "error"; readonly code: number };

export type WriteOp =
  | {
      readonly kind: "create";
      readonly path: string;
      readonly data: NodeData;
      readonly acl: readonly Acl[];
      readonly ephemeral?: boolean;
      readonly sequential?: boolean;
    }
  | { readonly kind: "set"; readonly path: string; readonly data: NodeData; readonly version: number }
  | { readonly kind: "delete"; readonly path: string; readonly version: number }
  | { readonly kind: "check"; readonly path: string; readonly version: number };

/** Of a node created in a multi the server tells no Stat. */
export type WriteResult =
  | { readonly kind: "create"; readonly path: string }
  | { readonly kind: "set"; readonly stat: Stat }
  | { readonly kind: "delete" }
  | { readonly kind: "check" };

/** All or nothing. A refused multi changed nothing; `failedAt` is the index of the op that caused it, `code` its error. */
export type MultiOutcome =
  | { readonly kind: "applied"; readonly results: readonly WriteResult[]; readonly zxid: Zxid }
  | { readonly kind: "refused"; readonly failedAt: number; readonly code: number };

export type WatchEventKind = "created" | "deleted" | "dataChanged" | "childrenChanged";

export interface WatchEvent {
  readonly kind: WatchEventKind;
  readonly path: string;
  /** The transaction's zxid on servers from 3.9 on; undefined before. */
  readonly zxid: Zxid | undefined;
}

/**
 * connecting: no server yet, or between servers; requests fail at once with connectionLoss.
 * connected: `resumed` = the same session as before, its watches already set again; otherwise a new session (the first, or
 *   after an expiry): watches are set again, but ephemerals of the old session are gone.
 * closed: by close(), or because the credentials were refused (`reason`); final.
 */
export type SessionState =
  | { readonly kind: "connecting"; readonly reason: string | undefined }
  | {
      readonly kind: "connected";
      readonly sessionId: bigint;
      readonly resumed: boolean;
      readonly server: string;
      readonly sessionTimeoutMs: number;
    }
  | { readonly kind: "closed"; readonly reason: string | undefined };

interface Waiting {
  readonly signal: AbortSignal;
}

export interface ZooKeeper extends AsyncDisposable {
  readonly state: SessionState;
  /**
   * The highest zxid any reply has shown; also sent at connect, so that a server that is behind refuses us. Falls only where all
   * servers refused us for a session timeout and longer, and one of them then granted a new session: compare it after each
   * connect with what you knew before.
   */
  readonly lastZxid: Zxid;

  /** Resolves when connected. Rejects when the signal is aborted or the client is closed. */
  connected(options: Waiting): Promise<void>;

  getData(path: string, options: Waiting): Promise<{ data: NodeData; stat: Stat }>;
  getChildren(path: string, options: Waiting): Promise<{ children: readonly string[]; stat: Stat }>;
  /** null when there is no such node. */
  exists(path: string, options: Waiting): Promise<Stat | null>;
  getAcl(path: string, options: Waiting): Promise<{ acl: readonly Acl[]; stat: Stat }>;
  setAcl(path: string, acl: readonly Acl[], aversion: number, options: Waiting): Promise<Stat>;
  create(
    path: string,
    data: NodeData,
    options: Waiting & { acl: readonly Acl[]; ephemeral?: boolean; sequential?: boolean },
  ): Promise<{ path: string; stat: Stat }>;
  setData(path: string, data: NodeData, version: number, options: Waiting): Promise<Stat>;
  delete(path: string, version: number, options: Waiting): Promise<void>;
  multi(ops: readonly WriteOp[], options: Waiting): Promise<MultiOutcome>;
  /** `zxid` is the one of the reply's header: what was read is the state at this zxid or a later one. */
  multiRead(
    requests: readonly ReadRequest[],
    options: Waiting,
  ): Promise<{ results: readonly ReadResult[]; zxid: Zxid }>;
  /** Waits until this server has caught up with the leader. */
  sync(path: string, options: Waiting): Promise<void>;
  whoAmI(options: Waiting): Promise<readonly { scheme: string; id: string }[]>;

  /**
   * Arms a persistent watch and keeps it armed over every reconnect and new session, before any other request goes out.
   * Events go to `onWatch` given at creation. Throws ZooKeeperError `unimplemented` on servers before 3.6.
   */
  addWatch(path: string, options: Waiting & { recursive: boolean }): Promise<void>;

  /** Waits for what is in flight (bounded by the session timeout), ends the session at the server, closes the socket. */
  close(): Promise<void>;
}
