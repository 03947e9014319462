import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes } from "#lib/remoting/codes.ts";
import { type Connections, createConnections } from "#lib/remoting/connections.ts";
import { notSupported } from "#lib/remoting/message.ts";
import type { BrokerData } from "#lib/remoting/records/broker-data.ts";
import { encodeGetBrokerClusterInfoResponse } from "#lib/remoting/records/get-broker-cluster-info.ts";
import { decodeGetRouteInfoRequest, encodeGetRouteInfoResponse } from "#lib/remoting/records/get-route-info.ts";
import { listenRemoting } from "#lib/remoting/server.ts";
import type { RemotingServer } from "#lib/remoting/server-options.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import type { Event } from "../core/events.ts";
import { createNameServerSource, type NameServerSource } from "./name-servers.ts";

/** Against name servers that speak the real protocol and know what the test tells them. */

interface FakeNameServer {
  readonly server: RemotingServer<null>;
  /** Broker sets by topic. */
  topics: Record<string, string[]>;
  asked: string[];
  /** Does not answer. */
  hangs: boolean;
}

let stop: AbortController;
let fakes: FakeNameServer[];
let connections: Connections;
let events: Event[];
let source: NameServerSource;

function brokerData(brokerName: string): BrokerData {
  const clusterName = brokerName.startsWith("other") ? "C2" : "C1";
  return { clusterName, brokerName, addresses: new Map([[0, "h:1"]]), enableActingMaster: false, zoneName: undefined };
}

async function startFake(): Promise<FakeNameServer> {
  const sets = ["bs1", "bs2", "other"];
  const fake: Omit<FakeNameServer, "server"> = { topics: {}, asked: [], hangs: false };
  const server = await listenRemoting<null>({
    listen: "127.0.0.1:0",
    context: () => null,
    onRequest(frame) {
      if (fake.hangs) return undefined;
      if (frame.code === requestCodes.GET_BROKER_CLUSTER_INFO) {
        fake.asked.push("106");
        return encodeGetBrokerClusterInfoResponse({
          brokerSets: new Map(sets.map((set) => [set, brokerData(set)])),
          clusters: new Map(),
        });
      }
      if (frame.code !== requestCodes.GET_ROUTEINFO_BY_TOPIC) return notSupported(frame);
      const { topic } = decodeGetRouteInfoRequest(frame);
      fake.asked.push(topic);
      const known = fake.topics[topic];
      if (known === undefined) return encodeGetRouteInfoResponse(topic, undefined);
      return encodeGetRouteInfoResponse(topic, {
        orderTopicConf: undefined,
        queues: known.map((brokerName) => ({ brokerName, perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 })),
        brokers: known.map(brokerData),
        isStatic: false,
      });
    },
    clock: systemClock,
    log: silentLogger,
    signal: stop.signal,
  });
  return Object.assign(fake, { server });
}

beforeEach(async () => {
  stop = new AbortController();
  fakes = [await startFake(), await startFake()];
  events = [];
  connections = createConnections({
    clock: systemClock,
    prepare: (request) => request,
    connectionsMax: 10,
    idleMs: 60_000,
  });
  source = createNameServerSource({
    cluster: "C1",
    nameServers: fakes.map(({ server }) => server.address),
    connections,
    clock: systemClock,
    push: (event) => void events.push(event),
    everyMs: 100,
    timeoutMs: 300,
    lookUpTimeoutMs: 300,
  });
});

afterEach(async () => {
  stop.abort();
  await connections[Symbol.asyncDispose]();
  for (const { server } of fakes) await server.close();
});

const fake = (nth: number): FakeNameServer => fakes[nth] as FakeNameServer;
const topicSeen = () => events.find((event) => event.kind === "topic");
const within = { withinMs: 5_000 };

test("each is asked for the cluster's broker sets again and again, and one that hangs is told", async () => {
  fake(1).hangs = true;
  const running = source.run(stop.signal);
  await eventually(() => {
    const sets = events.flatMap((event) => (event.kind === "brokers" ? [[...event.sets.keys()].join()] : []));
    expect(sets.length).toBeGreaterThan(2);
    expect(new Set(sets)).toEqual(new Set(["bs1,bs2"]));
    const silent = events.flatMap((event) => (event.kind === "nameServerSilent" ? [event.nameServer] : []));
    expect(new Set(silent)).toEqual(new Set([fake(1).server.address]));
  }, within);
  fake(1).hangs = false;
  const from = events.length;
  await eventually(() => {
    const heard = events.slice(from).flatMap((event) => (event.kind === "brokers" ? [event.nameServer] : []));
    expect(heard).toContain(fake(1).server.address);
  }, within);
  stop.abort();
  await running;
});

test("many who ask for one topic cost one question, and what name servers know is put together", async () => {
  fake(0).topics = { t: ["bs1", "other"] };
  fake(1).topics = { t: ["bs2"] };
  await Promise.all(Array.from({ length: 50 }, () => source.lookUp("t", stop.signal)));
  expect(fakes.map(({ asked }) => asked)).toEqual([["t"], ["t"]]);
  expect(topicSeen()?.seen?.queues.map(({ set }) => set)).toEqual(["bs1", "bs2"]);
});

test("a topic is unknown only when all say so that answer, and nothing is said when none does", async () => {
  fake(0).hangs = true;
  await source.lookUp("t", stop.signal);
  expect(topicSeen()).toMatchObject({ seen: null });
  events.length = 0;
  fake(1).hangs = true;
  await source.lookUp("t", stop.signal);
  expect(events).toEqual([]);
});
