import type { Instant } from "#lib/clock.ts";
import { brokerOf } from "../core/brokers.ts";
import type { Context } from "../core/context.ts";
import { mostReported } from "../core/evidence.ts";
import { leaderOf } from "../core/leader.ts";
import { type ProtectionRecord, protectionLevels, type SetPolicy, type Verdict } from "../core/model.ts";
import { isPromiseKept, promisedLevel } from "../core/promise.ts";
import { isRestored } from "../core/restored.ts";
import { blockedBy, phaseOf, type SetView } from "../core/set-view.ts";
import { siteFreshMs } from "../core/timing.ts";
import { unrecordedOf } from "../core/unrecorded.ts";
import type { SiteReport, StatusReport } from "./api.ts";
import type { ProtectionReport, SetSummary, UnrecordedReport } from "./api-sets.ts";

/** What the arbiter tells of itself and of its sets, off the core's state. */

export function isPresent({ mirror, moment, hasQuorum, options }: Context, site: string): boolean {
  if (site === options.site && !hasQuorum()) return false;
  const beat = mirror.sites.get(site);
  return beat !== undefined && moment.now - beat.seenAt <= siteFreshMs;
}

export function reportStatus(context: Context, quorumAt: Instant | null): StatusReport {
  const { options, moment, mirror } = context;
  const { site, version, controller, timing } = options;
  const voting = mirror.cluster?.value.sites ?? [];
  const others = [...mirror.sites.keys()].filter((name) => !voting.includes(name));
  return {
    site,
    version,
    controller,
    at: timeText(moment.wall),
    quorum: {
      fresh: context.hasQuorum(),
      proofAgeMs: quorumAt === null ? null : Math.round(moment.now - quorumAt),
      proofMs: timing.quorumProofMs,
    },
    ledger: {
      followed: mirror.loaded,
      restored: isRestored(mirror),
      incarnation: mirror.cluster?.value.incarnation ?? null,
      unreadable: [...mirror.unreadable].map(([key, why]) => ({ key, why })),
    },
    leader: leaderOf(context),
    voting: [...voting],
    sites: [...voting, ...others.toSorted()].map((name) => reportSite(name, context)),
    pause: context.isPaused() && mirror.pause !== null ? untilReport(mirror.pause.value) : null,
    sets: reportSets(context),
  };
}

function reportSite(name: string, context: Context): SiteReport {
  const { mirror, moment } = context;
  const beat = mirror.sites.get(name);
  const voting = mirror.cluster?.value.sites.includes(name) ?? false;
  return {
    site: name,
    voting,
    present: isPresent(context, name),
    beatAgeMs: beat === undefined ? null : Math.max(0, Math.round(moment.now - beat.seenAt)),
    votes: beat?.value.votes ?? false,
    why: beat?.value.why ?? "no beat of it is in the ledger",
    controller: beat?.value.controller ?? "",
    version: beat?.value.version ?? "",
    unheard: [...(beat?.value.unheard ?? [])],
  };
}

/** Sets that only a broker has spoken of are none yet. */
export function reportSets(context: Context): SetSummary[] {
  const views = [...context.mirror.sets.values()].filter(({ record }) => record !== null);
  return views.map((view) => summarize(view, context)).toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** Brokers that are heard here, and that no set's record has. */
export function reportUnrecorded(context: Context): UnrecordedReport[] {
  return [...context.mirror.sets.values()]
    .map((view) => ({ view, ids: unrecordedOf(view, context) }))
    .filter(({ ids }) => ids.length > 0)
    .map(({ view, ids }) => ({
      name: view.name,
      brokers: ids.map((id) => {
        const { beatFrom: address, evidence } = brokerOf(view, id, context);
        const { epoch, maxOffset } = mostReported(evidence) ?? { epoch: -1, maxOffset: 0n };
        return { id, address, epoch, maxOffset: String(maxOffset) };
      }),
    }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

export function summarize(view: SetView, context: Context): SetSummary {
  const record = view.record?.value;
  const { master = null, replicas = {}, inSync = [], unconfirmed = [], frozen = null, epoch = 0 } = record ?? {};
  return {
    name: view.name,
    phase: phaseOf(view),
    why: whyOf(view),
    epoch,
    master: master === null ? null : { id: master, address: replicas[master]?.address ?? "" },
    inSync: [...inSync],
    unconfirmed: [...unconfirmed],
    replicas: Object.keys(replicas).length,
    protection: reportProtection(context.policyOf(view), view.protection?.value ?? null),
    votes: countVotes(view, context),
    frozen: frozen === null ? null : { code: frozen.code, ...untilReport(frozen) },
  };
}

function whyOf(view: SetView): string {
  const frozen = view.record?.value.frozen ?? null;
  if (frozen !== null) return frozen.reason;
  const blocked = blockedBy(view);
  if (blocked !== null) return blocked.why;
  const planned = view.planned?.value;
  if (planned !== undefined && planned.stage === "holding")
    return `broker ${planned.from} refuses messages for the switch to broker ${planned.to}`;
  if (planned !== undefined)
    return `broker ${planned.from} gets back minInSyncReplicas ${planned.minInSyncReplicas}: ${planned.outcome}`;
  return "";
}

export function reportProtection(policy: SetPolicy, seen: ProtectionRecord | null): ProtectionReport {
  return {
    level: seen?.level ?? protectionLevels[0],
    promised: promisedLevel(policy),
    kept: isPromiseKept(policy, seen?.level),
    why: seen?.why ?? "the brokers' settings are not read yet",
    seenAt: seen === null ? null : timeText(seen.at),
  };
}

/** What each voting site says of the master that all are asked about; none while they are not. A site that is away says nothing. */
export function votesOf(view: SetView, context: Context): { readonly site: string; readonly verdict: Verdict }[] {
  const { question } = view;
  if (question === null) return [];
  return (context.mirror.cluster?.value.sites ?? []).map((site) => {
    const answer = view.answers.get(site)?.value;
    const counts = answer !== undefined && answer.question === question.value.id && isPresent(context, site);
    return { site, verdict: counts ? answer.master.verdict : "unknown" };
  });
}

function countVotes(view: SetView, context: Context): SetSummary["votes"] {
  if (view.question === null) return null;
  const said = votesOf(view, context);
  const count = (...wanted: Verdict[]): number => said.filter(({ verdict }) => wanted.includes(verdict)).length;
  return {
    down: count("dead", "silent"),
    alive: count("alive"),
    unknown: count("unknown"),
    needed: Math.floor(said.length / 2) + 1,
    of: said.length,
  };
}

function untilReport({ reason, at, until }: { reason: string; at: number; until: number | null }) {
  return { reason, at: timeText(at), until: until === null ? null : timeText(until) };
}

/** A wall time, for people. */
export function timeText(wall: number): string {
  return new Date(wall).toISOString();
}
