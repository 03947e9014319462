import type { Clock } from "#lib/clock.ts";
import { errorCodes, ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { ReadRequest, ReadResult, ZooKeeper, Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { AclResult, Side } from "../core/link-events.ts";

/**
 * Reads many nodes of one side: with multiRead, or with single requests where the servers are older than 3.6. Such a server
 * answers an operation it does not know with `unimplemented` and hangs up, so it is asked once and the answer is kept.
 * @source ZooKeeper 3.5 UnimplementedRequestProcessor
 */
export interface Reader {
  /** Asks each side that was not asked before. What an old server did not hang up on yet is waited for. */
  probe(signal: AbortSignal): Promise<void>;
  /** Older than 3.6: neither multiRead nor recursive watches. */
  isOld(side: Side): boolean;
  /** `zxid`: what was read is the state at this transaction or a later one. */
  read(side: Side, requests: readonly ReadRequest[], signal: AbortSignal): Promise<ReadAnswer>;
  /** One request each, all of them in flight at once: multiRead knows no ACLs. */
  readAcls(side: Side, paths: readonly string[], signal: AbortSignal): Promise<readonly AclResult[]>;
}

interface ReadAnswer {
  readonly results: readonly ReadResult[];
  readonly zxid: Zxid;
}

/** Longest wait for an old server to hang up after it said `unimplemented`. */
const hangUpMsMax = 2_000;
const lookEveryMs = 10;

export function createReader(clients: Readonly<Record<Side, ZooKeeper>>, clock: Clock): Reader {
  const old = new Map<Side, boolean>();

  const probeSide = async (side: Side, signal: AbortSignal): Promise<void> => {
    if (old.has(side)) return;
    const client = clients[side];
    try {
      await client.multiRead([{ kind: "data", path: "/" }], { signal });
      old.set(side, false);
    } catch (error) {
      if (!(error instanceof ZooKeeperError && error.is("unimplemented"))) throw error;
      old.set(side, true);
      const since = clock.now();
      while (client.state.kind === "connected" && clock.now() - since < hangUpMsMax)
        await clock.sleep(lookEveryMs, { signal });
      await client.connected({ signal });
    }
  };

  return {
    async probe(signal) {
      await Promise.all([probeSide("source", signal), probeSide("target", signal)]);
    },
    isOld: (side) => old.get(side) === true,
    read: (side, requests, signal) =>
      old.get(side) === true
        ? readSingly(clients[side], requests, signal)
        : readTogether(clients[side], requests, signal),
    readAcls: (side, paths, signal) =>
      Promise.all(
        paths.map((path) =>
          answered(
            async (): Promise<AclResult> => ({ kind: "acl", ...(await clients[side].getAcl(path, { signal })) }),
          ),
        ),
      ),
  };
}

/** An answer may be too large where the servers allow larger nodes than is usual: then each half is asked for by itself. */
async function readTogether(
  client: ZooKeeper,
  requests: readonly ReadRequest[],
  signal: AbortSignal,
): Promise<ReadAnswer> {
  const before = client.lastZxid;
  try {
    return await client.multiRead(requests, { signal });
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.is("marshallingError"))) throw error;
    if (requests.length === 1) return { results: [{ kind: "error", code: error.zkCode }], zxid: before };
    const middle = Math.ceil(requests.length / 2);
    const first = await readTogether(client, requests.slice(0, middle), signal);
    const second = await readTogether(client, requests.slice(middle), signal);
    return { results: [...first.results, ...second.results], zxid: first.zxid };
  }
}

/** The same answers with one request each, all of them in flight at once: 14 to 30 times slower. */
async function readSingly(
  client: ZooKeeper,
  requests: readonly ReadRequest[],
  signal: AbortSignal,
): Promise<ReadAnswer> {
  const results = await Promise.all(
    requests.map(({ kind, path }) =>
      answered(async (): Promise<ReadResult> => {
        if (kind === "data") return { kind, ...(await client.getData(path, { signal })) };
        return { kind, children: (await client.getChildren(path, { signal })).children };
      }),
    ),
  );
  return { results, zxid: client.lastZxid };
}

/** What the server answered, be it that it refuses. */
export async function answered<T>(
  ask: () => Promise<T>,
): Promise<T | { readonly kind: "error"; readonly code: number }> {
  try {
    return await ask();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: "error", code: error.zkCode };
  }
}

/** The server said no; anything else means that no answer came. */
export function isRefusal(error: unknown): error is ZooKeeperError {
  const unanswered: readonly number[] = [
    errorCodes.connectionLoss,
    errorCodes.sessionExpired,
    errorCodes.sessionMoved,
    errorCodes.operationTimeout,
    errorCodes.requestTimeout,
  ];
  return error instanceof ZooKeeperError && !unanswered.includes(error.zkCode);
}
