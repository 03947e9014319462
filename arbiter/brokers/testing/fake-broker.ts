import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes, resultCodes } from "#lib/remoting/codes.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { notSupported, type RemotingAnswer, refusal } from "#lib/remoting/message.ts";
import { encodeGetBrokerClusterInfoResponse } from "#lib/remoting/records/get-broker-cluster-info.ts";
import { encodeGetBrokerConfigResponse } from "#lib/remoting/records/get-broker-config.ts";
import { encodeGetBrokerEpochCacheResponse } from "#lib/remoting/records/get-broker-epoch-cache.ts";
import { encodeGetHaStatusResponse } from "#lib/remoting/records/get-ha-status.ts";
import {
  decodeNotifyBrokerRoleChangedRequest,
  encodeNotifyBrokerRoleChangedResponse,
} from "#lib/remoting/records/notify-broker-role-changed.ts";
import { decodePullMessageRequest, encodePullMessageResponse } from "#lib/remoting/records/pull-message.ts";
import { decodeSendMessageRequest, encodeSendMessageResponse } from "#lib/remoting/records/send-message.ts";
import { encodeCreateTopicResponse } from "#lib/remoting/records/update-and-create-topic.ts";
import {
  decodeUpdateBrokerConfigRequest,
  encodeUpdateBrokerConfigResponse,
} from "#lib/remoting/records/update-broker-config.ts";
import { listenRemoting } from "#lib/remoting/server.ts";

/** What a stock broker would do, as far as the arbiter can see it; all of it can be changed while it runs. */
export interface FakeBroker extends AsyncDisposable {
  readonly address: string;
  readonly id: number;
  /** Role id 0 or its own. */
  acting: boolean;
  /** A master that is being demoted: it takes no messages any more, and has role id 0 still. */
  changing: boolean;
  epoch: number;
  maxOffset: bigint;
  inSyncSlaves: number;
  /** 1007 is answered with this code. */
  epochCacheCode: number;
  /** 25 is answered with this code. */
  updateCode: number;
  /** What a send is answered with. */
  sendKind: "ok" | "flushSlaveTimeout";
  /** Requests are answered so much later. */
  answerAfter: Promise<void> | undefined;
  readonly settings: Map<string, string>;
  readonly topics: Set<string>;
  /** Codes of the requests, in their order. */
  readonly asked: number[];
  /** Of each 25. */
  readonly updates: ReadonlyMap<string, string>[];
  readonly connections: number;
  /** It ends all connections and listens no more. */
  stop(): Promise<void>;
}

const cluster = "C1";
const set = "bs1";

/** @param listen host:port, to start again where one was */
export async function startFakeBroker(listen = "127.0.0.1:0"): Promise<FakeBroker> {
  const { signal } = new AbortController();
  const messages: { topic: string; body: Uint8Array }[] = [];
  const server = await listenRemoting({
    listen,
    context: () => undefined,
    onRequest: (frame) => {
      self.asked.push(frame.code);
      if (self.answerAfter === undefined) return answer(frame);
      return self.answerAfter.then(() => answer(frame));
    },
    clock: systemClock,
    log: silentLogger,
    signal,
  });

  function answer(frame: Frame): RemotingAnswer {
    switch (frame.code) {
      case requestCodes.GET_BROKER_EPOCH_CACHE:
        if (self.epochCacheCode !== 0) return refusal(self.epochCacheCode, "only support in controller mode");
        return encodeGetBrokerEpochCacheResponse({
          clusterName: cluster,
          brokerName: set,
          brokerId: self.acting ? 0 : self.id,
          epochs: [
            { epoch: 1, startOffset: 0n, endOffset: 10n },
            { epoch: self.epoch, startOffset: 10n, endOffset: 2n ** 63n - 1n },
          ],
          maxOffset: self.maxOffset,
        });
      case requestCodes.NOTIFY_BROKER_ROLE_CHANGED: {
        const { master, masterEpoch } = decodeNotifyBrokerRoleChangedRequest(frame);
        if (master !== undefined && masterEpoch > self.epoch) {
          self.epoch = masterEpoch;
          self.acting = master.brokerId === self.id;
        }
        return encodeNotifyBrokerRoleChangedResponse();
      }
      case requestCodes.GET_BROKER_HA_STATUS:
        return self.acting
          ? encodeGetHaStatusResponse({ isMaster: true, maxOffset: 0n, inSyncSlaves: self.inSyncSlaves, slaves: [] })
          : encodeGetHaStatusResponse({
              isMaster: false,
              masterHaAddress: undefined,
              maxOffset: 0n,
              masterFlushOffset: 0n,
              receivedBytesPerSecond: 0n,
              lastReadAt: 0n,
              lastWriteAt: 0n,
            });
      case requestCodes.GET_BROKER_CONFIG:
        return encodeGetBrokerConfigResponse(new Map([["brokerRole", roleOf(self)], ...self.settings]));
      case requestCodes.UPDATE_BROKER_CONFIG: {
        if (self.updateCode !== 0) return refusal(self.updateCode, "a setting is in the black list");
        const update = decodeUpdateBrokerConfigRequest(frame);
        self.updates.push(update);
        for (const [name, value] of update) self.settings.set(name, value);
        return encodeUpdateBrokerConfigResponse();
      }
      case requestCodes.UPDATE_AND_CREATE_TOPIC:
        self.topics.add(frame.fields["topic"] ?? "");
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
    if (!self.acting) return refusal(resultCodes.SYSTEM_BUSY, "[REJECTREQUEST]system busy");
    if (!self.topics.has(topic)) return refusal(resultCodes.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
    messages.push({ topic, body: Uint8Array.from(body) });
    const queueOffset = BigInt(messages.length - 1);
    return encodeSendMessageResponse({ kind: self.sendKind, messageId: "m", queueId: 0, queueOffset });
  }

  function pull(frame: Frame): RemotingAnswer {
    const { topic, queueOffset } = decodePullMessageRequest(frame);
    if (!self.topics.has(topic)) return refusal(resultCodes.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
    const found = messages[Number(queueOffset)];
    const offsets = { minOffset: 0n, maxOffset: BigInt(messages.length), nextOffset: queueOffset + 1n };
    if (found === undefined) return encodePullMessageResponse({ kind: "nothingThere", ...offsets, messages: [] });
    const stored = {
      ...found,
      queueId: 0,
      queueOffset,
      logOffset: 0n,
      sysFlag: 0,
      bornTimestamp: 0n,
      storeTimestamp: 0n,
      properties: new Map<string, string>(),
    };
    return encodePullMessageResponse({ kind: "found", ...offsets, messages: [stored] });
  }

  const self: FakeBroker = {
    address: server.address,
    id: 2,
    acting: false,
    changing: false,
    epoch: 7,
    maxOffset: 1_234n,
    inSyncSlaves: 1,
    epochCacheCode: 0,
    updateCode: 0,
    sendKind: "ok",
    answerAfter: undefined,
    settings: new Map([
      ["allAckInSyncStateSet", "true"],
      ["minInSyncReplicas", "1"],
      ["flushDiskType", "ASYNC_FLUSH"],
      ["brokerPermission", "4"],
    ]),
    topics: new Set(),
    asked: [],
    updates: [],
    get connections() {
      return server.connections.size;
    },
    stop: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
  return self;
}

function roleOf({ acting, changing }: FakeBroker): string {
  return acting && !changing ? "SYNC_MASTER" : "SLAVE";
}

/** A name server that shows this id 0, or none. */
export async function startFakeNameServer(shown: { readonly master: string | null; readonly cluster?: string }) {
  const { signal } = new AbortController();
  let asked = 0;
  const server = await listenRemoting({
    listen: "127.0.0.1:0",
    context: () => undefined,
    onRequest(frame) {
      if (frame.code !== requestCodes.GET_BROKER_CLUSTER_INFO) return notSupported(frame);
      asked += 1;
      const addresses = new Map(shown.master === null ? [] : [[0, shown.master]]);
      const data = {
        clusterName: shown.cluster ?? cluster,
        brokerName: set,
        addresses: addresses.set(3, "127.0.0.1:3"),
        enableActingMaster: false,
        zoneName: undefined,
      };
      return encodeGetBrokerClusterInfoResponse({
        brokerSets: new Map([[set, data]]),
        clusters: new Map([[data.clusterName, [set]]]),
      });
    },
    clock: systemClock,
    log: silentLogger,
    signal,
  });
  return {
    address: server.address,
    get asked() {
      return asked;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}
