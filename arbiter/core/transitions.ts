/** The phases of a broker set at the arbiter. Log lines, `idcctl set list` and docs/states.md read this one table. */

export const phaseNames = [
  "new",
  "held",
  "switching",
  "suspected",
  "blocked",
  "installing",
  "restoring",
  "frozen",
] as const;

/**
 * Derived from the ledger, never stored beside it. new: epoch 0, nobody was master yet. held: a master, and nothing to do.
 * switching: an operator wants another master, and the old one refuses messages until both have the same. suspected: a question is open. blocked: the question has a majority, and still nobody may be elected; or somebody was, and may not be promoted before the old master is fenced. installing: a decision
 * is committed and its effects are not done. restoring: a broker still has the settings that a switch gave it. frozen: nothing is decided until an operator says so, or the freeze ends.
 */
export type PhaseName = (typeof phaseNames)[number];

export const phaseTriggers = [
  "firstElected",
  "switchAsked",
  "switchGivenUp",
  "barrierFound",
  "barrierLeft",
  "barrierLowered",
  "masterSuspected",
  "masterHeard",
  "noCandidate",
  "notFenced",
  "candidateFound",
  "elected",
  "effectsDone",
  "froze",
  "thawed",
] as const;
type PhaseTrigger = (typeof phaseTriggers)[number];

interface Transition {
  readonly from: PhaseName;
  readonly on: PhaseTrigger;
  readonly to: PhaseName;
  readonly why: string;
}

const barrierLeft = "A broker still has the settings that a switch gave it, and is given back its own";

const froze = "An operator froze the set, two brokers bear one id, or the ledger is behind the brokers";

export const transitions = [
  {
    from: "new",
    on: "firstElected",
    to: "installing",
    why: "The first broker that asked became master: its epoch is 1",
  },
  { from: "new", on: "froze", to: "frozen", why: froze },
  {
    from: "held",
    on: "masterSuspected",
    to: "suspected",
    why: "A site cannot hear the master, or the master has restarted: all sites are asked",
  },
  {
    from: "held",
    on: "switchAsked",
    to: "switching",
    why: "Another master is wanted: the old one is to refuse messages until both have the same",
  },
  {
    from: "held",
    on: "barrierFound",
    to: "restoring",
    why: "A broker refuses messages for a switch that nobody knows of: it is given back its own settings",
  },
  { from: "held", on: "froze", to: "frozen", why: froze },
  {
    from: "switching",
    on: "elected",
    to: "installing",
    why: "The old master refuses messages, and the named replica has all that it has: it takes over",
  },
  {
    from: "switching",
    on: "switchGivenUp",
    to: "restoring",
    why: "The switch cannot be made: the master is given back its own settings, and goes on",
  },
  {
    from: "switching",
    on: "masterSuspected",
    to: "suspected",
    why: "The master cannot be heard, or has restarted, behind its barrier: the switch is given up, and all sites are asked",
  },
  { from: "switching", on: "froze", to: "frozen", why: froze },
  {
    from: "suspected",
    on: "masterHeard",
    to: "held",
    why: "A majority of the sites hears the master, and no site says that it is down",
  },
  {
    from: "suspected",
    on: "noCandidate",
    to: "blocked",
    why: "Most sites say that the master is down, but nobody may take its place",
  },
  {
    from: "suspected",
    on: "elected",
    to: "installing",
    why: "Most sites say that the master is down: the in-sync replica with the most progress takes over",
  },
  { from: "suspected", on: "barrierLeft", to: "restoring", why: barrierLeft },
  { from: "suspected", on: "froze", to: "frozen", why: froze },
  { from: "blocked", on: "masterHeard", to: "held", why: "The master is back, under the same epoch" },
  {
    from: "blocked",
    on: "candidateFound",
    to: "suspected",
    why: "A replica that may be elected is there, or what stood in the way is gone",
  },
  {
    from: "blocked",
    on: "elected",
    to: "installing",
    why: "A replica that may be elected has turned up, or the old master is fenced at last: it takes over",
  },
  { from: "blocked", on: "barrierLeft", to: "restoring", why: barrierLeft },
  { from: "blocked", on: "froze", to: "frozen", why: froze },
  {
    from: "installing",
    on: "effectsDone",
    to: "held",
    why: "The new master serves: it was promoted, the route shows it, and a message was accepted and read back",
  },
  {
    from: "installing",
    on: "masterSuspected",
    to: "suspected",
    why: "The new master itself cannot be heard: all sites are asked",
  },
  {
    from: "installing",
    on: "elected",
    to: "installing",
    why: "The new master restarted or failed before it served: another decision under the next epoch",
  },
  {
    from: "installing",
    on: "notFenced",
    to: "blocked",
    why: "The old master obeys no epoch, and could not be fenced: nobody is promoted before",
  },
  { from: "installing", on: "barrierLeft", to: "restoring", why: barrierLeft },
  { from: "installing", on: "froze", to: "frozen", why: froze },
  {
    from: "restoring",
    on: "barrierLowered",
    to: "held",
    why: "A reading shows that the broker has its own settings again",
  },
  {
    from: "restoring",
    on: "masterSuspected",
    to: "suspected",
    why: "A site cannot hear the master, or it has restarted: all sites are asked; the settings are seen to meanwhile",
  },
  {
    from: "restoring",
    on: "elected",
    to: "installing",
    why: "An operator recovers the set: its settings are seen to meanwhile",
  },
  { from: "restoring", on: "froze", to: "frozen", why: froze },
  { from: "frozen", on: "thawed", to: "held", why: "The freeze is over: the set is as it was" },
  { from: "frozen", on: "barrierLeft", to: "restoring", why: barrierLeft },
] as const satisfies readonly Transition[];

/** The row that leads from one phase to another; undefined when a site has missed what lay between. */
export function transitionBetween(from: PhaseName, to: PhaseName): Transition | undefined {
  return transitions.find((row) => row.from === from && row.to === to);
}
