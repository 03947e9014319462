import { createHash } from "node:crypto";
import { type Answer, ruleOf } from "../core/answer.ts";
import { type BootstrapCluster, bootstrapOf } from "../core/kafka.ts";
import type { RouteRule, Table } from "../core/model.ts";
import type { MetadataReport, RouteReport, Use } from "./api.ts";
import { isoOf, type RouteOrigin, reportRoute } from "./report.ts";
import type { Slots } from "./slots.ts";

/** A route as it is sent over HTTP: made once for each answer. */
export interface RouteText {
  readonly json: string;
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
}

export interface RouteTexts {
  /** undefined: no cluster knows the topic. */
  of(key: RouteKey): RouteText | undefined;
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

/** A text, with what it says beside the table. */
interface Made {
  readonly says: string;
  readonly text: RouteText;
}

const etagCharacters = 22;
/** One more, and all are made anew: there are not more than Kafka topics times IDCs, unless callers make IDCs up. */
const kafkaMadeMax = 100_000;

export function createRouteTexts(options: RouteTextsOptions): RouteTexts {
  const { slots, table, kafka, proxies, rules, orderOf, instance, metadataOf, wallTime } = options;
  const made = { produce: new WeakMap<Answer, Made>(), consume: new WeakMap<Answer, Made>() };
  /** The last one of each key, with what it says: one that comes back is a new answer, with a revision of its own. */
  const kafkaMade = new Map<string, Made>();

  function originOf(cluster: BootstrapCluster | undefined, { topic, idc }: RouteKey): RouteOrigin {
    const bootstrap = cluster === undefined ? [] : bootstrapOf(cluster, orderOf(idc), table().idcs);
    return { router: instance, metadata: metadataOf(topic), bootstrap: [...bootstrap] };
  }

  function ofKafka(cluster: BootstrapCluster, key: RouteKey): RouteText {
    const { topic, idc, use } = key;
    const now = table();
    const origin = originOf(cluster, key);
    const name = JSON.stringify([topic, idc, use]);
    const says = JSON.stringify([cluster.name, origin]);
    const known = kafkaMade.get(name);
    if (known?.says === says) return known.text;
    const [nearest = ""] = origin.bootstrap;
    const chosen = Object.entries(cluster.servers).find(([, list]) => list.includes(nearest))?.[0] ?? "";
    const rule = ruleOf(topic, rules);
    const report: RouteReport = {
      topic,
      cluster: cluster.name,
      kind: "kafka",
      idc,
      use,
      revision: now.revision,
      ...origin,
      client: rule.client ?? {},
      stale: false,
      decision: {
        idc: chosen,
        mode: "prefer-local",
        rule: rule.match,
        why: "bootstrap servers by nearness; the cluster's own metadata name each partition's leader",
        since: isoOf(wallTime()),
        levels: [],
      },
      brokers: [],
    };
    if (kafkaMade.size >= kafkaMadeMax) kafkaMade.clear();
    const text = { ...textOf(report), answer: null, chosen, stale: false };
    kafkaMade.set(name, { says, text });
    return text;
  }

  return {
    of(key) {
      const home = table().homes.get(key.topic);
      const cluster = home === undefined ? undefined : kafka.get(home);
      if (cluster !== undefined) return ofKafka(cluster, key);
      const answer = slots.answer(key.topic, key.idc);
      if (answer === undefined) return undefined;
      const origin = originOf(proxies.get(answer.cluster), key);
      const says = JSON.stringify(origin.bootstrap);
      const known = made[key.use].get(answer);
      if (known?.says === says) return known.text;
      const { chosen, stale } = answer;
      const report = reportRoute(answer, key.use, origin);
      // Proxies may come in another order while the answer is the same.
      const revision = known === undefined ? answer.revision : table().revision;
      const text = { ...textOf({ ...report, revision }), answer, chosen, stale };
      made[key.use].set(answer, { says, text });
      return text;
    },
  };
}

function textOf(report: RouteReport): Pick<RouteText, "json" | "etag" | "revision"> {
  const { revision, router: _router, metadata: _metadata, decision, ...rest } = report;
  // When an answer came out first, and what it rests on, differs from router to router.
  const { since: _since, ...said } = decision;
  const hash = createHash("sha256")
    .update(JSON.stringify([rest, said]))
    .digest("base64url");
  return { json: JSON.stringify(report), etag: `"${hash.slice(0, etagCharacters)}"`, revision };
}
