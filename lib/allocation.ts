/**
 * Which consumer of a group reads which queue (RocketMQ) or partition (Kafka): an IDC's queues go to that IDC's consumers, and what
 * nobody is near to is shared so that all have about the same. Pure: the same for all who ask with the same, in whichever order.
 */

export interface AllocationQueue {
  readonly id: string;
  /** Of its master or leader; "": unknown. */
  readonly idc: string;
}

export interface AllocationConsumer {
  readonly id: string;
  /** "": unknown. */
  readonly idc: string;
  /** Ids of queues that it has now. */
  readonly has?: readonly string[];
}

/** By consumer: ids of queues, sorted. Every consumer is there, every queue is with one of them. */
export type Allocation = ReadonlyMap<string, readonly string[]>;

/**
 * - A queue whose IDC has consumers is with one of them. Within an IDC their numbers of such queues differ by one at most.
 * - Who has one of the others has no more in all than anybody else plus one.
 * - A queue stays where it is as long as these allow it.
 * - With nothing known but names: blocks of the sorted queues for the sorted consumers, as RocketMQ's own average does it.
 * @throws {RangeError} when there are queues and no consumers, or an id is there twice
 */
export function allocate(queues: readonly AllocationQueue[], consumers: readonly AllocationConsumer[]): Allocation {
  refuseRepeats(queues, "queue");
  refuseRepeats(consumers, "consumer");
  if (queues.length > 0 && consumers.length === 0) throw new RangeError(`${queues.length} queues and no consumer`);
  const members = consumers.toSorted(byId);
  const owners = ownersOf(members);
  const given = new Map<string, string[]>(members.map(({ id }) => [id, []]));
  const idcs = new Set(members.map(({ idc }) => idc).filter((idc) => idc !== ""));
  const nearQueues = Map.groupBy(queues.toSorted(byId), ({ idc }) => (idcs.has(idc) ? idc : ""));
  for (const [idc, some] of nearQueues) {
    if (idc !== "")
      share(
        some,
        members.filter((member) => member.idc === idc),
        { given, owners },
      );
  }
  share(nearQueues.get("") ?? [], members, { given, owners });
  return new Map([...given].map(([id, ids]) => [id, ids.toSorted(compare)]));
}

interface Sharing {
  /** By consumer: what it has got so far. */
  readonly given: ReadonlyMap<string, string[]>;
  /** By queue: who has it now. */
  readonly owners: ReadonlyMap<string, string>;
}

/** Gives each member its part: first what it has already, then what is left, in blocks. */
function share(
  queues: readonly AllocationQueue[],
  members: readonly AllocationConsumer[],
  { given, owners }: Sharing,
): void {
  const held = Map.groupBy(queues, ({ id }) => owners.get(id) ?? "");
  const loads = members.map(({ id }) => ({
    id,
    load: given.get(id)?.length ?? 0,
    held: held.get(id)?.length ?? 0,
  }));
  const parts = partsOf(queues.length, loads);
  const kept = new Set<string>();
  for (const { id } of members) {
    for (const queue of (held.get(id) ?? []).slice(0, parts.get(id))) {
      given.get(id)?.push(queue.id);
      kept.add(queue.id);
    }
  }
  const left = queues.filter(({ id }) => !kept.has(id)).map(({ id }) => id);
  for (const { id, load } of loads) {
    const own = given.get(id);
    if (own !== undefined) own.push(...left.splice(0, load + (parts.get(id) ?? 0) - own.length));
  }
}

interface Load {
  readonly id: string;
  /** What it has got already. */
  readonly load: number;
  /** How many of those to be shared it has now. */
  readonly held: number;
}

/** How many each gets: one by one to whoever has least; among equals to whoever keeps what it has, then by name. */
function partsOf(count: number, loads: readonly Load[]): ReadonlyMap<string, number> {
  const level = levelOf(count, loads);
  const parts = new Map(loads.map(({ id, load }) => [id, Math.max(0, level - load)]));
  const extra = count - [...parts.values()].reduce((sum, part) => sum + part, 0);
  const next = loads
    .filter(({ load }) => load <= level)
    .toSorted(
      (one, other) => other.held - Math.max(0, level - other.load) - (one.held - Math.max(0, level - one.load)),
    );
  for (const { id } of next.slice(0, extra)) parts.set(id, (parts.get(id) ?? 0) + 1);
  return parts;
}

/** The highest total to which all who are below it can be brought. */
function levelOf(count: number, loads: readonly Load[]): number {
  const sorted = loads.map(({ load }) => load).toSorted((one, other) => one - other);
  let sum = 0;
  let level = 0;
  for (const [nth, load] of sorted.entries()) {
    sum += load;
    level = Math.floor((count + sum) / (nth + 1));
    const above = sorted[nth + 1];
    if (above === undefined || level < above) break;
  }
  return level;
}

/** A queue that two say they have is the first one's, by name. */
function ownersOf(members: readonly AllocationConsumer[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { id, has = [] } of members) for (const queue of has) if (!owners.has(queue)) owners.set(queue, id);
  return owners;
}

function refuseRepeats(all: readonly { readonly id: string }[], what: string): void {
  const seen = new Set<string>();
  for (const { id } of all) {
    if (seen.has(id)) throw new RangeError(`the ${what} ${JSON.stringify(id)} is there twice`);
    seen.add(id);
  }
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return compare(one.id, other.id);
}

/** Numbers within names count as numbers: bs1:2 comes before bs1:10. */
function compare(one: string, other: string): number {
  return collator.compare(one, other) || (one < other ? -1 : one > other ? 1 : 0);
}

const collator = new Intl.Collator("en", { numeric: true });
