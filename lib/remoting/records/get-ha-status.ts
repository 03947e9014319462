import { type BodyReader, readBody } from "../body.ts";
import { requestCodes, requestName } from "../codes.ts";
import { printJson } from "../fastjson.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";

/** How replication stands, as one side of it sees it. */
export type HaStatus = MasterHaStatus | SlaveHaStatus;

interface MasterHaStatus {
  readonly isMaster: true;
  /** The end of the log. */
  readonly maxOffset: bigint;
  /** The size of the sync-state set without the master. */
  readonly inSyncSlaves: number;
  readonly slaves: readonly HaConnection[];
}

interface HaConnection {
  /** The far end of the replication connection, not the broker's address: only the host is of use. */
  readonly address: string;
  readonly ackOffset: bigint;
  /** What the slave has yet to confirm. */
  readonly lagBytes: bigint;
  /** In the set that the master itself holds. */
  readonly inSync: boolean;
  readonly sentBytesPerSecond: bigint;
  /** Where the first transfer over this connection began. */
  readonly sentFromOffset: bigint;
}

interface SlaveHaStatus {
  readonly isMaster: false;
  /** host:port of the master's replication port; undefined: it knows none. */
  readonly masterHaAddress: string | undefined;
  readonly maxOffset: bigint;
  readonly masterFlushOffset: bigint;
  readonly receivedBytesPerSecond: bigint;
  /** Milliseconds since 1970, by the broker's clock. */
  readonly lastReadAt: bigint;
  readonly lastWriteAt: bigint;
}

const code = requestCodes.GET_BROKER_HA_STATUS;

/** No fields. @source RocketMQ 5.3.3 AdminBrokerProcessor.getBrokerHaStatus */
export function encodeGetHaStatusRequest(): RemotingRequest {
  return request(code);
}

/**
 * body: {"haClientRuntimeInfo": {"lastReadTimestamp", "lastWriteTimestamp", "masterAddr"?, "masterFlushOffset", "maxOffset",
 * "transferredByteInSecond"}, "haConnectionInfo": [{"addr", "diff", "inSync", "slaveAckOffset", "transferFromWhere",
 * "transferredByteInSecond"}], "inSyncSlaveNums", "master", "masterCommitLogMaxOffset"}
 * A slave fills the first, a master the others.
 * @source RocketMQ 5.3.3 HARuntimeInfo, AutoSwitchHAService.getRuntimeInfo
 */
export function encodeGetHaStatusResponse(status: HaStatus): RemotingAnswer {
  return success({}, printJson(status.isMaster ? printMaster(status) : printSlave(status)));
}

export function decodeGetHaStatusResponse(frame: Frame): HaStatus {
  expectResult(frame, code);
  const body = readBody(frame.body, `answer to ${requestName(code)}`);
  return body.member("master").bool() ? readMaster(body) : readSlave(body.member("haClientRuntimeInfo"));
}

function readMaster(body: BodyReader): MasterHaStatus {
  return {
    isMaster: true,
    maxOffset: body.member("masterCommitLogMaxOffset").int64(),
    inSyncSlaves: body.member("inSyncSlaveNums").int32(),
    slaves: body
      .member("haConnectionInfo")
      .items()
      .map((slave) => ({
        address: slave.member("addr").text(),
        ackOffset: slave.member("slaveAckOffset").int64(),
        lagBytes: slave.member("diff").int64(),
        inSync: slave.member("inSync").bool(),
        sentBytesPerSecond: slave.member("transferredByteInSecond").int64(),
        sentFromOffset: slave.member("transferFromWhere").int64(),
      })),
  };
}

function readSlave(client: BodyReader): SlaveHaStatus {
  return {
    isMaster: false,
    masterHaAddress: client.optional("masterAddr")?.text(),
    maxOffset: client.member("maxOffset").int64(),
    masterFlushOffset: client.member("masterFlushOffset").int64(),
    receivedBytesPerSecond: client.member("transferredByteInSecond").int64(),
    lastReadAt: client.member("lastReadTimestamp").int64(),
    lastWriteAt: client.member("lastWriteTimestamp").int64(),
  };
}

function printMaster({ inSyncSlaves, maxOffset, slaves }: MasterHaStatus): object {
  return {
    haConnectionInfo: slaves.map((slave) => ({
      addr: slave.address,
      diff: slave.lagBytes,
      inSync: slave.inSync,
      slaveAckOffset: slave.ackOffset,
      transferFromWhere: slave.sentFromOffset,
      transferredByteInSecond: slave.sentBytesPerSecond,
    })),
    inSyncSlaveNums: inSyncSlaves,
    master: true,
    masterCommitLogMaxOffset: maxOffset,
  };
}

function printSlave(slave: SlaveHaStatus): object {
  return {
    haClientRuntimeInfo: {
      lastReadTimestamp: slave.lastReadAt,
      lastWriteTimestamp: slave.lastWriteAt,
      masterAddr: slave.masterHaAddress,
      masterFlushOffset: slave.masterFlushOffset,
      maxOffset: slave.maxOffset,
      transferredByteInSecond: slave.receivedBytesPerSecond,
    },
    haConnectionInfo: [],
    inSyncSlaveNums: 0,
    master: false,
    masterCommitLogMaxOffset: 0,
  };
}
