import type { Instant } from "#lib/clock.ts";
import type { SetRequest } from "./controller-messages.ts";
import type { BrokerId, OffsetReading, SetRecord } from "./model.ts";

/**
 * What members that obey scripts would ask for if they spoke the controller protocol: said in their name by the site that leads, and
 * judged as a broker's request is. Asked again until the record is as wished. Pure.
 */

/** What a member last told. */
export interface MemberSeen {
  readonly at: Instant;
  readonly reading: OffsetReading;
  readonly acting: boolean;
  readonly inSync: readonly BrokerId[] | null;
  /** In a row it has told so, since it last acted otherwise. */
  readonly times: number;
}

export interface WishFacts {
  readonly cluster: string;
  readonly set: string;
  readonly record: SetRecord | null;
  readonly members: readonly { readonly id: BrokerId; readonly address: string }[];
  readonly seen: ReadonlyMap<BrokerId, MemberSeen>;
  /** Since when all members have been there without a break; null: they are not. */
  readonly completeSince: Instant | null;
  readonly now: Instant;
}

export interface Wish {
  /** In whose name. */
  readonly by: BrokerId;
  readonly request: SetRequest;
}

/** A set that never had a master is looked at for so long, all members being there, before it is given one. */
export const firstMasterMs = 6_000;
/** One reading may have been under way while the member's role changed. */
const timesSure = 2;

export function wishesOf(facts: WishFacts): readonly Wish[] {
  const { cluster, set, record, members } = facts;
  const missing = members
    .toSorted((one, other) => one.id - other.id)
    .find(({ id }) => record?.replicas[id] === undefined);
  if (missing !== undefined) {
    const checkCode = `${missing.address};${missing.id}`;
    return [{ by: missing.id, request: { kind: "applyBrokerId", cluster, set, id: missing.id, checkCode } }];
  }
  if (record === null) return [];
  const moved = members.find(({ id, address }) => record.replicas[id]?.address !== address);
  if (moved !== undefined) {
    const { id, address } = moved;
    return [{ by: id, request: { kind: "registerBroker", cluster, set, id, address } }];
  }
  if (record.frozen !== null) return [];
  if (record.epoch === 0) return firstMaster(facts);
  return [...ofTheMaster(facts, record), ...ofOthers(facts, record)];
}

/** Whoever acts as master already; nobody, where two do. */
function firstMaster({ cluster, set, members, seen, completeSince, now }: WishFacts): readonly Wish[] {
  if (completeSince === null || now - completeSince < firstMasterMs) return [];
  const ids = members.map(({ id }) => id).toSorted((one, other) => one - other);
  const acting = ids.filter((id) => seen.get(id)?.acting === true);
  const [id] = acting.length === 0 ? ids : acting;
  if (id === undefined || acting.length > 1) return [];
  return [{ by: id, request: { kind: "electMaster", cluster, set, id, designate: false } }];
}

function ofTheMaster({ cluster, set, seen }: WishFacts, record: SetRecord): readonly Wish[] {
  const { master } = record;
  const told = master === null ? undefined : seen.get(master);
  if (master === null || told === undefined) return [];
  if (!told.acting) {
    // While a decision is carried out it does not act yet.
    if (record.decision !== null || told.times < timesSure) return [];
    return [{ by: master, request: { kind: "electMaster", cluster, set, id: master, designate: false } }];
  }
  // What it counts it counts in this epoch: what it told before says nothing of it.
  if (told.inSync === null || told.reading.epoch !== record.epoch) return [];
  const known = told.inSync.filter((id) => record.replicas[id] !== undefined);
  const inSync = [...new Set([master, ...known])].toSorted((one, other) => one - other);
  if (inSync.length === record.inSync.length && inSync.every((id) => record.inSync.includes(id))) return [];
  const { epoch, inSyncEpoch } = record;
  return [{ by: master, request: { kind: "alterInSync", set, master, epoch, inSync, inSyncEpoch } }];
}

/** One that acts as master out of turn is told who is, as a broker that writes under an old epoch. */
function ofOthers({ set, seen }: WishFacts, record: SetRecord): readonly Wish[] {
  if (record.decision !== null) return [];
  const strays = [...seen].filter(([id, told]) => id !== record.master && told.acting && told.times >= timesSure);
  return strays.map(([id, { reading }]) => {
    const epoch = Math.max(0, Math.min(reading.epoch, record.epoch - 1));
    const request = { kind: "alterInSync", set, master: id, epoch, inSync: [id], inSyncEpoch: 0 } as const;
    return { by: id, request };
  });
}
