/**
 * Settings of brokers whose set may lose nothing that was acknowledged, as docs/operations.md recommends them. Without readUnCommitted
 * the thread of RocketMQ before 5.4 that makes messages readable does not rest while the last of them are not at every in-sync
 * replica: it takes a core, and its broker stands still for seconds. And a replica that has connected tells its master where it is with
 * its next heartbeat: by default it is in sync 5 s later than it could be.
 * @source apache/rocketmq#9811; RocketMQ 5.3.3 AutoSwitchHAClient.transferFromMaster
 */
export const lossless = { allAckInSyncStateSet: true, readUnCommitted: true, haSendHeartbeatInterval: 500 } as const;

/** For sets that take no message which only one replica has. */
export const losslessTwice = { ...lossless, minInSyncReplicas: 2 } as const;
