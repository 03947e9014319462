/**
 * What the arbiter knows and writes down. The records below are what etcd holds, decoded (records.ts has their text); decisions are in
 * decision.ts.
 */

export type SiteName = string;
/** The id a broker keeps for ever in the controller protocol: 1, 2, …; not the role id it shows to clients. */
export type BrokerId = number;
/** etcd's revision; 0n: the key is not there. */
export type Revision = bigint;

/** "cluster/set": names of both hold no slash. */
export type SetName = string & { readonly __brand: "SetName" };

export function setName(cluster: string, set: string): SetName {
  return `${cluster}/${set}` as SetName;
}

export interface Replica {
  /** host:port, as the broker told it: where clients and arbiters reach it. */
  readonly address: string;
  /** Of 1013: who repeats it with the same code is the same broker. */
  readonly checkCode: string;
}

/** One broker set. Holds no liveness: it changes by 1001, 1012/1013, elections and operators only. */
export interface SetRecord {
  readonly cluster: string;
  readonly set: string;
  /** The masterEpoch of the protocol. 0: there never was a master. */
  readonly epoch: number;
  /** The syncStateSetEpoch of the protocol. */
  readonly inSyncEpoch: number;
  readonly master: BrokerId | null;
  readonly inSync: readonly BrokerId[];
  /** Of `inSync`: those of whom it is not known that the master counts them. They are no candidates. */
  readonly unconfirmed: readonly BrokerId[];
  readonly replicas: Readonly<Record<BrokerId, Replica>>;
  /** The decision whose effects are not done yet. */
  readonly decision: DecisionId | null;
  readonly frozen: Freeze | null;
  /** Wall times of the failovers of late, for the cool-down. */
  readonly failoversAt: readonly number[];
}

export interface Freeze {
  readonly code: "operator" | "duplicate-id" | "ledger-behind";
  readonly reason: string;
  /** Wall time. */
  readonly at: number;
  /** Wall time at which it ends by itself; null: when an operator says so. */
  readonly until: number | null;
}

/** Who votes. Written by `idcctl init`, the one place where it stands. */
export interface ClusterRecord {
  readonly sites: readonly SiteName[];
  /** Another one after the ledger was made anew. */
  readonly incarnation: string;
  readonly at: number;
}

/** In which etcd the ledger was written: one that was restored from a snapshot, or made anew, has another history. */
export interface HistoryRecord {
  /** etcd's id of its cluster. */
  readonly etcd: string;
  readonly at: number;
}

export interface PauseRecord {
  readonly reason: string;
  readonly at: number;
  readonly until: number | null;
}

export const idcStates = ["active", "drained", "read-only"] as const;

/** What operators want of an IDC; routers go by the same record. Without one it is active. */
export interface IdcRecord {
  readonly state: (typeof idcStates)[number];
  /** Of the clients' messages, in per cent of its capacity. */
  readonly weight: number;
  /** Rises with each change. */
  readonly epoch: number;
  readonly reason: string;
  readonly at: number;
}

/** Brokers of one set that are not to be master, for an upgrade. */
export interface DrainRecord {
  readonly cluster: string;
  readonly set: string;
  readonly brokers: Readonly<Record<BrokerId, { readonly reason: string; readonly at: number }>>;
}

/** A site says: I am here, with a quorum. On the site's lease, written every `siteBeatMs`. */
export interface SiteRecord {
  readonly site: SiteName;
  /** Of its controller door, for the others to see whether they reach it. */
  readonly controller: string;
  readonly version: string;
  readonly beat: number;
  /** "cluster/set/id" of the brokers that it does not hear, the first 200 of them. */
  readonly unheard: readonly string[];
  /** False: it takes no part in votes, and why. */
  readonly votes: boolean;
  readonly why: string;
}

/** `<epoch>.<n>`: n tells the questions of one epoch apart. */
export type QuestionId = string;

/** Is this master down? Open as long as the key is there. */
export interface QuestionRecord {
  readonly id: QuestionId;
  readonly cluster: string;
  readonly set: string;
  readonly epoch: number;
  readonly master: BrokerId;
  readonly askedBy: SiteName;
  /** The master itself has told the site that asks: it registers, or wants to be elected, as after a restart. */
  readonly restarted: boolean;
  readonly at: number;
}

/**
 * What a site says of one broker.
 * dead: positive, its port refuses, or it says itself that it is not master. silent: unheard for suspectAfterMs and a probe
 * after the question went unanswered. unknown is not down.
 */
export const verdicts = ["alive", "silent", "dead", "unknown"] as const;
export type Verdict = (typeof verdicts)[number];

export interface BrokerView {
  readonly verdict: Verdict;
  /** For people: what was seen. */
  readonly evidence: string;
}

/** A site's answer to the open question, on its lease; it changes as the site's view does. */
export interface AnswerRecord {
  readonly site: SiteName;
  readonly question: QuestionId;
  readonly master: BrokerView;
  /** The other replicas, as this site sees them. */
  readonly replicas: Readonly<Record<BrokerId, BrokerView>>;
  /** The most that this site has heard the master tell; null: nothing. Another site may have heard of more, up to its end. */
  readonly told: OffsetReading | null;
  readonly at: number;
}

/** `<cluster>/<set>/<epoch>`: an epoch is decided once. */
export type DecisionId = string;

/** `<epoch>.<n>`, as of questions. */
type SwitchId = string;

export const switchStages = ["holding", "restoring"] as const;

/**
 * A planned switch. It is there from before the master refuses messages until its settings are as before. holding: it may be
 * behind its barrier, and may still become the old master. restoring: it is decided or given up; only the settings are left.
 */
export interface SwitchRecord {
  readonly id: SwitchId;
  readonly cluster: string;
  readonly set: string;
  /** Of the master to be replaced. */
  readonly epoch: number;
  /** The one whose settings are changed. */
  readonly from: BrokerId;
  readonly to: BrokerId;
  readonly reason: string;
  readonly askedBy: SiteName;
  readonly at: number;
  /** Of `from`, before: what it is given back. */
  readonly minInSyncReplicas: number;
  readonly brokerPermission: number;
  readonly stage: (typeof switchStages)[number];
  /** The epoch that came of it; null: none. */
  readonly decided: number | null;
  /** For people: what came of it; "" while it is holding. */
  readonly outcome: string;
}

/** Read from a broker (1007) after the death was confirmed. */
export interface OffsetReading {
  /** The last epoch in the broker's epoch file; -1: none. */
  readonly epoch: number;
  readonly maxOffset: bigint;
}

export const rpoNames = ["zero", "bounded", "best-effort"] as const;

/** What an operator promises for a set, resolved from the patterns. */
export interface SetPolicy {
  readonly rpo: (typeof rpoNames)[number];
  readonly survive: "broker" | "idc";
  /** For `bounded`: bytes of the log. */
  readonly maxLostBytes: bigint;
  readonly unclean: "deny" | "allow";
  readonly preferIdcs: readonly string[];
  readonly cooldownMs: number;
  /** With `survive: idc`: how long the in-sync set is kept from shrinking into one IDC. */
  readonly degradeAfterMs: number;
  /** How long a set must have been quiet before its master is brought home, to `preferIdcs`; null: it never is. */
  readonly returnAfterMs: number | null;
  readonly frozen: boolean;
}

export const protectionLevels = ["none", "broker", "idc"] as const;
export type ProtectionLevel = (typeof protectionLevels)[number];

/** What the live brokers' settings protect, as last seen. */
export interface ProtectionRecord {
  readonly level: ProtectionLevel;
  /** For people: which broker's which setting is in the way; "" when nothing is. */
  readonly why: string;
  readonly at: number;
}

/** A record and the revision of its last change: what a compare-and-swap needs. */
export interface Stored<Value> {
  readonly value: Value;
  readonly revision: Revision;
}
