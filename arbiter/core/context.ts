import type { Instant } from "#lib/clock.ts";
import type { Act } from "./audit.ts";
import type { Command, Transaction } from "./events.ts";
import type { Mirror } from "./mirror.ts";
import type { BrokerId, SetPolicy, SiteName } from "./model.ts";
import type { SetView } from "./set-view.ts";
import type { Timing } from "./timing.ts";

/** What is the same for as long as the arbiter runs. */
export interface ArbiterOptions {
  readonly site: SiteName;
  /** host:port that brokers reach the controller door by. */
  readonly controller: string;
  readonly version: string;
  readonly timing: Timing;
  /** Names of the clusters that it decides over; brokers of others are sent away. */
  readonly clusters: readonly string[];
  /** Of these, the ones whose members obey scripts: they know no epoch, so nobody is promoted before a fence. Left out: none. */
  readonly scripted?: readonly string[];
  /** First match wins; "" when nothing matches. */
  readonly idcOf: (address: string, set: string) => string;
  readonly canary: boolean;
}

/** The moment of a step: `now` decides inside this process, `wall` is for records that other processes read. */
export interface Moment {
  readonly now: Instant;
  readonly wall: number;
}

/** How a transaction ended. outdated: the mirror has what the ledger said instead. */
export type Ending = "committed" | "outdated" | "unanswered";

export type Then = (ending: Ending, context: Context) => void;

/** What the parts of the core share during one step. */
export interface Context {
  readonly options: ArbiterOptions;
  readonly mirror: Mirror;
  readonly moment: Moment;
  /** When this site last reached another site, or a broker of another IDC. */
  readonly outsideAt: Instant | null;
  emit(command: Command): void;
  /**
   * Sends a transaction; `then` runs in the step that hears of its end. For what arbiters note for themselves and what brokers ask
   * for: it has no entry in the audit log, so nothing that operators alone write, and no decision, goes this way.
   */
  commit(transaction: Transaction, then: Then): void;
  /** The same with an entry in the audit log, in one transaction (audited.ts): for what somebody does. */
  commitAct(act: Act, transaction: Transaction, then: Then): void;
  /** Has this site completed a write in the last quorumProofMs? */
  hasQuorum(): boolean;
  /**
   * Is this site's record of the set not older than quorumProofMs? Brokers that have restarted take any epoch: nobody may be told
   * from an older one who is master.
   */
  isCurrent(view: SetView): boolean;
  /** What arrives now may have waited while this process stood still. */
  isDraining(): boolean;
  /**
   * May this site drive now what is due since then? The first voting site that is there does so at once, each further one
   * leaderSilentMs later. Order only: every step is a compare-and-swap.
   * @param failing the set whose failover it is: it has an order of its own (sitesInTurn)
   */
  isMyTurn(since: Instant, failing?: SetView): boolean;
  /** May one more probe be sent in this tick that nobody waits for? Each yes counts. */
  mayProbe(isMaster: boolean): boolean;
  /** May the settings of one more set be read in this tick? Each yes counts. */
  mayReadSettings(): boolean;
  policyOf(view: SetView): SetPolicy;
  isPaused(): boolean;
  idcOf(view: SetView, id: BrokerId): string;
}
