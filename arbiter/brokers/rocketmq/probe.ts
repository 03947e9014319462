import { DecodeError } from "#lib/bytes/reader.ts";
import { messageOf } from "#lib/errors.ts";
import { type CallOptions, type Connections, isRefused } from "#lib/remoting/connections.ts";
import { RemotingError } from "#lib/remoting/errors.ts";
import {
  type BrokerEpochCache,
  decodeGetBrokerEpochCacheResponse,
  encodeGetBrokerEpochCacheRequest,
} from "#lib/remoting/records/get-broker-epoch-cache.ts";
import type { ProbeOutcome } from "../../core/events.ts";

/**
 * Only a refused connection is positive: the machine answers, and says that nothing listens. A way that is down, a connection
 * that is cut and silence are all the same, since they say more of the way than of the broker.
 * @throws when this process lacks what it takes to ask: that says nothing of the broker at all
 */
export async function probeBroker(
  connections: Connections,
  address: string,
  options: CallOptions,
): Promise<ProbeOutcome> {
  try {
    const { epochs, maxOffset, brokerId } = await readEpochCache(connections, address, options);
    return {
      kind: "answered",
      reading: { epoch: epochs.at(-1)?.epoch ?? noEpoch, maxOffset },
      acting: brokerId === masterRoleId,
    };
  } catch (error) {
    options.signal.throwIfAborted();
    const detail = messageOf(error);
    if (isRefused(error)) return { kind: "refused", detail };
    if (isOwnFault(error)) throw error;
    if (isNoAnswer(error)) return { kind: "timedOut", detail };
    if (error instanceof RemotingError || error instanceof DecodeError) return { kind: "failed", detail };
    throw error;
  }
}

/** What it holds and where its log ends (1007). @throws {RemotingError} */
export async function readEpochCache(
  connections: Connections,
  address: string,
  options: CallOptions,
): Promise<BrokerEpochCache> {
  return decodeGetBrokerEpochCacheResponse(
    await connections.read(address, encodeGetBrokerEpochCacheRequest(), options),
  );
}

/** The role id of whoever acts as master; a slave shows its own id. */
export const masterRoleId = 0;
const noEpoch = -1;
const noAnswerCodes: readonly string[] = [
  "REMOTING_UNREACHABLE",
  "REMOTING_DISCONNECTED",
  "REMOTING_TIMEOUT",
] satisfies RemotingError["code"][];

function isNoAnswer(error: unknown): boolean {
  return error instanceof RemotingError && noAnswerCodes.includes(error.code);
}

/** No descriptors, memory or ports left, or one of our own limits. */
function isOwnFault(error: unknown): boolean {
  if (!(error instanceof RemotingError)) return false;
  if (error.code === "REMOTING_BUSY") return true;
  const { cause } = error;
  return cause instanceof Error && "code" in cause && ownFaults.includes(String(cause.code));
}

const ownFaults: readonly string[] = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"];
