import { requestCodes, requestName } from "#lib/remoting/codes.ts";
import { RemotingError } from "#lib/remoting/errors.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { decodeAlterSyncStateSetRequest } from "#lib/remoting/records/alter-sync-state-set.ts";
import { decodeApplyBrokerIdRequest } from "#lib/remoting/records/apply-broker-id.ts";
import { decodeBrokerHeartbeatRequest } from "#lib/remoting/records/broker-heartbeat.ts";
import { decodeCleanBrokerDataRequest } from "#lib/remoting/records/clean-broker-data.ts";
import { decodeElectMasterRequest } from "#lib/remoting/records/elect-master.ts";
import { decodeGetNextBrokerIdRequest } from "#lib/remoting/records/get-next-broker-id.ts";
import { decodeGetReplicaInfoRequest } from "#lib/remoting/records/get-replica-info.ts";
import { decodeGetSyncStateDataRequest } from "#lib/remoting/records/get-sync-state-data.ts";
import { decodeRegisterBrokerRequest } from "#lib/remoting/records/register-broker.ts";
import type { ControllerRequest, Heartbeat } from "../core/controller-messages.ts";

/**
 * What brokers and admin tools ask a controller, as the core takes it.
 * @returns undefined: a code that is no question for the core
 * @throws {RemotingError} when a field or the body says something else than is due
 */
export function readControllerRequest(frame: Frame): ControllerRequest | undefined {
  switch (frame.code) {
    case requestCodes.CONTROLLER_ALTER_SYNC_STATE_SET: {
      const { brokerName, masterBrokerId, masterEpoch, syncStateSet } = decodeAlterSyncStateSetRequest(frame);
      return {
        kind: "alterInSync",
        set: named(frame, "brokerName", brokerName),
        master: masterBrokerId,
        epoch: masterEpoch,
        inSync: syncStateSet.brokerIds,
        inSyncEpoch: syncStateSet.epoch,
      };
    }
    case requestCodes.CONTROLLER_ELECT_MASTER: {
      const { brokerId, designateElect, ...names } = decodeElectMasterRequest(frame);
      return { kind: "electMaster", ...bothNamed(frame, names), id: brokerId ?? null, designate: designateElect };
    }
    case requestCodes.CONTROLLER_REGISTER_BROKER: {
      const { brokerId, brokerAddress, ...names } = decodeRegisterBrokerRequest(frame);
      return { kind: "registerBroker", ...bothNamed(frame, names), id: brokerId, address: brokerAddress };
    }
    case requestCodes.CONTROLLER_GET_REPLICA_INFO:
      return { kind: "replicaInfo", set: decodeGetReplicaInfoRequest(frame).brokerName };
    case requestCodes.CONTROLLER_GET_METADATA_INFO:
      return { kind: "metadata" };
    case requestCodes.CONTROLLER_GET_SYNC_STATE_DATA:
      return { kind: "inSyncData", sets: decodeGetSyncStateDataRequest(frame).brokerNames };
    case requestCodes.CONTROLLER_GET_NEXT_BROKER_ID:
      return { kind: "nextBrokerId", ...bothNamed(frame, decodeGetNextBrokerIdRequest(frame)) };
    case requestCodes.CONTROLLER_APPLY_BROKER_ID: {
      const { appliedBrokerId, registerCheckCode, ...names } = decodeApplyBrokerIdRequest(frame);
      return { kind: "applyBrokerId", ...bothNamed(frame, names), id: appliedBrokerId, checkCode: registerCheckCode };
    }
    case requestCodes.CLEAN_BROKER_DATA: {
      const { clusterName, brokerName, brokerIds, cleanLivingBroker } = decodeCleanBrokerDataRequest(frame);
      return {
        kind: "cleanBroker",
        cluster: clusterName === undefined ? null : named(frame, "clusterName", clusterName),
        set: named(frame, "brokerName", brokerName),
        ids: brokerIds ?? null,
        living: cleanLivingBroker,
      };
    }
    default:
      return undefined;
  }
}

/** @throws {RemotingError} as above */
export function readHeartbeat(frame: Frame): Heartbeat {
  const { brokerId, brokerAddress, epoch, maxOffset, electionPriority, ...names } = decodeBrokerHeartbeatRequest(frame);
  return {
    ...bothNamed(frame, names),
    id: brokerId,
    address: brokerAddress,
    epoch,
    maxOffset,
    priority: electionPriority,
  };
}

function bothNamed(frame: Frame, names: { clusterName: string; brokerName: string }): { cluster: string; set: string } {
  return {
    cluster: named(frame, "clusterName", names.clusterName),
    set: named(frame, "brokerName", names.brokerName),
  };
}

/** Names become parts of the ledger's keys, where a slash would make them another key. */
function named(frame: Frame, field: string, value: string): string {
  if (nameAllowed.test(value)) return value;
  const shown = JSON.stringify(value.slice(0, nameCharactersMax));
  throw new RemotingError(
    "REMOTING_FIELD",
    `${requestName(frame.code)}: ${field} is ${shown}: a name has 1 to ${nameCharactersMax} characters, and no slash or blank`,
    { field, value },
  );
}

const nameCharactersMax = 255;
const nameAllowed = /^[^/\s\p{Cc}]{1,255}$/u;
