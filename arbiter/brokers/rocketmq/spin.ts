import type { Properties } from "#lib/remoting/properties.ts";

/** 5.4.0, as brokers number it in their answers. @source RocketMQ MQVersion */
const mended = 493;

/**
 * The thread of a broker that makes messages readable does not rest while the last of them are not at every in-sync replica, before
 * RocketMQ 5.4: it takes a core, and its broker stands still at times. With readUnCommitted it waits for none.
 * @source apache/rocketmq#9811; seen in thread dumps of 5.3.3
 * @param version of the broker's answer
 */
export function doesSpin(settings: Properties, version: number): boolean {
  return (
    version < mended && settings.get("allAckInSyncStateSet") === "true" && settings.get("readUnCommitted") !== "true"
  );
}
