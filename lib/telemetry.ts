/** What clients with the SDK tell a router of themselves: both sides read this one page. */

/** Upper bounds of the histograms' buckets; one more bucket has what is beyond the last. */
export const telemetryBounds = {
  seconds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  bytes: [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304],
} as const;

/** Of one report. */
export const telemetryLimits = {
  /** IDCs that a client sends to or reads from. */
  idcsMax: 32,
  groupsMax: 64,
  charactersMax: 255,
  countMax: 1_000_000_000,
} as const;

/** How many values fell into each bucket (not summed up), and what they come to together. */
interface Tally {
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface TelemetryReport {
  /** Of this process of the client, by chance. */
  readonly client: string;
  /** Of the report: one that comes twice counts once. */
  readonly number: number;
  readonly version: string;
  /** The client's; "": it does not know. */
  readonly idc: string;
  readonly produced: readonly ProducedReport[];
  readonly consumed: readonly ConsumedReport[];
  /** Groups that the client is a member of. */
  readonly groups: readonly GroupReport[];
}

/** Since the report before, by the IDC where the client began. */
interface ProducedReport {
  readonly idc: string;
  readonly acknowledged: number;
  readonly failed: number;
  /** Of acknowledged sends, from the call to the acknowledgement, with all attempts. */
  readonly seconds: Tally;
  /** Of each message's body. */
  readonly bytes: Tally;
}

interface ConsumedReport {
  readonly idc: string;
  readonly messages: number;
  /** In the handler, with all attempts. */
  readonly seconds: Tally;
  readonly bytes: Tally;
}

export interface GroupReport {
  readonly topic: string;
  readonly group: string;
  /** Who shares out its partitions: the name that all members agreed on. */
  readonly allocator: string;
}

/** Kafka groups whose members all take the SDK's allocator agree on this name. */
export const nearestAllocator = "crossidc-nearest";
