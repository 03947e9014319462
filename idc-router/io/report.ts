import { type Answer, settingsOf } from "../core/answer.ts";
import type { RouterState } from "../core/fold.ts";
import type { Bootstrap } from "../core/kafka.ts";
import { kafkaFailure } from "../core/kafka-facts.ts";
import type { KafkaEntry, SetEntry, Table, TopicHome } from "../core/model.ts";
import { addressesFor } from "../core/route-body.ts";
import type { RouteReport, SourceReport, StatusReport, Use } from "./api.ts";

/** What the HTTP door says, from what the router knows. */

/** Each source that has spoken or was asked, and its age. */
export function sourcesOf(state: RouterState, now: number): readonly SourceReport[] {
  const { nameServers, ledger, homes, kafka } = state;
  const of = (source: string, heardAt: number | null, failure: string | null): SourceReport => ({
    source,
    ok: failure === null && heardAt !== null,
    ageMs: heardAt === null ? null : Math.max(0, Math.round(now - heardAt)),
    detail: failure ?? (heardAt === null ? "has not answered yet" : "answers"),
  });
  return [
    ...[...nameServers.values()]
      .map(({ cluster, nameServer, heardAt, failure }) => of(`${cluster}/${nameServer}`, heardAt, failure))
      .toSorted((one, other) => (one.source < other.source ? -1 : 1)),
    ...[...kafka].map(([cluster, facts]) => of(cluster, facts.heardAt, kafkaFailure(facts))),
    ...(ledger.heardAt !== null || ledger.failure !== null ? [of("ledger", ledger.heardAt, ledger.failure)] : []),
    ...(homes.heardAt !== null || homes.failure !== null ? [of("metadata", homes.heardAt, homes.failure)] : []),
  ];
}

export function reportStatus(
  state: RouterState,
  {
    site,
    version,
    now,
    wall,
    mixedGroups,
  }: { site: string; version: string; now: number; wall: number; mixedGroups: StatusReport["mixedGroups"] },
): StatusReport {
  const { table } = state;
  return {
    site,
    version,
    at: isoOf(wall),
    revision: table.revision,
    topics: table.topics.size,
    sources: [...sourcesOf(state, now)],
    sets: [...table.sets.values()].map(reportSet).toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    kafkaBrokers: [...table.kafka.values()].flatMap(({ cluster, brokers }) =>
      brokers.map(({ address, id, idc, available, why }) => ({ cluster, address, id, idc, available, why })),
    ),
    idcs: [...table.idcs.values()],
    mixedGroups,
  };
}

function reportSet(entry: SetEntry): StatusReport["sets"][number] {
  const { name, idc, weight, master, epoch, present, out, available, why, since } = entry;
  return { name, idc, weight, master, epoch, present, out, available, why, since: isoOf(since) };
}

/** What is said of an answer beside what the table has. */
export type RouteOrigin = Pick<RouteReport, "router" | "metadata">;

export function reportRoute(answer: Answer, use: Use, origin: RouteOrigin, bootstrap: Bootstrap): RouteReport {
  const { topic, cluster, idc, revision, stale, chosen, rule, gated, home, why, since, levels, brokers } = answer;
  const shown = use === "consume" ? brokers : brokersToSendTo(answer);
  return {
    topic,
    cluster,
    kind: "rocketmq",
    idc,
    use,
    revision,
    ...origin,
    gated,
    client: settingsOf(rule, home),
    stale,
    decision: {
      idc: use === "consume" ? (brokers[0]?.set.idc ?? "") : chosen,
      mode: rule.mode,
      rule: rule.match,
      why,
      since: isoOf(since),
      levels: levels.map((level) => ({
        idc: level.idc,
        share: level.share,
        why: level.why,
        bootstrap: [...(bootstrap.levels.find(({ idc: each }) => each === level.idc)?.servers ?? [])],
      })),
    },
    bootstrap: [...bootstrap.servers],
    brokers: shown.map(({ queue, set, weight }) => ({
      set: set.set,
      idc: set.idc,
      epoch: set.epoch,
      master: set.master ?? (stale ? set.lastMaster : null),
      addresses: Object.fromEntries(addressesFor(set, stale)),
      weight,
      readQueues: queue.readQueues,
      writeQueues: queue.writeQueues,
      perm: queue.perm,
      available: set.available,
      why: set.why,
    })),
  };
}

/** Those with a weight. */
function brokersToSendTo({ brokers }: Answer): Answer["brokers"] {
  return brokers.filter(({ weight }) => weight > 0);
}

/** For people: who is told what, and why. */
export function explainLines(answer: Answer, table: Table): string[] {
  const { topic, cluster, idc, rule, levels, brokers, chosen, why, stale, revision, since } = answer;
  const home = table.homes.get(topic);
  const homeWhy = home?.cluster == null ? "the first cluster that knows it" : "its metadata says so";
  const percent = (share: number): string => `${Math.round(share * 1_000) / 10}%`;
  return [
    `${topic} belongs to ${cluster}: ${homeWhy}.`,
    ...gateLines(home),
    `A client of ${idc === "" ? "no known IDC" : idc} falls under the rule ${JSON.stringify(rule.match)}: ${rule.mode}, overprovision ${rule.overprovision}.`,
    ...[...table.idcs.values()].map(
      (wish) =>
        `Operators want ${wish.idc} ${wish.state}, weight ${wish.weight} (epoch ${wish.epoch}): ${wish.reason || "no reason given"}.`,
    ),
    ...levels.map((level) => {
      const sets = level.sets.map(({ set }) => set).join(", ");
      return `Level ${level.idc || "of no known IDC"} takes ${percent(level.share)}${sets === "" ? "" : ` by ${sets}`}${level.why === "" ? "" : ` (${level.why})`}.`;
    }),
    ...brokers.map(
      ({ set, weight }) =>
        `Set ${set.set} in ${set.idc || "no known IDC"}: master ${set.master ?? "none"}, epoch ${set.epoch ?? "unknown"}, ${
          set.available ? "available" : `not available, ${set.why}`
        }, ${percent(weight / 10_000)} of the messages.`,
    ),
    `So it sends to ${chosen === "" ? "nobody" : chosen}: ${why}. So since ${isoOf(since)}, revision ${revision}${stale ? "; stale" : ""}.`,
  ];
}

/** The same of a Kafka topic. */
export function explainKafka(
  { topic, idc }: { readonly topic: string; readonly idc: string },
  { cluster, bootstrap, table }: { readonly cluster: string; readonly bootstrap: Bootstrap; readonly table: Table },
): string[] {
  const entry = table.kafka.get(cluster);
  const percent = (share: number): string => `${Math.round(share * 1_000) / 10}%`;
  return [
    `${topic} belongs to the Kafka cluster ${cluster}; its clients begin with a list, and find leaders by themselves.`,
    ...gateLines(table.homes.get(topic)),
    ...bootstrap.levels.map(
      (level) =>
        `Of the clients of ${idc || "no known IDC"} ${percent(level.share)} begin in ${level.idc || "no known IDC"}: ${level.servers.join(", ") || "nobody is there"}${level.why === "" ? "" : ` (${level.why})`}.`,
    ),
    ...(bootstrap.lastResort ? ["No broker is known to live, so the list of the config is given out."] : []),
    ...(entry === undefined ? ["None of its brokers has answered this router yet."] : leaderLines(topic, entry)),
  ];
}

function leaderLines(topic: string, { topics, brokers }: KafkaEntry): string[] {
  const partitions = topics.get(topic);
  if (partitions === undefined) return [`Its brokers show no topic ${topic}.`];
  const idcs = new Map(brokers.map(({ id, idc }) => [id, idc]));
  const byIdc = Map.groupBy(partitions, ({ leader }) =>
    leader < 0 ? "by nobody" : `in ${idcs.get(leader) || "no known IDC"}`,
  );
  const inOrder = [...byIdc].toSorted(([one], [other]) => (one > other ? 1 : -1));
  const parts = inOrder.map(([place, { length }]) => `${length} ${place}`);
  return [`Of its ${partitions.length} partitions are led: ${parts.join(", ")}.`];
}

function gateLines(home: TopicHome | undefined): string[] {
  if (home?.gate === undefined) return [];
  const { cluster, ips } = home.gate;
  return [`Its metadata lead clients at ${ips.join(", ")} to ${cluster} instead.`];
}

export function isoOf(wall: number): string {
  return new Date(wall).toISOString();
}
