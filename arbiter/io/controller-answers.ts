import { requestCodes, resultCodes } from "#lib/remoting/codes.ts";
import type { Fields } from "#lib/remoting/header.ts";
import { type RemotingAnswer, refusal } from "#lib/remoting/message.ts";
import { encodeAlterSyncStateSetResponse } from "#lib/remoting/records/alter-sync-state-set.ts";
import { encodeApplyBrokerIdResponse } from "#lib/remoting/records/apply-broker-id.ts";
import { encodeCleanBrokerDataResponse } from "#lib/remoting/records/clean-broker-data.ts";
import { encodeElectMasterResponse } from "#lib/remoting/records/elect-master.ts";
import { encodeGetMetadataInfoResponse } from "#lib/remoting/records/get-metadata-info.ts";
import { encodeGetNextBrokerIdResponse } from "#lib/remoting/records/get-next-broker-id.ts";
import { encodeGetReplicaInfoResponse } from "#lib/remoting/records/get-replica-info.ts";
import { encodeGetSyncStateDataResponse } from "#lib/remoting/records/get-sync-state-data.ts";
import type { Master } from "#lib/remoting/records/master.ts";
import { encodeRegisterBrokerResponse } from "#lib/remoting/records/register-broker.ts";
import type { SyncStateSet } from "#lib/remoting/records/sync-state-set.ts";
import type { ControllerAnswer, InSyncReplica, MasterInfo } from "../core/controller-messages.ts";

/** Of a stock controller it is the DLedger group's name; brokers do nothing with it. */
const controllerGroup = "crossidc";

/**
 * The core's answers as a stock controller would write them.
 * @param asked what is answered: code, cluster and set of the request, where it has them
 * @source recorded frames of a RocketMQ 5.3.3 controller, see test/fixtures/frames
 */
export function printControllerAnswer(
  answer: ControllerAnswer,
  asked: { readonly code: number; readonly fields: Fields },
): RemotingAnswer {
  switch (answer.kind) {
    case "refused":
      return { ...refusal(answer.code, answer.remark), fields: fieldsOfRefusal(answer, asked) };
    case "alterInSync":
      return encodeAlterSyncStateSetResponse(setOf(answer));
    case "electMaster":
      return printElection(answer);
    case "registerBroker": {
      const { cluster, set, info } = answer;
      const master = masterOf(info);
      return encodeRegisterBrokerResponse({
        clusterName: cluster,
        brokerName: set,
        mastership: master && { master, masterEpoch: info.epoch },
        syncStateSet: setOf(info),
      });
    }
    case "replicaInfo": {
      const { info } = answer;
      return encodeGetReplicaInfoResponse({
        master: masterOf(info),
        masterEpoch: info.epoch,
        syncStateSet: setOf(info),
      });
    }
    case "metadata": {
      // Without a leader the field is left out: a stock broker keeps the leader that it has, and asks the next address.
      const { leader, leaderSite, peers } = answer;
      return encodeGetMetadataInfoResponse({
        group: controllerGroup,
        leader: leader === null ? undefined : { id: leaderSite, address: leader },
        isLeader: leader !== null,
        peers: peers.map((peer) => `${peer};`).join(""),
      });
    }
    case "inSyncData":
      return encodeGetSyncStateDataResponse(
        new Map(
          Object.entries(answer.sets).map(([name, { info, inSync, notInSync }]) => [
            name,
            {
              master: masterOf(info),
              masterEpoch: info.epoch,
              syncStateSetEpoch: info.inSyncEpoch,
              inSync: inSync.map(identityOf),
              notInSync: notInSync.map(identityOf),
            },
          ]),
        ),
      );
    case "nextBrokerId":
      return encodeGetNextBrokerIdResponse({
        clusterName: answer.cluster,
        brokerName: answer.set,
        nextBrokerId: answer.id,
      });
    case "applyBrokerId":
      return encodeApplyBrokerIdResponse({ clusterName: answer.cluster, brokerName: answer.set });
    case "cleanBroker":
      return encodeCleanBrokerDataResponse();
  }
}

function printElection(answer: Extract<ControllerAnswer, { kind: "electMaster" }>): RemotingAnswer {
  const { code, cluster, set, info, members } = answer;
  const master = masterOf(info);
  if (master === undefined) return refusal(resultCodes.CONTROLLER_ELECT_MASTER_FAILED, "Failed to elect a new master");
  const stands = code === resultCodes.CONTROLLER_MASTER_STILL_EXIST;
  const addresses = new Map(Object.entries(members).map(([id, address]) => [Number(id), address]));
  const printed = encodeElectMasterResponse({
    kind: stands ? "stillExists" : "elected",
    master,
    masterEpoch: info.epoch,
    syncStateSet: setOf(info),
    members: stands ? undefined : { clusterName: cluster, brokerName: set, addresses },
  });
  if (!stands) return printed;
  return {
    ...printed,
    remark: `The old master ${master.brokerId} is still alive, not need to elect new master for broker ${set}`,
  };
}

/** A stock controller makes the answer's fields before it knows that it refuses, so some stand there with what they began with. */
function fieldsOfRefusal(
  answer: Extract<ControllerAnswer, { kind: "refused" }>,
  asked: { readonly code: number; readonly fields: Fields },
): Fields {
  switch (asked.code) {
    case requestCodes.CONTROLLER_ALTER_SYNC_STATE_SET:
      return { newSyncStateSetEpoch: "0" };
    case requestCodes.CONTROLLER_REGISTER_BROKER:
    case requestCodes.CONTROLLER_APPLY_BROKER_ID:
      return {
        clusterName: answer.cluster ?? asked.fields["clusterName"] ?? "",
        brokerName: answer.set ?? asked.fields["brokerName"] ?? "",
      };
    default:
      return {};
  }
}

function masterOf({ master, address }: MasterInfo): Master | undefined {
  return master === null || address === null ? undefined : { brokerId: master, address };
}

function setOf({ inSync, inSyncEpoch }: { inSync: readonly number[]; inSyncEpoch: number }): SyncStateSet {
  return { brokerIds: inSync, epoch: inSyncEpoch };
}

function identityOf({ set, id, address, alive }: InSyncReplica) {
  return { brokerName: set, brokerId: id, brokerAddress: address, alive };
}
