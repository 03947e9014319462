import type { BrokerId } from "./model.ts";

/**
 * What brokers, and tools that speak the controller protocol, tell and ask, and what they are answered. Decoded: the bytes are in
 * lib/remoting/records.
 */

/** A heartbeat (904). */
export interface Heartbeat {
  readonly cluster: string;
  readonly set: string;
  readonly id: BrokerId;
  readonly address: string;
  readonly epoch: number;
  readonly maxOffset: bigint;
  readonly priority: number;
}

/** Requests about one set. */
export type SetRequest =
  | {
      readonly kind: "alterInSync";
      readonly set: string;
      readonly master: BrokerId;
      readonly epoch: number;
      readonly inSync: readonly BrokerId[];
      readonly inSyncEpoch: number;
    }
  | {
      readonly kind: "electMaster";
      readonly cluster: string;
      readonly set: string;
      /** null: none named (-1 on the wire). */
      readonly id: BrokerId | null;
      readonly designate: boolean;
    }
  | {
      readonly kind: "registerBroker";
      readonly cluster: string;
      readonly set: string;
      readonly id: BrokerId;
      readonly address: string;
    }
  | { readonly kind: "replicaInfo"; readonly set: string }
  | { readonly kind: "nextBrokerId"; readonly cluster: string; readonly set: string }
  | {
      readonly kind: "applyBrokerId";
      readonly cluster: string;
      readonly set: string;
      readonly id: BrokerId;
      /** "address;millis" */
      readonly checkCode: string;
    }
  | {
      readonly kind: "cleanBroker";
      readonly cluster: string | null;
      readonly set: string;
      /** null: all. */
      readonly ids: readonly BrokerId[] | null;
      readonly living: boolean;
    };

export type ControllerRequest =
  | SetRequest
  | { readonly kind: "metadata" }
  | { readonly kind: "inSyncData"; readonly sets: readonly string[] };

/** Who is master, as the protocol tells it. */
export interface MasterInfo {
  readonly master: BrokerId | null;
  readonly address: string | null;
  readonly epoch: number;
  readonly inSync: readonly BrokerId[];
  readonly inSyncEpoch: number;
}

export interface InSyncReplica {
  readonly set: string;
  readonly id: BrokerId;
  readonly address: string;
  readonly alive: boolean;
}

/** Answers to ControllerRequests: `code` is the protocol's (lib/remoting/codes.ts); a success has what its kind needs. */
export type ControllerAnswer =
  | {
      readonly kind: "refused";
      readonly code: number;
      readonly remark: string;
      readonly cluster?: string;
      readonly set?: string;
    }
  | { readonly kind: "alterInSync"; readonly inSync: readonly BrokerId[]; readonly inSyncEpoch: number }
  | {
      readonly kind: "electMaster";
      /** 0, or 2011: there is a master, which the broker takes as success. */
      readonly code: number;
      readonly cluster: string;
      readonly set: string;
      readonly info: MasterInfo;
      readonly members: Readonly<Record<BrokerId, string>>;
    }
  | { readonly kind: "registerBroker"; readonly cluster: string; readonly set: string; readonly info: MasterInfo }
  | { readonly kind: "replicaInfo"; readonly info: MasterInfo }
  /** leader: null when this site has no fresh quorum proof. */
  | {
      readonly kind: "metadata";
      readonly leader: string | null;
      readonly leaderSite: string;
      readonly peers: readonly string[];
    }
  | {
      readonly kind: "inSyncData";
      readonly sets: Readonly<
        Record<
          string,
          {
            readonly info: MasterInfo;
            readonly inSync: readonly InSyncReplica[];
            readonly notInSync: readonly InSyncReplica[];
          }
        >
      >;
    }
  | { readonly kind: "nextBrokerId"; readonly cluster: string; readonly set: string; readonly id: BrokerId }
  | { readonly kind: "applyBrokerId"; readonly cluster: string; readonly set: string }
  | { readonly kind: "cleanBroker" };
