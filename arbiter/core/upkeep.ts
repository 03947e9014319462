import type { Instant } from "#lib/clock.ts";
import { brokerOf, idsOf, isHeardHere, probe, refOf } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { BrokerSettings, SetEvent } from "./events.ts";
import { freezeIfUsurped } from "./freezes.ts";
import { protectionKey, setKey } from "./keys.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import { isLess } from "./promise.ts";
import { protectionOf } from "./protection.ts";
import { encodeProtection, encodeSet } from "./records.ts";
import { driveRejoin } from "./rejoin.ts";
import { isScripted } from "./scripted.ts";
import type { BrokerState, SetView } from "./set-view.ts";
import { noteBarrier } from "./switch-restore.ts";
import { inSyncReadMs, settingsReadMs, settingsRetryMs, settingsStaleMs } from "./timing.ts";

/** What a set needs while nothing is wrong: confirmed members, replicas that come back (rejoin.ts), protection that is known. */

/** A new member is read this often until it has all that its master had. */
const memberReadMs = 100;
/** A master has its new in-sync set a moment after the answer. */
const firstInSyncReadMs = 150;

export function driveUpkeep(view: SetView, context: Context): void {
  const record = view.record?.value;
  if (record === undefined || record.master === null) return;
  driveRejoin(view, record, context);
  if (!isScripted(view, context)) freezeIfUsurped(view, context);
  if (!context.isMyTurn(context.moment.now)) return;
  confirmMembers(view, record, context);
  readSettings(view, record, context);
  if (view.protectionDue) considerProtection(view, context);
}

function confirmMembers(view: SetView, record: SetRecord, context: Context): void {
  const { now } = context.moment;
  const address = record.master === null ? undefined : record.replicas[record.master]?.address;
  if (record.unconfirmed.length === 0 || address === undefined) return;
  if (view.counted?.inSyncEpoch === record.inSyncEpoch) {
    considerMembers(view, record, context);
    return;
  }
  if (now < view.inSyncReadAt) return;
  view.inSyncReadAt = (now + inSyncReadMs) as Instant;
  context.emit({ kind: "readInSync", set: view.name, inSyncEpoch: record.inSyncEpoch, address });
}

/**
 * The master counts as many as the record has: it knows this set, for it can have no other of that epoch. What it acknowledges from
 * now on the new members have; what it had acknowledged before is still to be seen.
 */
export function onInSync(view: SetView, inSyncEpoch: number, count: number, context: Context): void {
  const { record } = view;
  if (record === null || record.value.inSyncEpoch !== inSyncEpoch || record.value.unconfirmed.length === 0) return;
  const { now } = context.moment;
  if (count !== record.value.inSync.length) {
    view.inSyncReadAt = (now + firstInSyncReadMs * 2) as Instant;
    return;
  }
  if (view.counted?.inSyncEpoch !== inSyncEpoch) view.counted = { inSyncEpoch, at: now, end: null };
  considerMembers(view, record.value, context);
}

/** New members are confirmed when they were read at what the master had when it counted them already; older figures say nothing. */
function considerMembers(view: SetView, value: SetRecord, context: Context): void {
  const { record, counted } = view;
  if (record === null || counted === null || value.master === null || view.busy) return;
  if (counted.end === null) {
    const { reading } = brokerOf(view, value.master, context);
    if (reading === null || reading.sentAt < counted.at) probe(view, value.master, context, counted.at);
    else if (reading.acting) view.counted = { ...counted, end: reading.value };
    // It has restarted: what it counted is gone.
    else view.counted = null;
  }
  const { now } = context.moment;
  const isLate = (id: BrokerId): boolean => now - brokerOf(view, id, context).lastProbeAt >= memberReadMs;
  const open = value.unconfirmed.filter((id) => !hasAll(view, id, context));
  for (const id of open) if (isLate(id)) probe(view, id, context, brokerOf(view, id, context).lastProbeAt + 1);
  // One that cannot be read is no reason against the others.
  if (open.length === value.unconfirmed.length) return;
  view.busy = true;
  context.commit(
    {
      compares: [{ key: setKey(view.name), revision: record.revision }],
      puts: [{ key: setKey(view.name), text: encodeSet({ ...record.value, unconfirmed: open }), onLease: false }],
      deletes: [],
    },
    () => {
      view.busy = false;
    },
  );
}

/**
 * By its offset alone. The master counts it, so what it has is the master's. In its file it may be of an epoch before: where the same
 * broker stays master under another epoch, as by a recovery, its replicas hear of that only with their next connection.
 */
function hasAll(view: SetView, id: BrokerId, context: Context): boolean {
  const { counted } = view;
  const { reading } = brokerOf(view, id, context);
  if (counted?.end == null || reading === null || reading.sentAt < counted.at) return false;
  return reading.value.maxOffset >= counted.end.maxOffset;
}

/** Called when the in-sync set has grown: its new members are looked for soon. */
export function expectMembers(view: SetView, context: Context): void {
  view.inSyncReadAt = (context.moment.now + firstInSyncReadMs) as Instant;
}

function readSettings(view: SetView, record: SetRecord, context: Context): void {
  const { now } = context.moment;
  if (now < view.settingsReadAt || !context.mayReadSettings()) return;
  view.settingsReadAt = (now + settingsReadMs) as Instant;
  for (const id of Object.keys(record.replicas).map(Number)) {
    const ref = refOf(view, id);
    if (ref !== undefined && isHeardHere(view, id, context))
      context.emit({ kind: "readSettings", broker: ref, sentAt: now });
    else brokerOf(view, id, context).settings = null;
  }
}

export function onSettings(
  view: SetView,
  { broker: { id }, sentAt, settings }: Extract<SetEvent, { kind: "settingsSeen" }>,
  context: Context,
): void {
  const { now } = context.moment;
  const broker = brokerOf(view, id, context);
  // Overtaken by a later one, or they may be others since.
  if (broker.settingsAt !== null && sentAt < broker.settingsAt) return;
  broker.settings = settings;
  if (settings === null) view.settingsReadAt = Math.min(view.settingsReadAt, now + settingsRetryMs) as Instant;
  else broker.settingsAt = sentAt;
  view.protectionDue = true;
  noteBarrier(view, id, context);
  considerProtection(view, context);
}

/** Those asked for long ago are not known: whoever looked after the set meanwhile may have seen others. */
function knownSettings({ settings, settingsAt }: BrokerState, now: Instant): BrokerSettings | null {
  return settingsAt !== null && now - settingsAt <= settingsReadMs + settingsStaleMs ? settings : null;
}

/** Writes the level of protection when it changes: what a decision under rpo: zero rests on. */
function considerProtection(view: SetView, context: Context): void {
  const { record, protection } = view;
  const { now } = context.moment;
  if (record === null || view.busy || !context.isMyTurn(now) || record.value.decision !== null) return;
  const key = protectionKey(view.name);
  // Somebody's hand, or another version: whatever it says, it is written anew.
  const isUnreadable = context.mirror.unreadable.has(key);
  // A master that is not heard tells nothing: what was last proven is what its replacement rests on.
  const { master } = record.value;
  const isHeard = master === null || isHeardHere(view, master, context);
  if (!isHeard && !isUnreadable) return;
  const live = idsOf(view)
    .filter((id) => isHeardHere(view, id, context))
    .map((id) => [id, knownSettings(brokerOf(view, id, context), now)] as const);
  // Nothing is known before every live broker was asked.
  if (live.length === 0 || live.some(([, known]) => known === null)) return;
  const { level, why } = protectionOf(record.value, new Map(live), (id) => context.idcOf(view, id));
  // While it is asked about the same holds, but for what is worse than was proven: a question may stay open for days.
  const isWorse = isLess(level, protection?.value.level);
  if (view.question !== null && !isWorse && !isUnreadable) return;
  view.protectionDue = false;
  if (protection !== null && protection.value.level === level && protection.value.why === why) return;
  const text = encodeProtection({ level, why, at: context.moment.wall }, view.name);
  view.protectionSent = text;
  context.commit(
    {
      compares: isUnreadable ? [] : [{ key, revision: protection?.revision ?? 0n }],
      puts: [{ key, text, onLease: false }],
      deletes: [],
    },
    (ending, then) => {
      if (ending !== "committed") {
        view.protectionDue = true;
        return;
      }
      then.emit({
        kind: "note",
        level: level === "none" ? "warn" : "info",
        sentence: "protection changed",
        fields: { set: view.name, level, why },
      });
    },
  );
}
