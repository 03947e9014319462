import type { CallOptions } from "#lib/remoting/connections.ts";
import type { MasterInfo } from "../core/controller-messages.ts";
import type { BrokerSettings, ProbeOutcome } from "../core/events.ts";

/**
 * The few things the arbiter does to a broker, of whatever kind. Each call is one attempt, bounded by its own time; what
 * cannot be done is a value, not an exception.
 */
export interface BrokerPort {
  /** One connection and one real request: is it there, how far is it, does it act as master? */
  probe(address: string, options: CallOptions): Promise<ProbeOutcome>;
  /**
   * Tells it who is master; the answer says that it has changed. Refusals and silence are `answered: false`. `deposed`: nobody is
   * promoted before its answer, which must be true also of a broker that cannot be reached. `mayBeNew`: it may have been started a
   * moment ago; a kind that takes harm from an order before it has registered is not given one then.
   */
  notify(
    address: string,
    to: { id: number; info: MasterInfo; deposed?: boolean; mayBeNew?: boolean },
    options: CallOptions,
  ): Promise<{ answered: boolean; detail: string }>;
  /** The address that clients are told as the set's master; null: none. @throws when no name server answers */
  routedMaster(cluster: string, set: string, options: CallOptions): Promise<string | null>;
  /** A message accepted by this broker as master, and read back. */
  canary(address: string, set: string, options: CallOptions): Promise<{ ok: boolean; detail: string }>;
  /** How many replicas this master counts as in sync, itself among them. @throws when it does not answer */
  inSyncCount(address: string, options: CallOptions): Promise<number>;
  /** null: it does not answer. */
  settings(address: string, options: CallOptions): Promise<BrokerSettings | null>;
  /** Does it take messages as a master does? A demotion counts from its first moment on, before it is answered. null: no answer. */
  isMaster(address: string, options: CallOptions): Promise<boolean | null>;
  /**
   * Raises the broker's barrier: from a positive answer on it refuses every message, and replicates as before, also after a
   * restart.
   */
  raiseBarrier(address: string, to: { minInSyncReplicas: number }, options: CallOptions): Promise<ChangeResult>;
  /** Gives it its own settings back. `ok`: a reading after it shows them; and it has registered with the name servers. */
  lowerBarrier(
    address: string,
    to: { minInSyncReplicas: number; brokerPermission: number },
    options: CallOptions,
  ): Promise<ChangeResult>;
  /** Does another arbiter's controller door answer there? */
  reaches(controller: string, options: CallOptions): Promise<boolean>;
  /** Makes it register with the name servers at once. */
  reregister(address: string, options: CallOptions): Promise<void>;
}

/** `ok` false: it may have been done all the same. */
export interface ChangeResult {
  readonly ok: boolean;
  readonly detail: string;
}
