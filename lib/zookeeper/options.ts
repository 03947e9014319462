import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { SessionState, WatchEvent, Zxid } from "./zookeeper.ts";

export interface ZooKeeperOptions {
  /** `host:port`, an IPv6 address in brackets. Tried in random order, one after the other. */
  readonly servers: readonly string[];
  /** All paths of requests, answers and events are below it. It must exist on the server. */
  readonly chroot?: string;
  /** Wished for; the server settles it between 2 and 20 of its ticks. */
  readonly sessionTimeoutMs: number;
  /** For one server: TCP, TLS and the answer to the connect request together. */
  readonly connectTimeoutMs: number;
  /** Sent before anything else on each connection. For digest the credential is `user:password`. */
  readonly auth: readonly Credential[];
  readonly tls?: TlsOptions;
  /** A server that has not seen this transaction refuses us. */
  readonly lastZxidSeen?: Zxid;
  readonly clock: Clock;
  /** 0 <= r < 1; shuffles the servers and spreads reconnects. */
  readonly random: () => number;
  readonly log: Logger;
  readonly limits?: Partial<ZooKeeperLimits>;
  /** Aborted: as close(), but without waiting for what is in flight. */
  readonly signal: AbortSignal;
  /** Called at once at each change. An error thrown here is not caught: it ends the process as an uncaught exception. */
  readonly onState: (state: SessionState) => void;
  /** Called in the order of the wire, before any later reply resolves. Errors thrown here: as in onState. */
  readonly onWatch: (event: WatchEvent) => void;
}

interface Credential {
  readonly scheme: string;
  readonly credential: Uint8Array;
}

/** PEM. Without `ca` nothing would be trusted that the system doesn't. */
export interface TlsOptions {
  readonly ca: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name the certificate must carry, where it isn't the server's host. */
  readonly serverName?: string;
}

export interface ZooKeeperLimits {
  /** More requests than this wait their turn, in the order they came. */
  readonly requestsInFlightMax: number;
  readonly bytesInFlightMax: number;
  /** A larger request is refused here: the server would hang up on it without a word, each time it is tried. */
  readonly requestBytesMax: number;
  /** A request with a larger answer fails with marshallingError, and the answer is thrown away. */
  readonly replyBytesMax: number;
  /** Of paths in one packet that arms watches again. */
  readonly setWatchesBytesMax: number;
  /** The wait after all servers were tried in vain, doubling from the first to the second. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** How long close() waits for the server to say that the session has ended. */
  readonly closeReplyMs: number;
}

/** jute.maxbuffer of a server that was not told otherwise. @source ZooKeeper 3.9 BinaryInputArchive */
const juteMaxbufferBytes = 1_048_575;
/** For what servers add to a request when they pass it on among themselves. */
const marginBytes = 1_024;

export const defaultLimits: ZooKeeperLimits = {
  requestsInFlightMax: 1_000,
  bytesInFlightMax: 8 * 1_024 * 1_024,
  requestBytesMax: juteMaxbufferBytes - marginBytes,
  replyBytesMax: 128 * 1_024 * 1_024,
  setWatchesBytesMax: 127 * 1_024,
  reconnectMinMs: 50,
  reconnectMaxMs: 2_000,
  closeReplyMs: 1_000,
};
