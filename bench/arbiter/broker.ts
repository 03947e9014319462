import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes, resultCodes } from "#lib/remoting/codes.ts";
import { connectRemoting, type RemotingClient } from "#lib/remoting/connection.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { notSupported, type RemotingAnswer, type RemotingRequest, refusal } from "#lib/remoting/message.ts";
import { encodeBrokerHeartbeatRequest } from "#lib/remoting/records/broker-heartbeat.ts";
import { encodeGetBrokerConfigResponse } from "#lib/remoting/records/get-broker-config.ts";
import { encodeGetBrokerEpochCacheResponse } from "#lib/remoting/records/get-broker-epoch-cache.ts";
import { encodeGetHaStatusResponse } from "#lib/remoting/records/get-ha-status.ts";
import type { Master } from "#lib/remoting/records/master.ts";
import {
  decodeNotifyBrokerRoleChangedRequest,
  encodeNotifyBrokerRoleChangedResponse,
} from "#lib/remoting/records/notify-broker-role-changed.ts";
import { decodePullMessageRequest, encodePullMessageResponse } from "#lib/remoting/records/pull-message.ts";
import { decodeSendMessageRequest, encodeSendMessageResponse } from "#lib/remoting/records/send-message.ts";
import type { SyncStateSet } from "#lib/remoting/records/sync-state-set.ts";
import { encodeCreateTopicResponse } from "#lib/remoting/records/update-and-create-topic.ts";
import { encodeUpdateBrokerConfigResponse } from "#lib/remoting/records/update-broker-config.ts";
import { listenRemoting } from "#lib/remoting/server.ts";

export const cluster = "C1";
const requestMsMax = 3_000;
/** Nothing is written in these brokers: every log ends here. */
const logEnd = 1_000_000n;

/** A broker as an arbiter sees it: it has an address, answers as a stock one does, and obeys rising epochs. It stores nothing. */
export interface SimulatedBroker {
  readonly set: string;
  readonly id: number;
  readonly address: string;
  readonly epoch: number;
  readonly inSync: SyncStateSet;
  readonly isMaster: boolean;
  readonly alive: boolean;
  /** It obeys when the epoch is above its own; of its own epoch it takes a newer in-sync set. */
  follow(master: Master | undefined, epoch: number, inSync: SyncStateSet): void;
  /** To every arbiter. */
  heartbeat(): void;
  /** @throws {RemotingError} when that arbiter does not answer */
  ask(door: string, request: RemotingRequest): Promise<Frame>;
  /** As a killed process: its connections end, its port refuses. */
  die(): Promise<void>;
}

export async function startBroker(
  place: { readonly set: string; readonly id: number; readonly address: string },
  doors: readonly string[],
  onMaster: (broker: SimulatedBroker) => void,
): Promise<SimulatedBroker> {
  const { set, id, address } = place;
  const life = new AbortController();
  const { signal } = life;
  const clients = new Map<string, Promise<RemotingClient>>();
  const open = new Map<string, RemotingClient>();
  let epoch = 0;
  let logEpoch = -1;
  let isMaster = false;
  let inSync: SyncStateSet = { brokerIds: [], epoch: 0 };
  let message: { topic: string; body: Uint8Array; queueOffset: bigint } | undefined;
  const topics = new Set<string>();

  const server = await listenRemoting({
    listen: address,
    context: () => undefined,
    onRequest: answer,
    clock: systemClock,
    log: silentLogger,
    signal,
  });

  async function connect(door: string): Promise<RemotingClient> {
    const [host = "", port = ""] = door.split(":");
    const client = await connectRemoting({
      ...{ host, port: Number(port), connectTimeoutMs: requestMsMax },
      clock: systemClock,
      signal,
    });
    open.set(door, client);
    void client.closed.then(() => {
      open.delete(door);
      clients.delete(door);
    });
    return client;
  }

  function clientOf(door: string): Promise<RemotingClient> {
    const known = clients.get(door);
    if (known !== undefined) return known;
    const made = connect(door);
    clients.set(door, made);
    made.catch(() => clients.delete(door));
    return made;
  }

  function answer(frame: Frame): RemotingAnswer {
    switch (frame.code) {
      case requestCodes.GET_BROKER_EPOCH_CACHE:
        return encodeGetBrokerEpochCacheResponse({
          clusterName: cluster,
          brokerName: set,
          brokerId: isMaster ? 0 : id,
          epochs: [{ epoch: logEpoch, startOffset: 0n, endOffset: 2n ** 63n - 1n }],
          maxOffset: logEnd,
        });
      case requestCodes.NOTIFY_BROKER_ROLE_CHANGED: {
        const said = decodeNotifyBrokerRoleChangedRequest(frame);
        self.follow(said.master, said.masterEpoch, said.syncStateSet);
        return encodeNotifyBrokerRoleChangedResponse();
      }
      case requestCodes.GET_BROKER_HA_STATUS:
        return encodeGetHaStatusResponse({
          isMaster: true,
          maxOffset: logEnd,
          inSyncSlaves: inSync.brokerIds.length - 1,
          slaves: [],
        });
      case requestCodes.GET_BROKER_CONFIG:
        return encodeGetBrokerConfigResponse(settings(isMaster));
      case requestCodes.UPDATE_BROKER_CONFIG:
        return encodeUpdateBrokerConfigResponse();
      case requestCodes.UPDATE_AND_CREATE_TOPIC:
        topics.add(frame.fields["topic"] ?? "");
        return encodeCreateTopicResponse();
      case requestCodes.SEND_MESSAGE:
        return send(frame);
      case requestCodes.PULL_MESSAGE:
        return pull(frame);
      default:
        return notSupported(frame);
    }
  }

  function send(frame: Frame): RemotingAnswer {
    const { topic, body } = decodeSendMessageRequest(frame);
    if (!isMaster) return refusal(resultCodes.SYSTEM_BUSY, "[REJECTREQUEST]system busy");
    if (!topics.has(topic)) return refusal(resultCodes.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
    const queueOffset = (message?.queueOffset ?? -1n) + 1n;
    message = { topic, body: Uint8Array.from(body), queueOffset };
    return encodeSendMessageResponse({ kind: "ok", messageId: "m", queueId: 0, queueOffset });
  }

  function pull(frame: Frame): RemotingAnswer {
    const { topic, queueOffset } = decodePullMessageRequest(frame);
    if (!topics.has(topic)) return refusal(resultCodes.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
    const maxOffset = (message?.queueOffset ?? -1n) + 1n;
    const offsets = { minOffset: 0n, maxOffset, nextOffset: queueOffset + 1n };
    if (message?.queueOffset !== queueOffset)
      return encodePullMessageResponse({ kind: "nothingThere", ...offsets, messages: [] });
    const where = { queueId: 0, logOffset: 0n, sysFlag: 0, bornTimestamp: 0n, storeTimestamp: 0n };
    const stored = { ...message, ...where, properties: new Map<string, string>() };
    return encodePullMessageResponse({ kind: "found", ...offsets, messages: [stored] });
  }

  const self: SimulatedBroker = {
    ...place,
    get epoch() {
      return epoch;
    },
    get inSync() {
      return inSync;
    },
    get isMaster() {
      return isMaster;
    },
    get alive() {
      return !signal.aborted;
    },
    follow(master, masterEpoch, said) {
      if (masterEpoch === epoch && isMaster && said.epoch > inSync.epoch) inSync = said;
      if (master === undefined || masterEpoch <= epoch) return;
      epoch = masterEpoch;
      logEpoch = masterEpoch;
      inSync = said;
      isMaster = master.brokerId === id;
      if (isMaster) onMaster(self);
    },
    heartbeat() {
      const beat = encodeBrokerHeartbeatRequest({
        clusterName: cluster,
        brokerName: set,
        brokerId: id,
        brokerAddress: address,
        epoch: logEpoch,
        maxOffset: logEnd,
        confirmOffset: logEnd,
        heartbeatTimeoutMs: 10_000,
        electionPriority: 1,
      });
      for (const door of doors) {
        const client = open.get(door);
        if (client?.open === true) client.send(beat);
        // One that is not up yet, or again, hears the next.
        else clientOf(door).catch(() => {});
      }
    },
    async ask(door, request) {
      return await (await clientOf(door)).ask(request, { timeoutMs: requestMsMax, signal });
    },
    async die() {
      life.abort();
      await server.close();
    },
  };
  return self;
}

/** A stock broker tells 300 of them. */
function settings(isMaster: boolean): ReadonlyMap<string, string> {
  return new Map([
    ["brokerRole", isMaster ? "SYNC_MASTER" : "SLAVE"],
    ["allAckInSyncStateSet", "true"],
    ["minInSyncReplicas", "1"],
    ["flushDiskType", "ASYNC_FLUSH"],
    ["brokerPermission", "6"],
    ...Array.from({ length: 300 }, (_, at): [string, string] => [`someSettingOfABroker${at}`, String(at * 1_000)]),
  ]);
}
