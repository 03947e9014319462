import { nearestAllocator, type TelemetryReport } from "#lib/telemetry.ts";

/**
 * What clients tell of themselves, kept for as long as they tell it: who is there, and which groups do not agree on an allocator.
 * Nothing of it is in the table.
 */
export interface Clients {
  /** False: it has come before. */
  heard(report: Pick<TelemetryReport, "client" | "number" | "version" | "idc" | "groups">, now: number): boolean;
  /** A member of a group has asked which queues are its own, and named all members. Those that are known to be in another IDC ask there. */
  allocated(asked: GroupMember, members: readonly Placed[], now: number): void;
  /** Clients that have told something of late, by version and IDC. */
  counts(now: number): readonly { readonly version: string; readonly idc: string; readonly count: number }[];
  /** Groups that mix allocators: some queues may be read twice then, and some by nobody. */
  mixed(now: number): readonly MixedGroup[];
}

interface Placed {
  readonly id: string;
  /** "": unknown. */
  readonly idc: string;
}

interface GroupMember extends Placed {
  readonly topic: string;
  readonly group: string;
}

interface MixedGroup {
  readonly topic: string;
  readonly group: string;
  readonly why: string;
}

const clientsMax = 50_000;
const groupsMax = 10_000;
/** Who has told nothing for so long is not there any more. */
export const clientAgeMsMax = 60_000;
/** A member that is named for so long and has not asked itself takes another allocator. */
export const memberAgeMsMax = 90_000;

interface Client {
  readonly number: number;
  readonly version: string;
  readonly idc: string;
  readonly at: number;
}

interface Group {
  readonly topic: string;
  readonly group: string;
  /** Another allocator than ours that its members agreed on, and when a client last told. */
  other: { readonly allocator: string; readonly at: number } | null;
  /** When each member last asked. */
  readonly asked: Map<string, number>;
  /** Since when, and when last, each member was named by one of its own IDC that asked, or by anyone when its IDC is unknown. */
  readonly named: Map<string, { readonly since: number; readonly at: number }>;
}

export function createClients(): Clients {
  const clients = new Map<string, Client>();
  const groups = new Map<string, Group>();

  function groupOf({ topic, group }: { readonly topic: string; readonly group: string }, now: number): Group {
    const name = JSON.stringify([topic, group]);
    const known = groups.get(name);
    if (known !== undefined) return known;
    if (groups.size >= groupsMax) forgetGroups(now);
    const fresh: Group = { topic, group, other: null, asked: new Map(), named: new Map() };
    groups.set(name, fresh);
    return fresh;
  }

  function forgetGroups(now: number): void {
    for (const [name, { other, named }] of groups) {
      const isQuiet = [...named.values()].every(({ at }) => now - at > memberAgeMsMax);
      if (isQuiet && (other === null || now - other.at > clientAgeMsMax)) groups.delete(name);
    }
    // All of them tell something: the oldest goes.
    const [oldest] = groups.keys();
    if (groups.size >= groupsMax && oldest !== undefined) groups.delete(oldest);
  }

  function forgetClients(now: number): void {
    for (const [name, { at }] of clients) if (now - at > clientAgeMsMax) clients.delete(name);
  }

  return {
    heard({ client, number, version, idc, groups: agreed }, now) {
      if (clients.size >= clientsMax && !clients.has(client)) forgetClients(now);
      const isNew = (clients.get(client)?.number ?? 0) < number;
      if (clients.size < clientsMax || clients.has(client)) clients.set(client, { number, version, idc, at: now });
      for (const { topic, group, allocator } of agreed) {
        // One member speaks for all: Kafka lets a group agree on one allocator.
        groupOf({ topic, group }, now).other = allocator === nearestAllocator ? null : { allocator, at: now };
      }
      return isNew;
    },
    allocated(asked, members, now) {
      const own = groupOf(asked, now);
      own.asked.set(asked.id, now);
      const near = members.filter(({ idc }) => idc === "" || idc === asked.idc);
      for (const { id } of near) own.named.set(id, { since: own.named.get(id)?.since ?? now, at: now });
      for (const [id, { at }] of own.named) {
        if (now - at <= memberAgeMsMax) continue;
        own.named.delete(id);
        own.asked.delete(id);
      }
    },
    counts(now) {
      forgetClients(now);
      const byKind = Map.groupBy(clients.values(), ({ version, idc }) => JSON.stringify([version, idc]));
      return [...byKind.values()].map((some) => {
        const { version = "", idc = "" } = some[0] ?? {};
        return { version, idc, count: some.length };
      });
    },
    mixed(now) {
      return [...groups.values()].flatMap(({ topic, group, other, asked, named }): MixedGroup[] => {
        if (other !== null && now - other.at <= clientAgeMsMax)
          return [
            { topic, group, why: `its members agreed on ${other.allocator}: some do not know ${nearestAllocator}` },
          ];
        const strangers = [...named].filter(
          ([id, { since, at }]) =>
            now - at <= memberAgeMsMax &&
            now - since > memberAgeMsMax &&
            now - (asked.get(id) ?? Number.NEGATIVE_INFINITY) > memberAgeMsMax,
        );
        if (strangers.length === 0) return [];
        const [first] = strangers.map(([id]) => id).toSorted();
        return [
          { topic, group, why: `${strangers.length} of its ${named.size} members never ask here, ${first} first` },
        ];
      });
    },
  };
}
