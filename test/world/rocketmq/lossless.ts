/**
 * Settings of brokers whose set may lose nothing that was acknowledged, as docs/operations.md recommends them. Without readUnCommitted
 * the thread of RocketMQ before 5.4 that makes messages readable does not rest while the last of them are not at every in-sync
 * replica: it takes a core, and its broker stands still for seconds.
 * @source apache/rocketmq#9811
 */
export const lossless = { allAckInSyncStateSet: true, readUnCommitted: true } as const;
