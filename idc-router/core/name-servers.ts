import type { Command, Event, SeenAddresses } from "./events.ts";

/** What one name server said last. */
export interface NameServerFacts {
  readonly cluster: string;
  readonly nameServer: string;
  /** By the set's name; as it last answered. */
  readonly sets: ReadonlyMap<string, SeenAddresses>;
  /** Of the last answer: when it was asked for. null: it never answered. */
  readonly heardAt: number | null;
  /** Of the last question that was answered or given up. */
  readonly askedAt: number;
  /** Why it did not answer the last question; null: it did. */
  readonly failure: string | null;
}

export type NameServers = ReadonlyMap<string, NameServerFacts>;

/** The order of a name server's words is that of our questions: answers carry no version of their own. */
export function hearNameServer(
  all: NameServers,
  event: Extract<Event, { kind: "brokers" | "nameServerSilent" }>,
  commands: Command[],
): NameServers {
  const { cluster, nameServer, askedAt } = event;
  const key = `${cluster} ${nameServer}`;
  const before = all.get(key);
  if (before !== undefined && askedAt <= before.askedAt) {
    commands.push({ kind: "older", source: "name-server", detail: `${nameServer} of ${cluster}` });
    return all;
  }
  const facts: NameServerFacts =
    event.kind === "brokers"
      ? { cluster, nameServer, sets: event.sets, heardAt: askedAt, askedAt, failure: null }
      : {
          cluster,
          nameServer,
          sets: before?.sets ?? new Map(),
          heardAt: before?.heardAt ?? null,
          askedAt,
          failure: event.detail,
        };
  if (event.kind === "brokers" && !sameSets(before?.sets, event.sets))
    commands.push({ kind: "refreshTopics", cluster });
  noteChange(before, facts, commands);
  return new Map(all).set(key, facts);
}

function noteChange(before: NameServerFacts | undefined, now: NameServerFacts, commands: Command[]): void {
  const { cluster, nameServer, failure } = now;
  if (failure !== null && (before === undefined || before.failure === null)) {
    const fields = { cluster, nameServer, detail: failure };
    commands.push({ kind: "note", level: "warn", sentence: "name server does not answer", fields });
  } else if (failure === null && before !== undefined && before.failure !== null) {
    commands.push({
      kind: "note",
      level: "info",
      sentence: "name server answers again",
      fields: { cluster, nameServer },
    });
  }
}

/** Those of a cluster that answered the last question. */
export function answering(all: NameServers, cluster: string): readonly NameServerFacts[] {
  return [...all.values()].filter((one) => one.cluster === cluster && one.failure === null);
}

function sameSets(one: ReadonlyMap<string, SeenAddresses> | undefined, other: ReadonlyMap<string, SeenAddresses>) {
  if (one === undefined || one.size !== other.size) return false;
  return [...other].every(([set, addresses]) => {
    const known = one.get(set);
    return known !== undefined && sameAddresses(known, addresses);
  });
}

export function sameAddresses(one: SeenAddresses, other: SeenAddresses): boolean {
  return one.size === other.size && [...other].every(([id, address]) => one.get(id) === address);
}
