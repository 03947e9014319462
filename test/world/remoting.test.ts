import { expect } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { overSocket, type RemotingClient } from "#lib/remoting/connection.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { type RemotingRequest, request } from "#lib/remoting/message.ts";
import {
  decodeGetBrokerClusterInfoResponse,
  encodeGetBrokerClusterInfoRequest,
} from "#lib/remoting/records/get-broker-cluster-info.ts";
import {
  decodeGetBrokerConfigResponse,
  encodeGetBrokerConfigRequest,
} from "#lib/remoting/records/get-broker-config.ts";
import {
  decodeGetBrokerEpochCacheResponse,
  encodeGetBrokerEpochCacheRequest,
} from "#lib/remoting/records/get-broker-epoch-cache.ts";
import { decodeGetHaStatusResponse, encodeGetHaStatusRequest } from "#lib/remoting/records/get-ha-status.ts";
import {
  decodeGetMetadataInfoResponse,
  encodeGetMetadataInfoRequest,
} from "#lib/remoting/records/get-metadata-info.ts";
import { decodeGetRouteInfoResponse, encodeGetRouteInfoRequest } from "#lib/remoting/records/get-route-info.ts";
import {
  decodeGetSyncStateDataResponse,
  encodeGetSyncStateDataRequest,
} from "#lib/remoting/records/get-sync-state-data.ts";
import { decodePullMessageResponse, encodePullMessageRequest } from "#lib/remoting/records/pull-message.ts";
import { decodeSendMessageResponse, encodeSendMessageRequest } from "#lib/remoting/records/send-message.ts";
import { decodeCreateTopicResponse, encodeCreateTopicRequest } from "#lib/remoting/records/update-and-create-topic.ts";
import {
  decodeUpdateBrokerConfigResponse,
  encodeUpdateBrokerConfigRequest,
} from "#lib/remoting/records/update-broker-config.ts";
import { eventually } from "../integration/harness/eventually.ts";
import { openWorld, type World } from "./world.ts";
import { worldTest } from "./world-test.ts";

const answerMsMax = 10_000;
const settleMsMax = 90_000;
const timeoutMs = 280_000;
const signal = new AbortController().signal;
const set = "bs1";
const topic = "canary";

worldTest(
  "stock brokers, controllers and name servers understand what is asked, and are understood",
  async () => {
    await using world = await openWorld();
    const [[nameServer], [controller]] = await Promise.all([world.nameServers(["idc1"]), world.controllers(["idc1"])]);
    if (nameServer === undefined || controller === undefined) throw new Error("no name server, or no controller");
    const brokers = await world.brokers(["idc1", "idc2"], {
      set,
      cluster: "C1",
      nameServers: [nameServer.address],
      controllers: [controller.address],
    });
    await using names = await dial(world, nameServer.address);
    await using control = await dial(world, controller.address);

    expect(decodeGetMetadataInfoResponse(await ask(control, encodeGetMetadataInfoRequest()))).toMatchObject({
      leader: { address: controller.address },
      isLeader: true,
    });
    const known = await eventually(
      async () => {
        const asked = encodeGetSyncStateDataRequest({ brokerNames: [set] });
        const info = decodeGetSyncStateDataResponse(await ask(control, asked)).get(set);
        expect(info?.inSync.map(({ brokerAddress }) => brokerAddress).toSorted()).toEqual(
          brokers.map(({ address }) => address).toSorted(),
        );
        return info;
      },
      { withinMs: settleMsMax, everyMs: 500 },
    );
    const masterAddress = known?.master?.address ?? "";
    const slaveAddress = brokers.find(({ address }) => address !== masterAddress)?.address ?? "";
    await using master = await dial(world, masterAddress);
    await using slave = await dial(world, slaveAddress);

    const { brokerSets, clusters } = decodeGetBrokerClusterInfoResponse(
      await ask(names, encodeGetBrokerClusterInfoRequest()),
    );
    expect(clusters).toEqual(new Map([["C1", [set]]]));
    expect(brokerSets.get(set)?.addresses.get(0)).toBe(masterAddress);

    const create = encodeCreateTopicRequest({ topic, readQueues: 2, writeQueues: 2, perm: 6 });
    decodeCreateTopicResponse(await ask(master, create));
    const routeOf = async (name: string) =>
      decodeGetRouteInfoResponse(await ask(names, encodeGetRouteInfoRequest({ topic: name })));
    expect(await routeOf("nosuch")).toBeUndefined();
    const route = await eventually(
      async () => {
        const now = await routeOf(topic);
        expect(now).toBeDefined();
        return now;
      },
      { withinMs: settleMsMax },
    );
    expect(route).toMatchObject({ isStatic: false, queues: [{ brokerName: set, perm: 6, readQueues: 2 }] });

    const send = encodeSendMessageRequest({
      producerGroup: "canary",
      topic,
      queueId: 1,
      bornTimestamp: 1_700_000_000_000n,
      properties: new Map([["KEYS", "k1"]]),
      body: Buffer.from("a bird"),
    });
    expect(decodeSendMessageResponse(await ask(master, send))).toMatchObject({
      kind: "ok",
      queueId: 1,
      queueOffset: 0n,
    });
    const pull = encodePullMessageRequest({
      consumerGroup: "canary",
      topic,
      queueId: 1,
      queueOffset: 0n,
      messagesMax: 32,
    });
    const pulled = await eventually(
      async () => {
        const now = decodePullMessageResponse(await ask(master, pull));
        expect(now.kind).toBe("found");
        return now;
      },
      { withinMs: settleMsMax },
    );
    expect(pulled.messages).toMatchObject([{ topic, queueId: 1, bornTimestamp: 1_700_000_000_000n }]);
    expect(Buffer.from(pulled.messages[0]?.body ?? []).toString()).toBe("a bird");
    expect(pulled.messages[0]?.properties.get("KEYS")).toBe("k1");

    const { epochs, ...log } = decodeGetBrokerEpochCacheResponse(await ask(master, encodeGetBrokerEpochCacheRequest()));
    expect(log).toMatchObject({ clusterName: "C1", brokerName: set, brokerId: 0 });
    expect(log.maxOffset).toBeGreaterThan(0n);
    expect(epochs.at(-1)?.epoch).toBe(known?.masterEpoch);

    const ofMaster = decodeGetHaStatusResponse(await ask(master, encodeGetHaStatusRequest()));
    expect(ofMaster).toMatchObject({ isMaster: true, inSyncSlaves: 1, slaves: [{ inSync: true }] });
    const ofSlave = decodeGetHaStatusResponse(await ask(slave, encodeGetHaStatusRequest()));
    expect(ofSlave).toMatchObject({ isMaster: false, masterHaAddress: expect.stringContaining(":") });

    const before = decodeGetBrokerConfigResponse(await ask(master, encodeGetBrokerConfigRequest()));
    expect(before.get("brokerName")).toBe(set);
    expect(before.get("minInSyncReplicas")).toBe("1");
    const raise = encodeUpdateBrokerConfigRequest(new Map([["minInSyncReplicas", "99"]]));
    decodeUpdateBrokerConfigResponse(await ask(master, raise));
    const after = decodeGetBrokerConfigResponse(await ask(master, encodeGetBrokerConfigRequest()));
    expect(after.get("minInSyncReplicas")).toBe("99");
    const refused = await ask(master, send);
    expect(() => decodeSendMessageResponse(refused)).toThrow("SYSTEM_ERROR (1)");

    expect(await ask(control, request(4_711))).toMatchObject({ code: 3 });
  },
  timeoutMs,
);

async function dial(world: World, address: string): Promise<RemotingClient> {
  return overSocket(await world.network.dial("clients", address), { clock: systemClock, signal });
}

function ask(client: RemotingClient, what: RemotingRequest): Promise<Frame> {
  return client.ask(what, { timeoutMs: answerMsMax, signal });
}
