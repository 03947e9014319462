import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { type CallOptions, type Connections, timeLeft } from "#lib/remoting/connections.ts";
import {
  decodeUpdateBrokerConfigResponse,
  encodeUpdateBrokerConfigRequest,
} from "#lib/remoting/records/update-broker-config.ts";
import type { ChangeResult } from "../broker.ts";
import { askSettings } from "./settings.ts";

/**
 * A master refuses a message before it appends it (code 1) while its in-sync set is smaller than minInSyncReplicas; replication
 * does not look at that. Request 25 changes it in the running broker, and writes it into the broker's file.
 * @source RocketMQ 5.3.3 CommitLog.asyncPutMessage, AdminBrokerProcessor.updateBrokerConfig; seen on real brokers
 */
export async function raiseBarrier(
  connections: Connections,
  address: string,
  { minInSyncReplicas }: { minInSyncReplicas: number },
  options: CallOptions,
): Promise<ChangeResult> {
  try {
    await change(connections, address, { minInSyncReplicas }, options);
    return { ok: true, detail: `minInSyncReplicas is ${minInSyncReplicas}` };
  } catch (error) {
    options.signal.throwIfAborted();
    return { ok: false, detail: messageOf(error) };
  }
}

/** brokerPermission, its own, makes it register at the name servers: else it learns its master's address up to 30 s later. */
export async function lowerBarrier(
  connections: Connections,
  clock: Clock,
  address: string,
  to: { minInSyncReplicas: number; brokerPermission: number },
  options: CallOptions,
): Promise<ChangeResult> {
  const left = timeLeft(clock, options);
  const { minInSyncReplicas, brokerPermission } = to;
  try {
    await change(connections, address, { minInSyncReplicas, brokerPermission }, left());
    const read = await askSettings(connections, address, left());
    const ok = read.minInSyncReplicas === minInSyncReplicas && read.brokerPermission === brokerPermission;
    return {
      ok,
      detail: `minInSyncReplicas is ${read.minInSyncReplicas}, brokerPermission is ${read.brokerPermission}`,
    };
  } catch (error) {
    options.signal.throwIfAborted();
    return { ok: false, detail: messageOf(error) };
  }
}

async function change(
  connections: Connections,
  address: string,
  settings: Readonly<Record<string, number>>,
  options: CallOptions,
): Promise<void> {
  const request = encodeUpdateBrokerConfigRequest(
    new Map(Object.entries(settings).map(([name, value]) => [name, String(value)])),
  );
  decodeUpdateBrokerConfigResponse(await connections.ask(address, request, options));
}
