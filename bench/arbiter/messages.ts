/** What the bench and its processes of brokers tell each other. Times are milliseconds since 1970. */

export type ToBrokers =
  | {
      readonly kind: "start";
      readonly doors: readonly string[];
      readonly places: readonly { readonly set: string; readonly addresses: readonly string[] }[];
    }
  | { readonly kind: "kill"; readonly sets: readonly string[] }
  | { readonly kind: "askFailures" };

export type ToBench =
  | { readonly kind: "started" }
  /** A broker has become master: its 1008, or its own registration, told it. */
  | {
      readonly kind: "promoted";
      readonly at: number;
      readonly set: string;
      readonly epoch: number;
      readonly id: number;
      readonly address: string;
      readonly slaves: readonly (readonly [id: number, address: string])[];
    }
  | { readonly kind: "killed"; readonly at: number }
  /** Requests of all brokers that were not answered well, since their start. */
  | { readonly kind: "askFailures"; readonly count: number };
