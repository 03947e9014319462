import type { Clock, Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { resultCodes } from "#lib/remoting/codes.ts";
import type { Connections } from "#lib/remoting/connections.ts";
import { expectResult } from "#lib/remoting/message.ts";
import {
  decodeGetBrokerClusterInfoResponse,
  encodeGetBrokerClusterInfoRequest,
} from "#lib/remoting/records/get-broker-cluster-info.ts";
import { decodeGetRouteInfoResponse, encodeGetRouteInfoRequest } from "#lib/remoting/records/get-route-info.ts";
import type { Event, SeenAddresses, SeenTopic } from "../core/events.ts";

/** One cluster's name servers: asked for broker sets all the time, and for a topic when somebody wants it. */
export interface NameServerSource {
  readonly cluster: string;
  readonly nameServers: readonly string[];
  /** Asks each for its broker sets, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** For some seconds they are asked much more often. */
  hurry(): void;
  /** Asks for one topic; who asks meanwhile waits for the same answer. False: nobody answers. */
  lookUp(topic: string, signal: AbortSignal): Promise<boolean>;
  readonly lookUps: number;
}

export interface NameServerSourceOptions {
  readonly cluster: string;
  readonly nameServers: readonly string[];
  readonly connections: Connections;
  readonly clock: Clock;
  readonly push: (event: Event) => void;
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly lookUpTimeoutMs: number;
}

const hurryEveryMs = 100;
const hurryForMs = 6_000;

export function createNameServerSource(options: NameServerSourceOptions): NameServerSource {
  const { cluster, nameServers, connections, clock, push, everyMs, timeoutMs, lookUpTimeoutMs } = options;
  const lookingUp = new Map<string, Promise<boolean>>();
  let hurryUntil = clock.now();
  let wake = new AbortController();

  async function pollOne(nameServer: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const askedAt = clock.now();
      push(await askBrokers(nameServer, askedAt, signal));
      const isHurried = clock.now() < hurryUntil;
      const restMs = (isHurried ? hurryEveryMs : everyMs) - (clock.now() - askedAt);
      // A hurry ends the rest of whoever is resting.
      await clock.sleep(Math.max(0, restMs), { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => {});
    }
  }

  async function askBrokers(nameServer: string, askedAt: Instant, signal: AbortSignal): Promise<Event> {
    try {
      const frame = await connections.read(nameServer, encodeGetBrokerClusterInfoRequest(), { timeoutMs, signal });
      const { brokerSets } = decodeGetBrokerClusterInfoResponse(frame);
      const sets = new Map<string, SeenAddresses>();
      for (const [set, { clusterName, addresses }] of brokerSets) if (clusterName === cluster) sets.set(set, addresses);
      return { kind: "brokers", cluster, nameServer, askedAt, sets };
    } catch (error) {
      return { kind: "nameServerSilent", cluster, nameServer, askedAt, detail: messageOf(error) };
    }
  }

  /** The first that has it; that there is none is what all say that answer. */
  async function askTopic(topic: string, signal: AbortSignal): Promise<boolean> {
    const askedAt = clock.now();
    const asked = await Promise.allSettled(
      nameServers.map(async (nameServer) => {
        const frame = await connections.read(nameServer, encodeGetRouteInfoRequest({ topic }), {
          timeoutMs: lookUpTimeoutMs,
          signal,
        });
        expectResult(frame, frame.code, [resultCodes.SUCCESS, resultCodes.TOPIC_NOT_EXIST]);
        return seenTopic(frame.body, decodeGetRouteInfoResponse(frame), cluster);
      }),
    );
    const answers = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    if (answers.length === 0) return false;
    push({ kind: "topic", cluster, topic, askedAt, seen: together(answers) });
    return true;
  }

  return {
    cluster,
    nameServers,
    async run(signal) {
      await Promise.all(nameServers.map((nameServer) => pollOne(nameServer, signal)));
    },
    hurry() {
      hurryUntil = (clock.now() + hurryForMs) as Instant;
      wake.abort();
      wake = new AbortController();
    },
    lookUp(topic, signal) {
      const known = lookingUp.get(topic);
      if (known !== undefined) return known;
      const looking = askTopic(topic, signal).finally(() => lookingUp.delete(topic));
      lookingUp.set(topic, looking);
      return looking;
    },
    get lookUps() {
      return lookingUp.size;
    },
  };
}

function seenTopic(
  body: Uint8Array,
  route: ReturnType<typeof decodeGetRouteInfoResponse>,
  cluster: string,
): SeenTopic | null {
  if (route === undefined) return null;
  const ours = new Set(
    route.brokers.filter(({ clusterName }) => clusterName === cluster).map((each) => each.brokerName),
  );
  const queues = route.queues.filter(({ brokerName }) => ours.has(brokerName));
  if (queues.length === 0) return null;
  return {
    orderConf: route.orderTopicConf ?? null,
    staticBody: route.isStatic ? Buffer.from(body).toString("utf8") : null,
    queues: queues.map(({ brokerName, perm, readQueues, writeQueues, topicSysFlag }) => {
      return { set: brokerName, perm, readQueues, writeQueues, topicSysFlag };
    }),
  };
}

/** Name servers know nothing of each other: a set that one of them shows with this topic has it. */
function together(answers: readonly (SeenTopic | null)[]): SeenTopic | null {
  const [first, ...others] = answers.filter((answer) => answer !== null);
  if (first === undefined) return null;
  const queues = new Map(first.queues.map((queue) => [queue.set, queue]));
  for (const { queues: more } of others)
    for (const queue of more) if (!queues.has(queue.set)) queues.set(queue.set, queue);
  return { ...first, queues: [...queues.values()] };
}
