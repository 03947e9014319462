/** The phases of a link. Log lines, `idcctl link status` and docs/states.md read this one table. */

export const phaseNames = [
  "connecting",
  "standby",
  "claiming",
  "arming",
  "comparing",
  "following",
  "paused",
  "stopped",
] as const;

export type PhaseName = (typeof phaseNames)[number];

export type PhaseTrigger =
  | "bothConnected"
  | "leading"
  | "claimed"
  | "claimRefused"
  | "armed"
  | "nothingToJudge"
  | "compared"
  | "sessionLost"
  | "fenced"
  | "diverged"
  | "badData"
  | "paused"
  | "resumed";

interface Transition {
  readonly from: PhaseName;
  readonly on: PhaseTrigger;
  readonly to: PhaseName;
  readonly why: string;
}

const lost = "A session was lost: nothing is written until both sides answer again and a full compare has been made";
const fenced = "Another replicator has taken the link over: its fence refuses our writes";
const paused = "An operator has paused the link: nothing is written until it is resumed";

export const transitions = [
  {
    from: "connecting",
    on: "bothConnected",
    to: "standby",
    why: "Source and target answer: it waits until it is first in the link's latch",
  },
  { from: "standby", on: "leading", to: "claiming", why: "It leads: the link's fence is taken over in the target" },
  {
    from: "standby",
    on: "claimRefused",
    to: "stopped",
    why: "The link may not be taken over: an operator must look at it",
  },
  { from: "standby", on: "sessionLost", to: "connecting", why: lost },
  { from: "claiming", on: "claimed", to: "arming", why: "The fence is ours: watches are set before anything is read" },
  {
    from: "claiming",
    on: "claimRefused",
    to: "stopped",
    why: "The link may not be taken over: an operator must look at it",
  },
  { from: "claiming", on: "sessionLost", to: "connecting", why: lost },
  { from: "claiming", on: "paused", to: "paused", why: paused },
  {
    from: "arming",
    on: "armed",
    to: "comparing",
    why: "Changes are noticed from here on: both trees are compared in full",
  },
  { from: "arming", on: "sessionLost", to: "connecting", why: lost },
  { from: "arming", on: "paused", to: "paused", why: paused },
  {
    from: "comparing",
    on: "nothingToJudge",
    to: "following",
    why: "Nothing was ever carried over, and the target has been read: the source is carried over while it is read",
  },
  {
    from: "comparing",
    on: "compared",
    to: "following",
    why: "Both trees have been compared: each change is carried over as it happens",
  },
  { from: "arming", on: "fenced", to: "stopped", why: fenced },
  { from: "comparing", on: "sessionLost", to: "connecting", why: lost },
  { from: "comparing", on: "paused", to: "paused", why: paused },
  { from: "comparing", on: "fenced", to: "stopped", why: fenced },
  {
    from: "comparing",
    on: "diverged",
    to: "stopped",
    why: "Somebody else wrote in the target while nobody watched, and the source says otherwise: an operator must decide",
  },
  {
    from: "comparing",
    on: "badData",
    to: "stopped",
    why: "A node is not of its rule's format, and onBadData says stop",
  },
  { from: "following", on: "sessionLost", to: "connecting", why: lost },
  { from: "following", on: "paused", to: "paused", why: paused },
  { from: "following", on: "fenced", to: "stopped", why: fenced },
  {
    from: "following",
    on: "badData",
    to: "stopped",
    why: "A node is not of its rule's format, and onBadData says stop",
  },
  {
    from: "paused",
    on: "resumed",
    to: "connecting",
    why: "An operator has resumed the link: it starts over with a full compare",
  },
  { from: "paused", on: "sessionLost", to: "connecting", why: lost },
  { from: "paused", on: "fenced", to: "stopped", why: fenced },
  {
    from: "stopped",
    on: "resumed",
    to: "connecting",
    why: "An operator has resumed the link, or its session has ended and with it its lead: it starts over",
  },
] as const satisfies readonly Transition[];

/** The row for this trigger, or undefined where the table has none: then the trigger changes nothing. */
export function transitionOn(from: PhaseName, on: PhaseTrigger): Transition | undefined {
  return transitions.find((row) => row.from === from && row.on === on);
}
