import type { DecisionInput, DecisionVerdict } from "./decision.ts";
import { clean, isRead, type Readable, rank, unclean } from "./elect.ts";
import { bytesText, figure, progressText } from "./figures.ts";
import type { SwitchRecord } from "./model.ts";
import { whileFrozen } from "./permit.ts";
import { elect, ledgerBehind, notDesignated, refuse } from "./verdict.ts";

/**
 * Both brokers are at the same end, and the old master, which refuses messages, was read twice there: the named one takes
 * over. Epochs of the readings are not compared: one in which nothing was written is in no broker's file, and an in-sync
 * replica follows this very master.
 */
export function plannedSwitch(input: DecisionInput): DecisionVerdict {
  const { planned, master, epoch } = input;
  if (planned === null) return refuse("not-designated", "no switch was asked for", []);
  if (planned.from !== master || planned.epoch !== epoch)
    return refuse("not-designated", otherMaster(input, planned), []);
  const objection = whileFrozen(input) ?? ledgerBehind(input);
  if (objection !== null) return refuse(objection.reason, objection.why, []);

  const { to, from, reason } = planned;
  const { eligible, rejected } = rank(input, clean);
  const winner = eligible.find(({ id }) => id === to);
  if (winner === undefined) {
    const flaw = rejected.find(({ id }) => id === to);
    if (flaw === undefined) return refuse("no-candidate", `broker ${to} is none of the set`, rejected);
    return refuse(flaw.reason, `broker ${to}: ${flaw.detail}`, rejected);
  }
  const old = readOf(input, from);
  if (old === undefined) return refuse("unread", `broker ${from} was not read`, rejected);
  if (!input.gathered) {
    return refuse("gathering", `broker ${from} was not read twice at the same end yet`, rejected);
  }
  const lack = old.reading.maxOffset - winner.reading.maxOffset;
  if (lack !== 0n) return refuse("behind", `broker ${to} ${lackText(lack)} broker ${from}`, rejected);
  const why = `a switch names broker ${to} (${reason}); broker ${from} refuses messages, and both end at ${figure(old.reading.maxOffset)}`;
  return elect(input, { winner: to, knownLag: 0n, rejected: notDesignated(input, to), why });
}

/**
 * The switch of the epoch before is taken back before anybody was promoted: the old master has more than the named one, or that
 * one cannot be read any more. It is in nobody's in-sync set, but was the master of all that there is.
 */
export function takenBack(input: DecisionInput): DecisionVerdict {
  const { planned, master, epoch } = input;
  if (planned === null) return refuse("not-designated", "there is no switch to take back", []);
  const { from, to, decided } = planned;
  if (to !== master || decided !== epoch) return refuse("not-designated", otherMaster(input, planned), []);
  const objection = ledgerBehind(input);
  if (objection !== null) return refuse(objection.reason, objection.why, []);

  const { eligible, rejected } = rank(input, unclean);
  const winner = eligible.find(({ id }) => id === from);
  if (winner === undefined) {
    const flaw = rejected.find(({ id }) => id === from);
    return refuse(flaw?.reason ?? "no-candidate", `broker ${from}: ${flaw?.detail ?? "none of the set"}`, rejected);
  }
  const named = readOf(input, to);
  const lead = named === undefined ? null : winner.reading.maxOffset - named.reading.maxOffset;
  if (lead !== null && lead <= 0n) {
    return refuse("behind", `broker ${from} has nothing that broker ${to} does not have`, rejected);
  }
  const cause =
    lead === null
      ? `broker ${to} cannot be read`
      : `broker ${from} has ${bytesText(lead)} that broker ${to} does not have`;
  const why = `the switch to broker ${to} is taken back before it was promoted: ${cause}; broker ${from} is at ${progressText(winner.reading)}`;
  return elect(input, { winner: from, knownLag: 0n, rejected: notDesignated(input, from), why });
}

function readOf({ candidates }: DecisionInput, id: number): Readable | undefined {
  const found = candidates.find((one) => one.id === id);
  return found !== undefined && isRead(found) ? found : undefined;
}

function otherMaster({ master, epoch }: DecisionInput, { id, from, to, epoch: of }: SwitchRecord): string {
  return `switch ${id} is from broker ${from} of epoch ${of} to broker ${to}; the master is broker ${master} of epoch ${epoch}`;
}

function lackText(lack: bigint): string {
  return lack > 0n ? `lacks ${bytesText(lack)} of` : `has ${bytesText(-lack)} more than`;
}
