import type { Instant } from "#lib/clock.ts";
import { arbiterName } from "./audit.ts";
import { brokerOf, idsOf, isHeardHere, servesHere } from "./brokers.ts";
import type { Context, Ending } from "./context.ts";
import type { Heartbeat } from "./controller-messages.ts";
import { isExpired } from "./expiry.ts";
import { setKey } from "./keys.ts";
import type { BrokerId, Freeze, SetRecord } from "./model.ts";
import { encodeSet } from "./records.ts";
import type { BrokerReading, SetView } from "./set-view.ts";

/** The one whose place is wanted beats each second. */
const rivalMs = 5_000;

/** A set is frozen when nobody can know who is right: until an operator says so, nothing is decided in it. */

interface FreezeOptions {
  readonly then?: (ending: Ending, context: Context) => void;
  /** The operator; left out: this arbiter does it by itself. */
  readonly who?: string;
  /** Of a thaw. */
  readonly reason?: string;
}

export function freeze(
  view: SetView,
  frozen: Freeze | null,
  context: Context,
  { then, who = arbiterName(context), reason = frozen?.reason ?? "its time is over" }: FreezeOptions = {},
): void {
  const { record, name } = view;
  if (record === null || view.busy) {
    then?.("outdated", context);
    return;
  }
  view.busy = true;
  context.commitAct(
    {
      what: frozen === null ? "unfreeze" : "freeze",
      who,
      set: name,
      decision: null,
      reason,
      detail: frozen?.code ?? `it was frozen (${record.value.frozen?.code ?? "no more"})`,
    },
    {
      compares: [{ key: setKey(name), revision: record.revision }],
      puts: [{ key: setKey(name), text: encodeSet({ ...record.value, frozen }), onLease: false }],
      deletes: [],
    },
    (ending, later) => {
      view.busy = false;
      then?.(ending, later);
      if (ending !== "committed") return;
      const fields = { set: name, code: frozen?.code ?? null, reason: frozen?.reason ?? "" };
      later.emit({
        kind: "note",
        level: frozen === null || frozen.code === "operator" ? "info" : "error",
        sentence: frozen === null ? "set thawed" : "set frozen",
        fields,
      });
    },
  );
}

export function thawIfOver(view: SetView, context: Context): void {
  const frozen = view.record?.value.frozen ?? null;
  if (frozen === null || frozen.until === null || !isExpired(frozen.until, context.moment.wall)) return;
  if (context.isMyTurn(context.moment.now)) freeze(view, null, context);
}

/**
 * Two addresses that both are heard under one id, or of which one is heard after the other has asked for its place. A broker that
 * moved is heard at one of them only.
 * @returns whether this heartbeat is of the one whose id it is not
 */
export function freezeIfTwice(view: SetView, beat: Heartbeat, context: Context): boolean {
  const record = view.record?.value;
  const known = record?.replicas[beat.id]?.address;
  if (record === undefined || known === undefined) return false;
  const broker = brokerOf(view, beat.id, context);
  // What came before a freeze is no reason for the next one: whoever thaws the set has stopped one of the two.
  if (record.frozen !== null) broker.rival = null;
  const { rival } = broker;
  const isStranger = known !== beat.address;
  const isContested = rival !== null && rival.address !== beat.address && context.moment.now - rival.at < rivalMs;
  if (isStranger ? !isHeardHere(view, beat.id, context) : !isContested) return false;
  if (record.frozen === null) {
    const other = isStranger ? known : rival?.address;
    const reason = `Broker ${beat.id} of ${view.name} is heard at ${beat.address} and at ${other}: two brokers have one id`;
    freeze(view, { code: "duplicate-id", reason, at: context.moment.wall, until: null }, context);
  }
  return isStranger;
}

/** Somebody at another address wants a broker's place while that one is heard. */
export function noteRival(view: SetView, id: number, address: string, context: Context): void {
  const record = view.record?.value;
  const known = record?.replicas[id]?.address;
  if (record?.frozen != null || known === undefined || known === address || !isHeardHere(view, id, context)) return;
  brokerOf(view, id, context).rival = { address, at: context.moment.now };
}

/** It goes on for so long, and what was asked for in the second half of that still says so: no role that is just being changed. */
const usurpedMs = 10_000;

/**
 * Another broker acts as master than the recorded one, which does not, and no decision is under way: the ledger is older than they are,
 * though no broker has an epoch in its file that says so.
 */
export function freezeIfUsurped(view: SetView, context: Context): void {
  const record = view.record?.value;
  const { now, wall } = context.moment;
  const usurper = record !== undefined && isSettled(view, record) ? usurperOf(view, record, context) : null;
  if (record === undefined || usurper === null) {
    view.usurpedSince = null;
    return;
  }
  view.usurpedSince ??= now;
  if (now - view.usurpedSince < usurpedMs || usurper.saidAt - view.usurpedSince < usurpedMs / 2) return;
  if (!context.isMyTurn(now)) return;
  const reason = `Broker ${usurper.id} of ${view.name} acts as master, and broker ${record.master} of the record does not: the ledger is of an older state`;
  freeze(view, { code: "ledger-behind", reason, at: wall, until: null }, context);
}

/** Nothing is under way after which another one may rightly act as master. */
function isSettled({ question, planned, restartedAt }: SetView, { frozen, decision }: SetRecord): boolean {
  return frozen === null && decision === null && question === null && planned === null && restartedAt === null;
}

/** `saidAt`: when the older one of both words was asked for. */
function usurperOf(
  view: SetView,
  { master }: SetRecord,
  context: Context,
): { readonly id: BrokerId; readonly saidAt: Instant } | null {
  const said = (id: BrokerId): BrokerReading | null => {
    const { reading } = brokerOf(view, id, context);
    return reading !== null && reading.sentAt >= view.epochSeenAt && isHeardHere(view, id, context) ? reading : null;
  };
  const masters = master === null ? null : said(master);
  if (masters === null || masters.acting) return null;
  for (const id of idsOf(view)) {
    const others = id === master ? null : said(id);
    if (others === null || !servesHere(view, id, view.epochSeenAt, context)) continue;
    return { id, saidAt: masters.sentAt < others.sentAt ? masters.sentAt : others.sentAt };
  }
  return null;
}

/** Brokers never run ahead of the ledger, unless it was restored from a snapshot or made anew. */
export function freezeIfBehind(view: SetView, epoch: number, context: Context): void {
  const record = view.record?.value;
  if (record === undefined || epoch <= record.epoch || record.frozen !== null) return;
  const reason = `A broker of ${view.name} has epoch ${epoch}, the ledger ${record.epoch}: it was restored from an older state`;
  freeze(view, { code: "ledger-behind", reason, at: context.moment.wall, until: null }, context);
}
