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

/**
 * Whom the name servers show as this set's master (106).
 *
 * Name servers know nothing of each other, and none tells how new its word is. A client goes by the one it has, and a slave
 * takes the replication address from whichever answers its registration first. So a master is routed when every name server
 * that answers shows it; as long as one shows another, or none, the answer is null. One that is cut off or dead has no say:
 * whoever is cut off with it is not helped by waiting.
 * @throws {OperatorError} ARB_NAMESERVERS_SILENT
 */
export async function readRoutedMaster(
  connections: Connections,
  clock: Clock,
  nameservers: readonly string[],
  names: { cluster: string; set: string },
  options: CallOptions,
): Promise<string | null> {
  const shown: (string | null)[] = [];
  const asking = nameservers.map(async (nameserver) => {
    const frame = await connections.read(nameserver, encodeGetBrokerClusterInfoRequest(), options);
    shown.push(masterIn(decodeGetBrokerClusterInfoResponse(frame), names));
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
  const [first = null] = shown;
  return shown.every((each) => each === first) ? first : null;
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
