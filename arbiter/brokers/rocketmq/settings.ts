import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { type CallOptions, type Connections, timeLeft } from "#lib/remoting/connections.ts";
import { RemotingError } from "#lib/remoting/errors.ts";
import type { Properties } from "#lib/remoting/properties.ts";
import {
  decodeGetBrokerConfigResponse,
  encodeGetBrokerConfigRequest,
} from "#lib/remoting/records/get-broker-config.ts";
import {
  decodeUpdateBrokerConfigResponse,
  encodeUpdateBrokerConfigRequest,
} from "#lib/remoting/records/update-broker-config.ts";
import type { BrokerSettings } from "../../core/events.ts";
import { doesSpin } from "./spin.ts";

const permission = "brokerPermission";

/** @returns null when it does not answer, or not with these settings */
export async function readSettings(
  connections: Connections,
  log: Logger,
  address: string,
  options: CallOptions,
): Promise<BrokerSettings | null> {
  try {
    return await askSettings(connections, address, options);
  } catch (error) {
    options.signal.throwIfAborted();
    log.debug({ address, error: messageOf(error) }, "broker settings cannot be read");
    return null;
  }
}

/**
 * brokerRole is the first thing that a demotion changes, and from then on no message is taken. The role id (1007) follows when the
 * broker has ended its delayed messages' timers, some 100 ms later, and the answer to the demotion after that.
 * @source RocketMQ 5.3.3 ReplicasManager.changeToSlave, ScheduleMessageService.stop, DefaultMessageStore.checkStoreStatus
 * @returns null when it does not answer, or not with its role
 */
export async function readIsMaster(
  connections: Connections,
  log: Logger,
  address: string,
  options: CallOptions,
): Promise<boolean | null> {
  try {
    return (await readRole(connections, address, options)) !== "SLAVE";
  } catch (error) {
    options.signal.throwIfAborted();
    log.debug({ address, error: messageOf(error) }, "broker's role cannot be read");
    return null;
  }
}

/** What a broker in controller mode is before it is told its role; a master is SYNC_MASTER from then on. */
const roleOfNobody = "ASYNC_MASTER";

/** @throws {RemotingError} */
export async function hasBeenGivenRole(
  connections: Connections,
  address: string,
  options: CallOptions,
): Promise<boolean> {
  return (await readRole(connections, address, options)) !== roleOfNobody;
}

async function readRole(connections: Connections, address: string, options: CallOptions): Promise<string> {
  const { settings } = await readAll(connections, address, options);
  return text(settings, "brokerRole");
}

/** @throws {RemotingError} */
export async function askSettings(
  connections: Connections,
  address: string,
  options: CallOptions,
): Promise<BrokerSettings> {
  const { version, settings } = await readAll(connections, address, options);
  return {
    allAckInSyncStateSet: truth(settings, "allAckInSyncStateSet"),
    minInSyncReplicas: count(settings, "minInSyncReplicas"),
    flushDiskType: text(settings, "flushDiskType"),
    brokerPermission: count(settings, permission),
    spins: doesSpin(settings, version),
  };
}

/**
 * A broker registers at the name servers within the request whenever it is given a brokerPermission (25), whether it is another
 * one or not; so it is given its own. A slave learns its master's replication address by it, for which it else waits up to 30 s.
 * The request also makes the broker write its config file anew.
 * @source RocketMQ 5.3.3 AdminBrokerProcessor.updateBrokerConfig; seen on real brokers
 * @throws {RemotingError}
 */
export async function reregister(
  connections: Connections,
  clock: Clock,
  address: string,
  options: CallOptions,
): Promise<void> {
  const left = timeLeft(clock, options);
  const { settings } = await readAll(connections, address, left());
  const own = String(count(settings, permission));
  const request = encodeUpdateBrokerConfigRequest(new Map([[permission, own]]));
  decodeUpdateBrokerConfigResponse(await connections.ask(address, request, left()));
}

async function readAll(
  connections: Connections,
  address: string,
  options: CallOptions,
): Promise<{ readonly version: number; readonly settings: Properties }> {
  const frame = await connections.read(address, encodeGetBrokerConfigRequest(), options);
  return { version: frame.version, settings: decodeGetBrokerConfigResponse(frame) };
}

function text(settings: Properties, name: string): string {
  const value = settings.get(name);
  if (value !== undefined) return value;
  throw misfit(name, value);
}

function truth(settings: Properties, name: string): boolean {
  const value = text(settings, name);
  if (value === "true" || value === "false") return value === "true";
  throw misfit(name, value);
}

function count(settings: Properties, name: string): number {
  const value = text(settings, name);
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw misfit(name, value);
}

function misfit(field: string, value: string | undefined): RemotingError {
  return new RemotingError("REMOTING_BODY", `The broker's setting ${field} is ${value ?? "missing"}`, { field, value });
}
