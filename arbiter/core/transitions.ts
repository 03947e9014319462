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
  "switchLeft",
  "barrierFound",
  "barrierLeft",
  "barrierLowered",
  "masterSuspected",
  "masterHeard",
  "questionLeft",
  "noCandidate",
  "notFenced",
  "candidateFound",
  "elected",
  "recovered",
  "decisionLeft",
  "effectsDone",
  "froze",
  "thawed",
  "neverElected",
] as const;
type PhaseTrigger = (typeof phaseTriggers)[number];

interface Transition {
  readonly from: PhaseName;
  readonly on: PhaseTrigger;
  readonly to: PhaseName;
  readonly why: string;
}

/** What lies between two phases: a decision, after which the epoch is another one, or none. */
export type Between = "nothing decided" | "an election" | "a recovery";

function between(on: PhaseTrigger): Between {
  if (on === "recovered") return "a recovery";
  return on === "firstElected" || on === "elected" ? "an election" : "nothing decided";
}

const barrierLeft = "A broker still has the settings that a switch gave it, and is given back its own";

const switchLeft = "What came in between is over, and the switch is still on record: it goes on, or is given up";

const froze = "An operator froze the set, two brokers bear one id, or the ledger is behind the brokers";

const recovered = "An operator recovers the set: its master has an epoch above all that were seen";

export const transitions = [
  {
    from: "new",
    on: "firstElected",
    to: "installing",
    why: "The first broker that asked became master",
  },
  { from: "new", on: "recovered", to: "installing", why: recovered },
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
  { from: "held", on: "recovered", to: "installing", why: recovered },
  { from: "held", on: "froze", to: "frozen", why: froze },
  {
    from: "switching",
    on: "elected",
    to: "installing",
    why: "The old master refuses messages, and the named replica has all that it has: it takes over",
  },
  { from: "switching", on: "recovered", to: "installing", why: recovered },
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
  { from: "suspected", on: "recovered", to: "installing", why: recovered },
  {
    from: "suspected",
    on: "decisionLeft",
    to: "installing",
    why: "The new master is heard after all, under the same epoch: its decision goes on",
  },
  { from: "suspected", on: "switchLeft", to: "switching", why: switchLeft },
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
    why: "A replica that may be elected has turned up: it takes over",
  },
  { from: "blocked", on: "recovered", to: "installing", why: recovered },
  {
    from: "blocked",
    on: "decisionLeft",
    to: "installing",
    why: "The old master is fenced at last, or the new one is heard after all: the decision goes on",
  },
  { from: "blocked", on: "switchLeft", to: "switching", why: switchLeft },
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
    why: "The switch is taken back, or the new master failed before it served: another decision under the next epoch",
  },
  {
    from: "installing",
    on: "notFenced",
    to: "blocked",
    why: "The old master obeys no epoch, and could not be fenced: nobody is promoted before",
  },
  { from: "installing", on: "switchLeft", to: "switching", why: switchLeft },
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
    on: "recovered",
    to: "installing",
    why: "An operator recovers the set: its settings are seen to meanwhile",
  },
  { from: "restoring", on: "froze", to: "frozen", why: froze },
  { from: "frozen", on: "thawed", to: "held", why: "The freeze is over: the set is as it was" },
  { from: "frozen", on: "neverElected", to: "new", why: "The freeze is over: still nobody was ever master" },
  {
    from: "frozen",
    on: "questionLeft",
    to: "suspected",
    why: "The freeze is over, and the sites' question is still open: they answer it anew",
  },
  {
    from: "frozen",
    on: "noCandidate",
    to: "blocked",
    why: "The freeze is over, and what stood in the way of a new master before still does",
  },
  { from: "frozen", on: "recovered", to: "installing", why: recovered },
  {
    from: "frozen",
    on: "decisionLeft",
    to: "installing",
    why: "The freeze is over: a decision of before it goes on",
  },
  { from: "frozen", on: "switchLeft", to: "switching", why: switchLeft },
  { from: "frozen", on: "barrierLeft", to: "restoring", why: barrierLeft },
] as const satisfies readonly Transition[];

/** Where a phase has no row for a trigger the set stays in it: this is why. */
export const stays: Readonly<Record<PhaseTrigger, string>> = {
  firstElected: "A set that had a master gets no first one",
  switchAsked: "A switch begins with a set that is held, and is refused in any other",
  switchGivenUp: "No switch is there, or something is told before it: a question, a decision, a freeze",
  switchLeft: "A switch shows when all that is told before it is over: questions, decisions, freezes",
  barrierFound:
    "Something is told before a barrier, which is lowered meanwhile; none is looked for before a first master",
  barrierLeft: "A barrier shows when all that is told before it is over: questions, decisions, freezes",
  barrierLowered: "No barrier is on record, or something is told before it",
  masterSuspected: "The question is open already, or none may be: there is no master, or no fence, or a freeze",
  masterHeard: "Nobody has asked, or a freeze is told before the answers",
  questionLeft: "The question is told already, or none is open",
  noCandidate: "Without a question nobody is looked for, and in a freeze nobody is elected",
  notFenced: "Only a decision that is not carried out waits for a fence, and a question is told before it",
  candidateFound: "Only a set that is blocked lacks one",
  elected: "Nobody is elected without a question or a switch, and in a freeze nobody is at all",
  recovered: "A decision's effects are under way already: they begin anew under the next epoch",
  decisionLeft: "No decision is open, or it is told already",
  effectsDone: "No decision is open, or something is told before it: a question, a freeze",
  froze: "It is frozen already, for this reason or another",
  thawed: "It is not frozen",
  neverElected: "It had a master, or is new already",
};

/** What a trigger means in a phase: the row's, or that nothing moves. */
export function onTrigger(from: PhaseName, on: PhaseTrigger): Pick<Transition, "to" | "why"> {
  return transitions.find((row) => row.from === from && row.on === on) ?? { to: from, why: stays[on] };
}

/**
 * The row that leads from one phase to another.
 * @returns undefined when a site has missed some of what lay between
 */
export function transitionBetween(from: PhaseName, to: PhaseName, what: Between): Transition | undefined {
  return transitions.find((row) => row.from === from && row.to === to && between(row.on) === what);
}
