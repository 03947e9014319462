import type { Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { decodeAuditEntry, decodeAuditHead } from "./audit.ts";
import { decodeDecision, decodeRefusal } from "./decision-records.ts";
import { parseKey } from "./keys.ts";
import type { AuditView, Mirror } from "./mirror.ts";
import type { ProtectionRecord, Revision, SetName, SetRecord, SiteName, Stored } from "./model.ts";
import { type Policies, parsePolicies } from "./policy.ts";
import {
  decodeAnswer,
  decodeCluster,
  decodeDrain,
  decodeHistory,
  decodeIdc,
  decodePause,
  decodeProtection,
  decodeQuestion,
  decodeSet,
  decodeSite,
  decodeSwitch,
} from "./records.ts";
import { forgetSettings, newEffects, newSetView, type SetView } from "./set-view.ts";
import { newBarrierWork } from "./switch-work.ts";

/** What a key of the ledger is about, and what it changes in the mirror. Which of two changes is the newer one is mirror.ts's. */

/** Of what the mirror has there; undefined: nothing, or of no use. */
export function revisionOf(mirror: Mirror, key: string): Revision | undefined {
  const parsed = parseKey(key);
  if (parsed === undefined) return undefined;
  switch (parsed.kind) {
    case "cluster":
      return mirror.cluster?.revision;
    case "history":
      return mirror.history?.revision;
    case "policy":
      return mirror.policies?.revision;
    case "pause":
      return mirror.pause?.revision;
    case "idc":
      return mirror.idcs.get(parsed.idc)?.revision;
    case "drain":
      return mirror.sets.get(nameOf(parsed))?.drains?.revision;
    case "site":
      return mirror.sites.get(parsed.site)?.revision;
    case "set":
      return mirror.sets.get(nameOf(parsed))?.record?.revision;
    case "question":
      return mirror.sets.get(nameOf(parsed))?.question?.revision;
    case "refusal":
      return mirror.sets.get(nameOf(parsed))?.refused?.revision;
    case "answer":
      return mirror.sets.get(nameOf(parsed))?.answers.get(parsed.site)?.revision;
    case "decision":
      return decisionHolder(mirror, key)?.decision?.revision;
    case "protection":
      return mirror.sets.get(nameOf(parsed))?.protection?.revision;
    case "switch":
      return mirror.sets.get(nameOf(parsed))?.planned?.revision;
    case "auditHead":
      return mirror.audit.get(parsed.site)?.head?.revision;
    default:
      return undefined;
  }
}

function decisionHolder(mirror: Mirror, key: string): SetView | undefined {
  const parsed = parseKey(key);
  if (parsed?.kind !== "decision") return undefined;
  const view = mirror.sets.get(nameOf(parsed));
  return view?.decision?.value.id === parsed.id ? view : undefined;
}

/** null: it is gone. What cannot be read counts as gone, and is remembered as unreadable. */
export function put(mirror: Mirror, key: string, text: string | null, revision: Revision, now: Instant): void {
  mirror.unreadable.delete(key);
  try {
    set(mirror, key, text, revision, now);
  } catch (error) {
    mirror.unreadable.set(key, messageOf(error));
    set(mirror, key, null, revision, now);
  }
}

function set(mirror: Mirror, key: string, text: string | null, revision: Revision, now: Instant): void {
  const parsed = parseKey(key);
  if (parsed === undefined) return;
  const stored = <Value>(decode: (text: string) => Value): Stored<Value> | null =>
    text === null ? null : { value: decode(text), revision };
  switch (parsed.kind) {
    case "cluster":
      mirror.cluster = stored(decodeCluster);
      return;
    case "history":
      mirror.history = stored(decodeHistory);
      return;
    case "policy":
      mirror.policies = stored(readPolicies);
      return;
    case "pause":
      mirror.pause = stored(decodePause);
      return;
    case "idc": {
      const idc = stored(decodeIdc);
      if (idc === null) mirror.idcs.delete(parsed.idc);
      else mirror.idcs.set(parsed.idc, idc);
      return;
    }
    case "drain":
      viewOfSet(mirror, nameOf(parsed), now).drains = stored(decodeDrain);
      return;
    case "site": {
      const site = stored(decodeSite);
      if (site === null) mirror.sites.delete(parsed.site);
      else mirror.sites.set(parsed.site, { ...site, seenAt: now });
      return;
    }
    case "set": {
      const record = stored(decodeSet);
      const view = record === null ? mirror.sets.get(nameOf(parsed)) : viewOfSet(mirror, nameOf(parsed), now);
      if (view === undefined) return;
      // While a switch changes hands they are known, and nobody can write: no time for that.
      const isHurried = view.planned !== null && record?.value.decision != null;
      if (view.record?.value.decision !== record?.value.decision && !isHurried) view.settingsReadAt = now;
      view.protectionDue = true;
      // What came before a freeze is no reason for the next one: whoever thaws the set has stopped one of the two.
      if (view.record?.value.frozen != null && record?.value.frozen === null)
        for (const broker of view.brokers.values()) broker.rival = null;
      view.record = record;
      if (record !== null) {
        noteMembers(view, record.value);
        if (record.value.master !== null) view.masters.add(record.value.master);
        view.routed ??= { epoch: record.value.epoch, at: now };
      }
      if (record === null || view.decision?.value.id !== record.value.decision) view.decision = null;
      if (record === null || view.effects.epoch === record.value.epoch) return;
      view.effects = newEffects(record.value.epoch);
      view.epochSeenAt = now;
      view.restartedAt = null;
      view.doubtSince = null;
      view.askedUntil = null;
      return;
    }
    case "question": {
      const question = stored(decodeQuestion);
      const view = viewOfSet(mirror, nameOf(parsed), now);
      const before = view.question;
      const isSame = question !== null && before?.value.id === question.value.id;
      view.question = question === null ? null : { ...question, seenAt: isSame ? (before?.seenAt ?? now) : now };
      if (isSame) return;
      view.confirmedAt = null;
      view.refusal = null;
      if (question !== null) return;
      view.answers.clear();
      if (before !== null && before.value.epoch === view.record?.value.epoch) view.askedUntil = now;
      return;
    }
    case "refusal":
      viewOfSet(mirror, nameOf(parsed), now).refused = stored(decodeRefusal);
      return;
    case "answer": {
      const answer = stored(decodeAnswer);
      const { answers } = viewOfSet(mirror, nameOf(parsed), now);
      if (answer === null) answers.delete(parsed.site);
      else answers.set(parsed.site, answer);
      return;
    }
    case "decision": {
      const name = nameOf(parsed);
      if (text !== null) mirror.usedEpochs.set(name, Math.max(parsed.epoch, mirror.usedEpochs.get(name) ?? 0));
      const view = mirror.sets.get(name);
      const decision = stored(decodeDecision);
      if (view === undefined) return;
      if (decision === null) {
        if (view.decision?.value.id === parsed.id) view.decision = null;
        return;
      }
      // The record may come after its decision in one transaction: the newest decision is the one to keep.
      const epoch = decision.value.verdict.epoch;
      if (epoch < (view.record?.value.epoch ?? 0)) return;
      const seenAt = view.decision?.value.id === parsed.id ? view.decision.seenAt : now;
      view.decision = { ...decision, seenAt };
      return;
    }
    case "protection":
      noteProtection(viewOfSet(mirror, nameOf(parsed), now), stored(decodeProtection), text, now);
      return;
    case "switch": {
      const planned = stored(decodeSwitch);
      const view = viewOfSet(mirror, nameOf(parsed), now);
      const known = view.planned;
      const isSame = planned !== null && known?.value.id === planned.value.id;
      const { seenAt, found } = isSame && known !== null ? known : { seenAt: now, found: false };
      view.planned = planned === null ? null : { ...planned, seenAt, found };
      if (planned === null) view.barrier.endedAt = now;
      else if (!isSame) view.barrier = newBarrierWork();
      return;
    }
    case "audit": {
      const { links } = auditOf(mirror, parsed.site);
      if (text === null) links.delete(parsed.n);
      else
        links.set(
          parsed.n,
          readable(() => decodeAuditEntry(text, key)),
        );
      return;
    }
    case "auditHead":
      auditOf(mirror, parsed.site).head =
        text === null ? null : { text, revision, value: readable(() => decodeAuditHead(text, key)) };
      return;
    default:
      return;
  }
}

function auditOf(mirror: Mirror, site: SiteName): AuditView {
  const view = mirror.audit.get(site) ?? { head: null, links: new Map() };
  mirror.audit.set(site, view);
  return view;
}

/** A log that somebody has spoilt keeps nobody from deciding: verifying it tells. */
function readable<Value>(decode: () => Value): Value | null {
  try {
    return decode();
  } catch {
    return null;
  }
}

/**
 * A new master makes the others cut off what it never had. Until a message is written no file names its epoch, so what they told
 * before would look like more than they have: it counts no longer when they are members under this master.
 */
function noteMembers({ brokers }: SetView, { epoch, master, inSync, unconfirmed }: SetRecord): void {
  for (const id of inSync) {
    const broker = brokers.get(id);
    if (broker === undefined || unconfirmed.includes(id) || broker.memberIn === epoch) continue;
    broker.memberIn = epoch;
    if (id !== master) broker.evidence = { ...broker.evidence, told: [] };
  }
}

/** What another site has written it has seen: settings that were asked for here before may be older. */
function noteProtection(
  view: SetView,
  protection: Stored<ProtectionRecord> | null,
  text: string | null,
  now: Instant,
): void {
  view.protection = protection;
  if (text === view.protectionSent) return;
  for (const broker of view.brokers.values()) forgetSettings(view, broker, now);
}

/** Made when it is first heard of, from the ledger or from a broker. */
export function viewOfSet(mirror: Mirror, name: SetName, now: Instant): SetView {
  const found = mirror.sets.get(name);
  if (found !== undefined) return found;
  const [cluster = "", set = ""] = name.split("/");
  const view = newSetView(name, cluster, set, now);
  mirror.sets.set(name, view);
  return view;
}

function nameOf(parsed: { readonly kind: "set"; readonly name: SetName } | { readonly set: SetName }): SetName {
  return "name" in parsed ? parsed.name : parsed.set;
}

function readPolicies(text: string): Policies {
  const parsed = parsePolicies(text);
  if (parsed.kind === "ok") return parsed.policies;
  throw new Error(`the policies cannot be used: ${parsed.problems.join("; ")}`);
}
