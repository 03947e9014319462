/**
 * Settings of brokers whose set may lose nothing that was acknowledged, as docs/operations.md recommends them. Without readUnCommitted
 * the thread of RocketMQ before 5.4 that makes messages readable does not rest while the last of them are not at every in-sync
 * replica: it takes a core, and its broker stands still for seconds. A replica that has connected tells its master where it is with its
 * next heartbeat: by default it is in sync 5 s later than it could be. And one that hangs, or cannot be reached, stops all writes until
 * its master has heard nothing of it for haHousekeepingInterval, by default 20 s: all that is handed to its socket counts as caught up,
 * so haMaxTimeSlaveNotCatchup does not notice it. A replica leaves a silent master after the same time, and cannot be promoted while
 * it tries to connect again: so it is longer than a decision takes. Nor can it while a registration at the name servers is under way,
 * which waits for an unreachable one for registerBrokerTimeoutMills, by default 24 s.
 * @source apache/rocketmq#9811; RocketMQ 5.3.3 AutoSwitchHAClient, AutoSwitchHAConnection.transferToSlave, BrokerController.registerBrokerAll
 */
export const lossless = {
  allAckInSyncStateSet: true,
  readUnCommitted: true,
  haSendHeartbeatInterval: 500,
  haHousekeepingInterval: 3_500,
  registerBrokerTimeoutMills: 2_000,
} as const;

/** For sets that take no message which only one replica has. */
export const losslessTwice = { ...lossless, minInSyncReplicas: 2 } as const;
