import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { type CallOptions, type Connections, timeLeft } from "#lib/remoting/connections.ts";
import {
  decodeNotifyBrokerRoleChangedResponse,
  encodeNotifyBrokerRoleChangedRequest,
} from "#lib/remoting/records/notify-broker-role-changed.ts";
import type { MasterInfo } from "../../core/controller-messages.ts";
import type { BrokerId } from "../../core/model.ts";
import { masterRoleId, readEpochCache } from "./probe.ts";
import { hasBeenGivenRole } from "./settings.ts";

/** One that has restarted obeys any epoch: an order that has waited longer, or stood still, is not given any more. */
const sendMsMax = 1_000;

/**
 * Tells a broker who is master (1008, as a request), and looks whether it acts accordingly: an epoch that is not above its own it
 * ignores, and answers with success all the same. Sent once: a second one would be answered at once while the first is still
 * at work.
 *
 * Not before it has registered: such a one does not know its own id, fails half-way, and ignores the same epoch from then on, also
 * in the answer to its registration. It would copy from nobody until the next epoch.
 * @source RocketMQ 5.3.3 ReplicasManager.changeToSlave: brokerControllerId is null; seen on real brokers
 */
export async function notifyRole(
  connections: Connections,
  clock: Clock,
  address: string,
  { id, info, mayBeNew = false }: { id: BrokerId; info: MasterInfo; mayBeNew?: boolean },
  options: CallOptions,
): Promise<{ answered: boolean; detail: string }> {
  const left = timeLeft(clock, options);
  const { master, address: masterAddress, epoch, inSync, inSyncEpoch } = info;
  const request = encodeNotifyBrokerRoleChangedRequest({
    master: master === null || masterAddress === null ? undefined : { brokerId: master, address: masterAddress },
    masterEpoch: epoch,
    syncStateSet: { brokerIds: inSync, epoch: inSyncEpoch },
  });
  try {
    if (mayBeNew && !(await hasBeenGivenRole(connections, address, left()))) {
      return { answered: false, detail: "it has not registered yet: it learns who is master when it does" };
    }
    decodeNotifyBrokerRoleChangedResponse(await connections.ask(address, request, { ...left(), sendMsMax }));
    const { brokerId } = await readEpochCache(connections, address, left());
    const isMaster = brokerId === masterRoleId;
    if (isMaster === (id === master))
      return { answered: true, detail: `it is ${roleName(isMaster)} in epoch ${epoch}` };
    return {
      answered: false,
      detail: `it is still ${roleName(isMaster)}: it is changing, or has an epoch that is not below ${epoch}`,
    };
  } catch (error) {
    options.signal.throwIfAborted();
    return { answered: false, detail: messageOf(error) };
  }
}

function roleName(isMaster: boolean): string {
  return isMaster ? "master" : "replica";
}
