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
export const groupsMax = 10_000;
/** Of one group, within `memberAgeMsMax`. One more is not looked at. */
export const membersMax = 1_000;
/** Of all groups together. */
export const membersInAllMax = 100_000;
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
  /** Each that was named by one of its own IDC that asked, or by anyone when its IDC is unknown; the one named last comes last. */
  readonly members: Map<string, Member>;
}

interface Member {
  /** When it was named first, and last. */
  readonly since: number;
  readonly at: number;
  /** When it asked last itself. */
  readonly askedAt: number | null;
}

export function createClients(): Clients {
  /** Who has told something last comes last, here and among groups. */
  const clients = new Map<string, Client>();
  const groups = new Map<string, Group>();
  let membersInAll = 0;

  function groupOf({ topic, group }: { readonly topic: string; readonly group: string }): Group {
    const name = JSON.stringify([topic, group]);
    const own = groups.get(name) ?? { topic, group, other: null, members: new Map() };
    toEnd(groups, name, own);
    if (groups.size > groupsMax) forgetGroup();
    return own;
  }

  /** The one of which nobody has told for longest. */
  function forgetGroup(): void {
    for (const [name, { members }] of groups) {
      groups.delete(name);
      membersInAll -= members.size;
      return;
    }
  }

  function forgetClients(now: number): void {
    for (const [name, { at }] of clients) {
      if (now - at <= clientAgeMsMax) return;
      clients.delete(name);
    }
  }

  function forgetMembers(members: Group["members"], now: number): void {
    for (const [id, { at }] of members) {
      if (now - at <= memberAgeMsMax) return;
      members.delete(id);
    }
  }

  return {
    heard({ client, number, version, idc, groups: agreed }, now) {
      if (clients.size >= clientsMax && !clients.has(client)) forgetClients(now);
      const isNew = (clients.get(client)?.number ?? 0) < number;
      if (clients.size < clientsMax || clients.has(client)) toEnd(clients, client, { number, version, idc, at: now });
      for (const { topic, group, allocator } of agreed) {
        // One member speaks for all: Kafka lets a group agree on one allocator.
        groupOf({ topic, group }).other = allocator === nearestAllocator ? null : { allocator, at: now };
      }
      return isNew;
    },
    allocated(asked, named, now) {
      const { members } = groupOf(asked);
      const before = members.size;
      forgetMembers(members, now);
      for (const { id, idc } of named) {
        const known = members.get(id);
        if ((idc !== "" && idc !== asked.idc) || (known === undefined && members.size >= membersMax)) continue;
        const askedAt = id === asked.id ? now : (known?.askedAt ?? null);
        toEnd(members, id, { since: known?.since ?? now, at: now, askedAt });
      }
      membersInAll += members.size - before;
      while (membersInAll > membersInAllMax) forgetGroup();
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
      return [...groups.values()].flatMap(({ topic, group, other, members }): MixedGroup[] => {
        if (other !== null && now - other.at <= clientAgeMsMax)
          return [
            { topic, group, why: `its members agreed on ${other.allocator}: some do not know ${nearestAllocator}` },
          ];
        const strangers = [...members].filter(
          ([, { since, at, askedAt }]) =>
            now - at <= memberAgeMsMax &&
            now - since > memberAgeMsMax &&
            now - (askedAt ?? Number.NEGATIVE_INFINITY) > memberAgeMsMax,
        );
        if (strangers.length === 0) return [];
        const [first] = strangers.map(([id]) => id).toSorted();
        return [
          { topic, group, why: `${strangers.length} of its ${members.size} members never ask here, ${first} first` },
        ];
      });
    },
  };
}

function toEnd<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
}
