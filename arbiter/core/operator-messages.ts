import type { BrokerId, SetName } from "./model.ts";

/** What operators want, as idcctl and the HTTP door bring it, and what they are answered. */

export type OperatorRequest =
  | {
      readonly kind: "init";
      readonly sites: readonly string[];
      readonly incarnation: string;
      /** "" where none was given. */
      readonly reason: string;
    }
  | { readonly kind: "freeze"; readonly set: SetName; readonly reason: string; readonly untilWall: number | null }
  | { readonly kind: "unfreeze"; readonly set: SetName; readonly reason: string }
  | { readonly kind: "pause"; readonly reason: string; readonly untilWall: number | null }
  /** `to`: a broker's id, its address or its host, or an IDC. */
  | {
      readonly kind: "switch";
      readonly set: SetName;
      readonly to: string;
      readonly reason: string;
      readonly dryRun: boolean;
    }
  /** What is left out stays as it is. */
  | {
      readonly kind: "idc";
      readonly idc: string;
      readonly state?: "active" | "drained";
      readonly weight?: number;
      readonly reason: string;
    }
  | {
      readonly kind: "drainBroker";
      readonly set: SetName;
      readonly broker: BrokerId;
      /** False: no longer. */
      readonly drained: boolean;
      readonly reason: string;
    }
  /** Brokers that run go on record as a set, or in place of what a lost ledger still has of it; then as `recover`. */
  | {
      readonly kind: "adopt";
      readonly set: SetName;
      readonly brokers: readonly AdoptedBroker[];
      readonly master: BrokerId | null;
      readonly reason: string;
      readonly force: boolean;
    }
  | { readonly kind: "resume"; readonly reason: string }
  | { readonly kind: "applyPolicies"; readonly text: string; readonly reason: string }
  /** The set gets an epoch above every one seen; `master` null: the one with most progress. */
  | {
      readonly kind: "recover";
      readonly set: SetName;
      readonly master: BrokerId | null;
      readonly reason: string;
      readonly force: boolean;
    };

/** `address` null: the one at which it is heard. */
export interface AdoptedBroker {
  readonly id: BrokerId;
  readonly address: string | null;
}

export type OperatorAnswer =
  | { readonly kind: "done"; readonly detail: string }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly hint: string };
