import type { Clock, Instant } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
import { type CallOptions, passOverMs } from "#lib/etcd/members.ts";
import type { Transaction } from "../../core/events.ts";
import { operationsMax, standing, takeGroup, together } from "../../core/grouping.ts";
import type { CommitOutcome } from "../../ledger.ts";

/** So many go out as they come. What comes while they are under way waits, and goes together. */
const underWayMax = 8;
/** With so many writes it goes at once, beside those: it is a group already, and who sends it sends one at a time. */
const largeWritesMin = operationsMax / 2;
/** One that takes longer keeps nobody waiting. By then its member is passed over, and what waited goes to another one. */
const slowMs = passOverMs + 50;
/** Who has waited for longer is not sent: it would leave those that go with it too little time. */
const waitMsMax = 1_000;
/** One that was refused with others, and would not have been by itself, goes alone after this. */
const triesTogetherMax = 2;

type Send = (transaction: Transaction, options: CallOptions) => Promise<CommitOutcome>;

interface Waiting {
  readonly transaction: Transaction;
  readonly startedAt: Instant;
  readonly signal: AbortSignal;
  readonly end: PromiseWithResolvers<CommitOutcome>;
  tries: number;
}

/**
 * Few transactions at a time, each with as many of the waiting ones as fit: where hundreds of sets lose their masters in one moment
 * every site writes thousands of small records, and each transaction of its own costs etcd, and this process, as much as one of a hundred.
 * Each keeps its own outcome: a group that is refused tells from what it found whose comparisons failed, and the others go again.
 * @param send throws what the ledger's commit throws
 */
export function createGrouped(send: Send, clock: Clock): Send {
  let waiting: Waiting[] = [];
  let underWay = 0;

  function pump(): void {
    while (underWay < underWayMax && waiting.length > 0) {
      const group = takeWaiting();
      if (group.length > 0) void run(group);
    }
  }

  /** Those that have waited too long, or are wanted no more, are not sent at all. */
  function takeWaiting(): readonly Waiting[] {
    const live = waiting.filter((one) => {
      if (one.signal.aborted) one.end.reject(one.signal.reason);
      else if (clock.now() - one.startedAt >= waitMsMax) one.end.reject(late());
      else return true;
      return false;
    });
    const [first] = live;
    // Those that stood when a group was refused stay among themselves: with newcomers they would be refused for one of them again.
    const fitting = live.filter((one) => first !== undefined && goWith(first, one));
    const group = takeGroup(first !== undefined && first.tries >= triesTogetherMax ? [first] : fitting);
    const taken = new Set(group);
    waiting = live.filter((one) => !taken.has(one));
    return group;
  }

  async function run(group: readonly Waiting[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    let isCounted = !isLarge(first.transaction);
    const release = (): void => {
      if (isCounted) underWay -= 1;
      isCounted = false;
      pump();
    };
    if (isCounted) underWay += 1;
    const cancel = clock.after(slowMs, release);
    try {
      const startedAt = Math.max(...group.map((one) => one.startedAt)) as Instant;
      finish(group, await send(together(group), { startedAt, signal: first.signal }));
    } catch (error) {
      for (const { end } of group) end.reject(error);
    } finally {
      cancel();
      release();
    }
  }

  function finish(group: readonly Waiting[], outcome: CommitOutcome): void {
    if (outcome.kind === "committed") {
      for (const { end } of group) end.resolve(outcome);
      return;
    }
    const stand = group.length === 1 ? new Set<Waiting>() : standing(group, outcome.entries);
    const again = group.filter((one) => stand.has(one));
    for (const one of again) one.tries += 1;
    waiting = [...again, ...waiting];
    for (const one of group) {
      if (stand.has(one)) continue;
      const compared = new Set(one.transaction.compares.map(({ key }) => key));
      one.end.resolve({ ...outcome, entries: outcome.entries.filter(({ key }) => compared.has(key)) });
    }
  }

  return async (transaction, { startedAt, signal }) => {
    const one: Waiting = { transaction, startedAt, signal, end: Promise.withResolvers(), tries: 0 };
    if (isLarge(transaction)) void run([one]);
    else waiting.push(one);
    pump();
    return await one.end.promise;
  };
}

/** A signal ends what it belongs to, and nothing else; and nobody waits for a lease that it does not need. */
function goWith(first: Waiting, other: Waiting): boolean {
  return other.tries === first.tries && other.signal === first.signal && isLeased(other) === isLeased(first);
}

function isLarge({ puts, deletes }: Transaction): boolean {
  return puts.length + deletes.length >= largeWritesMin;
}

function isLeased({ transaction: { puts } }: Waiting): boolean {
  return puts.some(({ onLease }) => onLease);
}

function late(): OperatorError {
  return new OperatorError("ARB_LEDGER_UNANSWERED", `etcd was too busy to be asked within ${waitMsMax} ms`, {
    hint: "Check that most etcd members are up, and how long they take: idcctl doctor",
  });
}
