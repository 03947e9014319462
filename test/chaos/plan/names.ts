/**
 * The faults of a chaos run. The names up to leader-suspend, and what they mean, are OpenMessaging-Chaos's: its nodes are the
 * brokers of the set where processes are struck, and the sites where the network is.
 */
export const faultNames = [
  "minor-kill",
  "major-kill",
  "random-kill",
  "fixed-kill",
  "random-partition",
  "fixed-partition",
  "partition-majorities-ring",
  "bridge",
  "random-loss",
  "minor-suspend",
  "major-suspend",
  "random-suspend",
  "fixed-suspend",
  "leader-kill",
  "leader-suspend",
  "idc-lost",
  "one-way-cut",
  "broker-cut-from-arbiters",
  "etcd-minority",
  "clock-skew",
  "full-disk",
] as const;

export type FaultName = (typeof faultNames)[number];

/** For people. */
export const faultTexts: Readonly<Record<FaultName, string>> = {
  "minor-kill": "one of the three brokers is killed",
  "major-kill": "two of the three brokers are killed at one time",
  "random-kill": "some brokers are killed at one time: one, two, or all",
  "fixed-kill": "the first broker is killed",
  "random-partition": "one site is cut off from all others",
  "fixed-partition": "the first IDC is cut off from all others",
  "partition-majorities-ring": "each site hears one of the other two, and no two hear the same majority",
  bridge: "two sites are cut off from each other; the third one reaches both",
  "random-loss": "a site loses some of its packets, both ways",
  "minor-suspend": "one of the three brokers is frozen, then it goes on",
  "major-suspend": "two of the three brokers are frozen, then they go on",
  "random-suspend": "some brokers are frozen, then they go on: one, two, or all",
  "fixed-suspend": "the first broker is frozen, then it goes on",
  "leader-kill": "the master is killed",
  "leader-suspend": "the master is frozen, then it goes on",
  "idc-lost": "an IDC is cut off and all its servers are killed",
  "one-way-cut": "nothing comes through from one site to another; the other way is open",
  "broker-cut-from-arbiters": "a broker and the arbiters do not reach each other, but everybody else",
  "etcd-minority": "two of three etcd members are killed: nobody may decide",
  "clock-skew": "an arbiter's clock goes wrong by 60 s, ahead or behind",
  "full-disk": "a broker's disk is full by its own measure: nineteen of twenty bytes are taken",
};
