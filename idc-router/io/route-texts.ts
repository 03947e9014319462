import { createHash } from "node:crypto";
import type { Answer } from "../core/answer.ts";
import { type BootstrapCluster, bootstrapOf } from "../core/kafka.ts";
import type { Table } from "../core/model.ts";
import type { RouteReport, Use } from "./api.ts";
import { isoOf, reportRoute } from "./report.ts";
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
  readonly orderOf: (idc: string) => readonly string[];
  readonly wallTime: () => number;
}

const etagCharacters = 22;

export function createRouteTexts({ slots, table, kafka, orderOf, wallTime }: RouteTextsOptions): RouteTexts {
  const made = { produce: new WeakMap<Answer, RouteText>(), consume: new WeakMap<Answer, RouteText>() };
  /** By list: few, since they follow from the config and the IDCs' states. */
  const kafkaMade = new Map<string, RouteText>();
  const kafkaMadeMax = 10_000;

  function ofKafka(cluster: BootstrapCluster, { topic, idc, use }: RouteKey): RouteText {
    const now = table();
    const servers = bootstrapOf(cluster, orderOf(idc), now.idcs);
    const name = JSON.stringify([topic, idc, use, cluster.name, servers]);
    const known = kafkaMade.get(name);
    if (known !== undefined) return known;
    const [nearest = ""] = servers;
    const chosen = Object.entries(cluster.servers).find(([, list]) => list.includes(nearest))?.[0] ?? "";
    const report: RouteReport = {
      topic,
      cluster: cluster.name,
      kind: "kafka",
      idc,
      use,
      revision: now.revision,
      stale: false,
      decision: {
        idc: chosen,
        mode: "prefer-local",
        rule: "*",
        why: "bootstrap servers by nearness; the cluster's own metadata name each partition's leader",
        since: isoOf(wallTime()),
        levels: [],
      },
      brokers: [],
      bootstrap: [...servers],
    };
    if (kafkaMade.size >= kafkaMadeMax) kafkaMade.clear();
    const text = { ...textOf(report), answer: null, chosen, stale: false };
    kafkaMade.set(name, text);
    return text;
  }

  return {
    of(key) {
      const home = table().homes.get(key.topic);
      const cluster = home === undefined ? undefined : kafka.get(home);
      if (cluster !== undefined) return ofKafka(cluster, key);
      const answer = slots.answer(key.topic, key.idc);
      if (answer === undefined) return undefined;
      const known = made[key.use].get(answer);
      if (known !== undefined) return known;
      const { chosen, stale } = answer;
      const text = { ...textOf(reportRoute(answer, key.use)), answer, chosen, stale };
      made[key.use].set(answer, text);
      return text;
    },
  };
}

function textOf(report: RouteReport): Pick<RouteText, "json" | "etag" | "revision"> {
  const { revision, decision, ...rest } = report;
  // When an answer came out first differs from router to router.
  const { since: _since, ...said } = decision;
  const hash = createHash("sha256")
    .update(JSON.stringify([rest, said]))
    .digest("base64url");
  return { json: JSON.stringify(report), etag: `"${hash.slice(0, etagCharacters)}"`, revision };
}
