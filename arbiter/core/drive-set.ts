import { reconsider } from "./asks.ts";
import { probeDue } from "./brokers.ts";
import type { Context } from "./context.ts";
import { driveEffects } from "./effects.ts";
import { thawIfOver } from "./freezes.ts";
import { noteHappened } from "./happened.ts";
import { parseKey } from "./keys.ts";
import type { SetName } from "./model.ts";
import { driveQuestion } from "./questions.ts";
import { driveRecovery } from "./recover.ts";
import { freezeIfRestored } from "./restored.ts";
import { phaseOf, type SetView } from "./set-view.ts";
import { driveSwitch } from "./switch.ts";
import { driveAsk } from "./switch-ask.ts";
import { type Between, transitionBetween } from "./transitions.ts";
import { driveUpkeep } from "./upkeep.ts";

const justSeen = "This site had not seen the set before";
const missed = "This site has missed what lay in between";

/** Everything that a set may need now. Cheap when it needs nothing. */
export function driveSet(view: SetView, context: Context): void {
  view.rest = null;
  driveRecovery(view, context);
  driveAsk(view, context);
  if (view.record === null) {
    view.told = null;
    return;
  }
  freezeIfRestored(view, context);
  // Of a cluster that only other sites' configs have this site knows no way to the brokers: it takes no part.
  if (context.options.clusters.includes(view.cluster)) driveOwn(view, context);
  tellPhase(view, context);
  noteHappened(view, context);
}

function driveOwn(view: SetView, context: Context): void {
  thawIfOver(view, context);
  probeDue(view, context);
  driveQuestion(view, context);
  driveSwitch(view, context);
  driveEffects(view, context);
  driveUpkeep(view, context);
}

function tellPhase(view: SetView, context: Context): void {
  const epoch = view.record?.value.epoch ?? 0;
  const phase = phaseOf(view);
  const before = view.told;
  // The watch may tell of the next epoch before it tells that the question about this one is over.
  view.told = { phase, epoch: view.question?.value.epoch ?? epoch };
  if (phase === (before?.phase ?? "new")) return;
  const from = before?.phase ?? null;
  const why =
    before === null ? justSeen : (transitionBetween(before.phase, phase, decidedSince(before, view))?.why ?? missed);
  const fields = { set: view.name, from, to: phase, why, epoch };
  context.emit({ kind: "note", level: phase === "held" ? "info" : "warn", sentence: "set changed its phase", fields });
}

function decidedSince({ epoch }: NonNullable<SetView["told"]>, { record, decision }: SetView): Between {
  if ((record?.value.epoch ?? 0) === epoch) return "nothing decided";
  return decision?.value.input.kind === "recover" ? "a recovery" : "an election";
}

export function afterKey(key: string, context: Context): void {
  const parsed = parseKey(key);
  if (parsed === undefined) return;
  const name: SetName | undefined = "set" in parsed ? parsed.set : "name" in parsed ? parsed.name : undefined;
  const view = name === undefined ? undefined : context.mirror.sets.get(name);
  // Answers that outlived their question go by the hundred when a site's lease ends, and tell nothing.
  if (view === undefined || (parsed.kind === "answer" && view.question === null)) return;
  afterChange(view, context);
}

export function afterChange(view: SetView, context: Context): void {
  reconsider(view, context);
  driveSet(view, context);
}
