import type { Clock } from "#lib/clock.ts";
import { messageOf, OperatorError } from "#lib/errors.ts";
import type { CallOptions, Connections } from "#lib/remoting/connections.ts";
import {
  type BrokerClusterInfo,
  decodeGetBrokerClusterInfoResponse,
  encodeGetBrokerClusterInfoRequest,
} from "#lib/remoting/records/get-broker-cluster-info.ts";
import { masterRoleId } from "./probe.ts";

/** After the first answer the others have this long. */
const stragglersMs = 250;
/** Between the beginnings of two rounds. A set asks no more often; only of many sets some wait for it. */
const roundEveryMs = 100;

export interface RouteReader {
  /**
   * Whom the name servers show as this set's master (106); null: they do not agree, or show none.
   * @throws {OperatorError} ARB_NAMESERVERS_SILENT; or the signal's reason
   */
  read(names: { cluster: string; set: string }, options: CallOptions): Promise<string | null>;
}

/**
 * Name servers know nothing of each other, and none tells how new its word is. A client goes by the one it has, and a slave
 * takes the replication address from whichever answers its registration first. So a master is routed when every name server
 * that answers shows it; as long as one shows another, or none, the answer is null. One that is cut off or dead has no say:
 * whoever is cut off with it is not helped by waiting.
 *
 * A name server can only tell all that it knows, so one round of asking serves every set that asked before it began: as fresh a
 * word as a round of its own, where hundreds of sets have lost their masters in one moment.
 */
export function createRouteReader(
  connections: Connections,
  clock: Clock,
  nameservers: readonly string[],
  signal: AbortSignal,
): RouteReader {
  type Round = Promise<readonly BrokerClusterInfo[]>;
  let last: Promise<unknown> = Promise.resolve();
  /** It has not begun yet: whoever asks may join it. */
  let next: Round | undefined;
  let beganAt = Number.NEGATIVE_INFINITY;

  async function begin(before: Promise<unknown>, timeoutMs: number): Round {
    await before.catch(() => {});
    const restMs = beganAt + roundEveryMs - clock.now();
    if (restMs > 0) await clock.sleep(restMs, { signal });
    beganAt = clock.now();
    next = undefined;
    return await askAll({ connections, clock, nameservers }, { timeoutMs, signal });
  }

  function join(timeoutMs: number): Round {
    if (next !== undefined) return next;
    const round = begin(last, timeoutMs);
    last = round;
    next = round;
    return round;
  }

  return {
    async read(names, options) {
      options.signal.throwIfAborted();
      const shown = await join(options.timeoutMs);
      options.signal.throwIfAborted();
      const masters = shown.map((info) => masterIn(info, names));
      const [first = null] = masters;
      return masters.every((each) => each === first) ? first : null;
    },
  };
}

/** @returns what each name server shows that has answered in time */
async function askAll(
  { connections, clock, nameservers }: { connections: Connections; clock: Clock; nameservers: readonly string[] },
  options: CallOptions,
): Promise<readonly BrokerClusterInfo[]> {
  const shown: BrokerClusterInfo[] = [];
  const asking = nameservers.map(async (nameserver) => {
    const frame = await connections.read(nameserver, encodeGetBrokerClusterInfoRequest(), options);
    shown.push(decodeGetBrokerClusterInfoResponse(frame));
  });
  const all = Promise.allSettled(asking);
  await Promise.any(asking).catch((error: unknown) => {
    options.signal.throwIfAborted();
    throw silent(nameservers, error);
  });
  const enough = new AbortController();
  const patience = clock.sleep(stragglersMs, { signal: enough.signal }).catch(() => {});
  await Promise.race([all, patience]);
  enough.abort();
  options.signal.throwIfAborted();
  return shown;
}

/** Two clusters may have a set of the same name, but a name server keeps one of them. */
function masterIn({ brokerSets }: BrokerClusterInfo, { cluster, set }: { cluster: string; set: string }) {
  const data = brokerSets.get(set);
  return data?.clusterName === cluster ? (data.addresses.get(masterRoleId) ?? null) : null;
}

function silent(nameservers: readonly string[], error: unknown): OperatorError {
  const reasons: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return new OperatorError(
    "ARB_NAMESERVERS_SILENT",
    `None of the name servers ${nameservers.join(", ")} answers: ${reasons.map(messageOf).join("; ")}`,
    { hint: "Check that they run, and that clusters[].nameservers of the config names them", cause: error },
  );
}
