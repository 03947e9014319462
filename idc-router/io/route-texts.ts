import { hash } from "node:crypto";
import { type Answer, ruleOf, settingsOf } from "../core/answer.ts";
import { type Bootstrap, type BootstrapCluster, beginAt } from "../core/kafka.ts";
import { type Gate, type RouteRule, type Table, type TopicHome, topicName } from "../core/model.ts";
import type { MetadataReport, RouteReport, Use } from "./api.ts";
import { isoOf, type RouteOrigin, reportRoute } from "./report.ts";
import type { Slots } from "./slots.ts";

/** A route as it is sent over HTTP: made once for each answer. */
export interface RouteText {
  readonly json: string;
  /** Of it, in UTF-8. */
  readonly bytes: number;
  /** Quoted. Of what it says, so routers that say the same have the same. */
  readonly etag: string;
  readonly revision: number;
  /** null: the topic is Kafka's. */
  readonly answer: Answer | null;
  readonly chosen: string;
  readonly stale: boolean;
}

export interface RouteKey {
  readonly topic: string;
  readonly idc: string;
  readonly use: Use;
  /** Asked by one of those that the topic's gate lets through. */
  readonly gated?: boolean;
}

export interface RouteTexts {
  /** undefined: no cluster knows the topic. */
  of(key: RouteKey): RouteText | undefined;
  /** Whether the topic's gate lets this client through. @param host its address, without a port */
  isGated(topic: string, host: string): boolean;
  /** The key as it is for this client. */
  keyFor(key: RouteKey, host: string): RouteKey;
  /** undefined: it is no topic of Kafka. */
  kafkaOf(key: RouteKey): { readonly cluster: string; readonly bootstrap: Bootstrap } | undefined;
  /** undefined: it makes no difference who asks. The same object while it says the same. */
  gateOf(topic: string): Gate | undefined;
}

export interface RouteTextsOptions {
  readonly slots: Slots;
  readonly table: () => Table;
  readonly kafka: ReadonlyMap<string, BootstrapCluster>;
  /** gRPC proxies of RocketMQ clusters. */
  readonly proxies: ReadonlyMap<string, BootstrapCluster>;
  readonly rules: readonly RouteRule[];
  readonly orderOf: (idc: string) => readonly string[];
  /** Of this process. */
  readonly instance: string;
  /** null: it has none, or none was heard since the start. */
  readonly metadataOf: (topic: string) => MetadataReport | null;
  readonly wallTime: () => number;
}

const nowhere: Bootstrap = { levels: [], servers: [], lastResort: false };

/** A text, with what it says beside its answer. */
interface Made {
  readonly says: string;
  /** "": it has none. Metadata may be written again as they were: the table is the same one then. */
  readonly zxid: string;
  readonly text: RouteText;
  /** Of the table with which that was last found out. */
  readonly revision: number;
}

/** Of Kafka topics there is no answer. */
interface KafkaMade extends Made {
  readonly home: TopicHome | undefined;
  /** Wall time since which it says that. */
  readonly since: number;
}

const etagCharacters = 22;
/** One more, and all are made anew: there are not more than Kafka topics times IDCs, unless callers make IDCs up. */
const kafkaMadeMax = 100_000;

export function createRouteTexts(options: RouteTextsOptions): RouteTexts {
  const { slots, table, kafka, proxies, rules, orderOf, instance, metadataOf, wallTime } = options;
  const made = { produce: new WeakMap<Answer, Made>(), consume: new WeakMap<Answer, Made>() };
  /** The last one of each key, with what it says: one that comes back is a new answer, with a revision of its own. */
  const kafkaMade = new Map<string, KafkaMade>();

  const originOf = (topic: string): RouteOrigin => ({ router: instance, metadata: metadataOf(topic) });

  function ofKafka(cluster: BootstrapCluster, key: RouteKey): RouteText {
    const { topic, idc, use, gated = false } = key;
    const now = table();
    const name = JSON.stringify([topic, idc, use, gated]);
    const known = kafkaMade.get(name);
    const origin = originOf(topic);
    const zxid = origin.metadata?.zxid ?? "";
    if (known?.revision === now.revision && known.zxid === zxid) return known.text;
    const bootstrap = beginAt(cluster, now, orderOf(idc));
    const rule = ruleOf(topic, rules);
    const home = now.homes.get(topic);
    const client = settingsOf(rule, home);
    const isBehindGate = gated && home?.gate?.cluster === cluster.name;
    const says = JSON.stringify([cluster.name, bootstrap, client]);
    const same = known?.says === says && known.home === home ? known : undefined;
    if (same?.zxid === zxid) {
      kafkaMade.set(name, { ...same, revision: now.revision });
      return same.text;
    }
    const since = same?.since ?? wallTime();
    const most = bootstrap.levels.toSorted((one, other) => other.share - one.share)[0];
    const chosen = most !== undefined && most.share > 0 ? most.idc : "";
    const report: RouteReport = {
      topic,
      cluster: cluster.name,
      kind: "kafka",
      idc,
      use,
      revision: same?.text.revision ?? now.revision,
      ...origin,
      gated: isBehindGate,
      client,
      stale: bootstrap.lastResort,
      decision: {
        idc: chosen,
        mode: "prefer-local",
        rule: rule.match,
        why: "bootstrap servers by nearness; the cluster's own metadata name each partition's leader",
        since: isoOf(since),
        levels: bootstrap.levels.map(({ servers, ...level }) => ({ ...level, bootstrap: [...servers] })),
      },
      brokers: [],
      bootstrap: [...bootstrap.servers],
    };
    if (kafkaMade.size >= kafkaMadeMax) kafkaMade.clear();
    const text = { ...textOf(report), answer: null, chosen, stale: report.stale };
    kafkaMade.set(name, { says, zxid, text, revision: now.revision, home, since });
    return text;
  }

  /** undefined: it is none of Kafka's. A gate to a RocketMQ cluster that does not have the topic yet leads nobody away. */
  function kafkaOf({ topic, gated = false }: RouteKey): BootstrapCluster | undefined {
    const { homes, topics } = table();
    const { cluster = null, gate } = homes.get(topic) ?? {};
    if (gated && gate !== undefined) {
      const beyond = kafka.get(gate.cluster);
      if (beyond !== undefined || topics.has(topicName(gate.cluster, topic))) return beyond;
    }
    return cluster === null ? undefined : kafka.get(cluster);
  }

  return {
    isGated: slots.isGated,
    keyFor: (key, host) => (slots.isGated(key.topic, host) ? { ...key, gated: true } : key),
    kafkaOf(key) {
      const cluster = kafkaOf(key);
      if (cluster === undefined) return undefined;
      return { cluster: cluster.name, bootstrap: beginAt(cluster, table(), orderOf(key.idc)) };
    },
    gateOf: (topic) => table().homes.get(topic)?.gate,
    of(key) {
      const cluster = kafkaOf(key);
      if (cluster !== undefined) return ofKafka(cluster, key);
      const answer = slots.answer(key.topic, key.idc, key.gated);
      if (answer === undefined) return undefined;
      const now = table();
      const known = made[key.use].get(answer);
      const origin = originOf(key.topic);
      const zxid = origin.metadata?.zxid ?? "";
      // Proxies stand in the order that the table gives them.
      if (known?.revision === now.revision && known.zxid === zxid) return known.text;
      const proxy = proxies.get(answer.cluster);
      const bootstrap = proxy === undefined ? nowhere : beginAt(proxy, now, orderOf(key.idc));
      const says = JSON.stringify(bootstrap);
      const same = known?.says === says ? known : undefined;
      if (same?.zxid === zxid) {
        made[key.use].set(answer, { ...same, revision: now.revision });
        return same.text;
      }
      const { chosen, stale } = answer;
      const report = reportRoute(answer, key.use, origin, bootstrap);
      // Proxies may come in another order while the answer is the same.
      const revision = same?.text.revision ?? (known === undefined ? answer.revision : now.revision);
      const text = { ...textOf({ ...report, revision }), answer, chosen, stale };
      made[key.use].set(answer, { says, zxid, text, revision: now.revision });
      return text;
    },
  };
}

function textOf(report: RouteReport): Pick<RouteText, "json" | "bytes" | "etag" | "revision"> {
  const { revision, router: _router, metadata: _metadata, decision, ...rest } = report;
  // When an answer came out first, and what it rests on, differs from router to router.
  const { since: _since, ...said } = decision;
  const digest = hash("sha256", JSON.stringify([rest, said]), "base64url");
  const json = JSON.stringify(report);
  return { json, bytes: Buffer.byteLength(json), etag: `"${digest.slice(0, etagCharacters)}"`, revision };
}
