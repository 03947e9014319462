import { masterRole } from "../../../idc-router/core/model.ts";

/** Two broker sets of two brokers each, one in each IDC; who is master of which epoch, as it really is. */
export interface Sets {
  readonly names: readonly string[];
  readonly epochs: ReadonlyMap<string, number>;
  masterOf(set: string): string;
  /** Whether the process is there. */
  isUp(address: string): boolean;
  setUp(address: string, isUp: boolean): void;
  brokersOf(set: string): readonly string[];
  /** As they register with name servers. */
  addressesOf(set: string): ReadonlyMap<number, string>;
  /** The other broker becomes master. @returns the record that the arbiters write */
  failOver(set: string, epoch: number): string;
  recordOf(set: string): string;
}

export const cluster = "C1";
export const topic = "orders";
const names = ["bs1", "bs2"] as const;

export function createSets(): Sets {
  const masters = new Map<string, number>([
    ["bs1", 0],
    ["bs2", 1],
  ]);
  const epochs = new Map<string, number>(names.map((set) => [set, 1]));
  const down = new Set<string>();
  const brokersOf = (set: string): readonly string[] => [`idc1-${set}:10911`, `idc2-${set}:10911`];
  const masterOf = (set: string): string => brokersOf(set)[masters.get(set) ?? 0] ?? "";
  const recordOf = (set: string): string => {
    const replicas = Object.fromEntries(brokersOf(set).map((address, nth) => [nth + 1, { address }]));
    return JSON.stringify({ schema: 1, epoch: epochs.get(set), master: (masters.get(set) ?? 0) + 1, replicas });
  };
  return {
    names,
    epochs,
    masterOf,
    brokersOf,
    recordOf,
    isUp: (address) => !down.has(address),
    setUp(address, isUp) {
      if (isUp) down.delete(address);
      else down.add(address);
    },
    addressesOf(set) {
      const slaves = brokersOf(set).filter((address) => address !== masterOf(set));
      return new Map([[masterRole, masterOf(set)], ...slaves.map((address, nth) => [nth + 1, address] as const)]);
    },
    failOver(set, epoch) {
      masters.set(set, 1 - (masters.get(set) ?? 0));
      epochs.set(set, epoch);
      return recordOf(set);
    },
  };
}
