import type { Instant } from "#lib/clock.ts";
import type { SessionState } from "#lib/zookeeper/zookeeper.ts";
import type { Side } from "../core/link-events.ts";
import { type LineChange, lineChanges } from "../core/rules/line-changes.ts";
import type { Explanation } from "../core/rules/rules.ts";
import { transitions } from "../core/transitions.ts";
import type { LinkExplanation } from "../explain-path.ts";
import type { DriftEntry, LinkDaemon } from "../link-daemon.ts";
import type { Difference, Survey } from "../survey.ts";
import type { CanaryStatus } from "./canary.ts";

/** The API's JSON, which idcctl prints. 64-bit numbers are strings; ages are milliseconds on the daemon's own clock. */

interface SessionReport {
  readonly state: SessionState["kind"];
  readonly server: string | undefined;
  readonly reason: string | undefined;
}

export interface LinkReport {
  readonly name: string;
  readonly phase: string;
  /** The sentence of docs/states.md for how it came into this phase. */
  readonly why: string;
  readonly stopped: { readonly code: string; readonly detail: string } | undefined;
  /** Who leads while this replicator waits. */
  readonly leader: string | undefined;
  readonly pause: { readonly reason: string; readonly at: string } | undefined;
  readonly source: SessionReport;
  readonly target: SessionReport;
  readonly epoch: string | undefined;
  readonly sourceZxid: string;
  readonly watch: string | undefined;
  readonly rules: string;
  readonly idle: boolean;
  readonly pending: number;
  readonly oldestPendingMs: number;
  readonly targetNodes: number;
  /** Target nodes whose source is gone and whose time is not over; only with deletes.mode tombstone. */
  readonly tombstones: number;
  readonly comparing: { readonly stage: Side; readonly nodes: number } | undefined;
  readonly lastCompare:
    | {
        readonly ageMs: number;
        readonly tookMs: number;
        readonly sourceNodes: number;
        readonly targetNodes: number;
        readonly differences: number;
      }
    | undefined;
  readonly brake: { readonly engaged: boolean; readonly reason: string | undefined; readonly held: number };
  /** Only where it is switched on. */
  readonly canary: CanaryStatus | undefined;
  readonly problemCounts: Readonly<Record<string, number>>;
  readonly problems: readonly {
    readonly kind: string;
    readonly side: Side;
    readonly path: string;
    readonly detail: string;
    readonly ageMs: number;
  }[];
  readonly counts: Readonly<Record<string, number>>;
}

export function reportLink(link: LinkDaemon, now: Instant): LinkReport {
  const status = link.status();
  const { lastCompare, brake, oldestPendingSince } = status;
  return {
    name: link.name,
    phase: status.phase,
    why: transitions.find(({ to }) => to === status.phase)?.why ?? "",
    stopped: status.stopped,
    leader: status.leader,
    pause: status.pause,
    source: sessionReport(link.session("source")),
    target: sessionReport(link.session("target")),
    epoch: status.epoch?.toString(),
    sourceZxid: `0x${status.sourceZxid.toString(16)}`,
    watch: status.watch,
    rules: status.rules,
    idle: status.idle,
    pending: status.pending,
    oldestPendingMs: oldestPendingSince === undefined ? 0 : Math.round(now - oldestPendingSince),
    targetNodes: status.targetNodes,
    tombstones: status.tombstones,
    comparing: status.comparing,
    lastCompare: lastCompare && {
      ageMs: Math.round(now - lastCompare.at),
      tookMs: Math.round(lastCompare.tookMs),
      sourceNodes: lastCompare.sourceNodes,
      targetNodes: lastCompare.targetNodes,
      differences: lastCompare.differences,
    },
    brake: { engaged: brake.engaged, reason: brake.reason, held: brake.held },
    canary: roundedCanary(link.canary()),
    problemCounts: Object.fromEntries(Object.entries(status.problemCounts).filter(([, count]) => count > 0)),
    problems: status.problems.map(({ since, ...problem }) => ({ ...problem, ageMs: Math.round(now - since) })),
    counts: { ...status.counts },
  };
}

function roundedCanary(canary: CanaryStatus | undefined): CanaryStatus | undefined {
  if (canary === undefined) return undefined;
  const { ageMs, lagMs } = canary;
  return { ...canary, ageMs: ageMs && Math.round(ageMs), lagMs: lagMs && Math.round(lagMs * 10) / 10 };
}

function sessionReport(state: SessionState): SessionReport {
  return {
    state: state.kind,
    server: state.kind === "connected" ? state.server : undefined,
    reason: state.kind === "connected" ? undefined : state.reason,
  };
}

export interface SurveyReport {
  readonly link: string;
  readonly equal: boolean;
  readonly sourceNodes: number;
  readonly targetNodes: number;
  readonly counts: Survey["counts"];
  readonly brake: { readonly engaged: boolean; readonly reason: string | undefined; readonly held: number };
  readonly problemCounts: Readonly<Record<string, number>>;
  readonly problems: readonly { readonly kind: string; readonly path: string; readonly detail: string }[];
  /** Nodes that stay for now although their source is gone: no differences. At most 1,000 of `count` are listed, oldest first. */
  readonly tombstones: { readonly count: number; readonly listed: readonly { path: string; goneForMs: number }[] };
  /** How many differences each rule has, by its index. */
  readonly byRule: Readonly<Record<string, Readonly<Record<Difference["action"], number>>>>;
  /** At most 10,000; `counts` counts them all. */
  readonly differences: readonly DifferenceReport[];
}

export interface DifferenceReport {
  readonly action: Difference["action"];
  readonly target: string;
  readonly source: string | undefined;
  readonly rule: number | undefined;
  readonly beforeBytes: number | null;
  readonly afterBytes: number | null;
  /** Of an update whose data is text. */
  readonly lines: readonly LineChange[] | undefined;
  /** The delete brake would hold it. */
  readonly braked: boolean;
  /** Of action acl, which sets nothing else: one text for each entry, scheme:id:perms. */
  readonly acl: Difference["acl"];
}

const tombstonesListedMax = 1_000;

export function reportSurvey(link: string, survey: Survey): SurveyReport {
  const byRule: Record<string, Record<Difference["action"], number>> = {};
  for (const { rule, action } of survey.differences) {
    const key = String(rule ?? "none");
    const counts = byRule[key] ?? { create: 0, update: 0, delete: 0, acl: 0 };
    counts[action] += 1;
    byRule[key] = counts;
  }
  return {
    link,
    equal: isEqual(survey),
    sourceNodes: survey.sourceNodes,
    targetNodes: survey.targetNodes,
    counts: survey.counts,
    brake: { engaged: survey.brake.engaged, reason: survey.brake.reason, held: survey.brake.held },
    problemCounts: Object.fromEntries(Object.entries(survey.problemCounts).filter(([, count]) => count > 0)),
    problems: survey.problems.map(({ kind, path, detail }) => ({ kind, path, detail })),
    tombstones: {
      count: survey.tombstones.length,
      listed: survey.tombstones
        .slice(0, tombstonesListedMax)
        .map(({ path, ageMs }) => ({ path, goneForMs: Math.round(ageMs) })),
    },
    byRule,
    differences: survey.differences.map(({ action, target, source, rule, before, after, braked, acl }) => ({
      action,
      target,
      source,
      rule,
      beforeBytes: action === "create" ? null : (before?.length ?? null),
      afterBytes: action === "delete" ? null : (after?.length ?? null),
      lines: action === "update" && before !== null && after !== null ? lineChanges(before, after) : undefined,
      braked,
      acl,
    })),
  };
}

/** Nothing differs and nothing is held back. */
function isEqual({ counts, problemCounts }: Survey): boolean {
  return (
    counts.create + counts.update + counts.delete + counts.acl === 0 &&
    Object.values(problemCounts).every((count) => count === 0)
  );
}

export interface ExplanationReport extends Omit<Explanation, "before" | "after"> {
  readonly sourceExists: boolean;
  /** undefined when the path maps nowhere. */
  readonly inTarget: { readonly exists: boolean; readonly equal: boolean } | undefined;
  readonly acl: LinkExplanation["acl"];
  readonly problem: string | undefined;
}

export function reportExplanation({ explanation, ...found }: LinkExplanation): ExplanationReport {
  const { before: _before, after: _after, ...told } = explanation;
  return { ...told, ...found };
}

export interface DriftReport {
  readonly id: string;
  /** Wall time of the repair. */
  readonly at: string;
  readonly did: string;
  readonly path: string;
  /** null: the node had no data at all. */
  readonly bytes: number | null;
  readonly version: number;
  readonly mzxid: string;
}

export function reportDrift({ id, at, kind, path, bytes, version, mzxid }: DriftEntry): DriftReport {
  return { id, at, did: kind, path, bytes, version, mzxid };
}

export interface DriftDataReport extends DriftReport {
  /** Base64; null as `bytes`. */
  readonly data: string | null;
  /** Fewer bytes than the node had: they did not fit. */
  readonly cut: boolean;
}

export function reportDriftData(entry: DriftEntry): DriftDataReport {
  const { data, bytes } = entry;
  return {
    ...reportDrift(entry),
    data: data === null ? null : Buffer.from(data).toString("base64"),
    cut: (data?.length ?? 0) < (bytes ?? 0),
  };
}
