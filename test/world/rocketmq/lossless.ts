/**
 * Settings of brokers whose set may lose nothing that was acknowledged, as docs/operations.md recommends them. Without readUnCommitted
 * the thread of RocketMQ before 5.4 that makes messages readable does not rest while the last of them are not at every in-sync
 * replica: it takes a core, and its broker stands still for seconds.
 * @source apache/rocketmq#9811
 */
export const lossless = { allAckInSyncStateSet: true, readUnCommitted: true } as const;

/**
 * For sets that take no message which only one replica has. A new master waits for its first replica, and that one tells it where it is
 * with its next heartbeat: by default 5 s after it has connected.
 * @source RocketMQ 5.3.3 AutoSwitchHAClient.transferFromMaster
 */
export const losslessTwice = { ...lossless, minInSyncReplicas: 2, haSendHeartbeatInterval: 500 } as const;
