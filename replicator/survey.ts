import type { Clock } from "#lib/clock.ts";
import type { NodeData, Stat, WriteOp, WriteResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createLink } from "./core/link.ts";
import type { LinkOptions } from "./core/link-context.ts";
import type { LinkProgress, LinkStatus } from "./core/link-events.ts";
import type { Problem } from "./core/problems.ts";
import { sourcesOf, translatePath } from "./core/rules/rules.ts";
import type { LinkWorld } from "./io/link-world.ts";
import type { Reader } from "./io/reader.ts";
import { createLinkRunner } from "./link-runner.ts";

/** Differences that are listed with their data; beyond it they are only counted. */
const differencesListedMax = 10_000;
const readsPerRequest = 100;

export interface Difference {
  readonly action: "create" | "update" | "delete";
  readonly target: string;
  readonly source: string | undefined;
  /** Index of the rule in the link's list. */
  readonly rule: number | undefined;
  readonly before: NodeData;
  readonly after: NodeData;
  /** The delete brake would hold it for an operator. */
  readonly braked: boolean;
}

export interface Survey {
  readonly differences: readonly Difference[];
  /** All of them, also those that are not listed. */
  readonly counts: { readonly create: number; readonly update: number; readonly delete: number };
  readonly problems: readonly Problem[];
  readonly problemCounts: LinkStatus["problemCounts"];
  readonly brake: LinkStatus["brake"];
  readonly sourceNodes: number;
  readonly targetNodes: number;
}

export interface SurveyOptions {
  readonly link: LinkOptions;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly onProgress?: (progress: LinkProgress) => void;
}

/**
 * What the link would do now: the link's own core in a world that reads for real, takes no fence, and writes nothing. So a plan
 * and a verify see what the link sees, with the same rules, brake and conflicts.
 * @throws what a lost session throws; a survey is not resumed
 */
export async function survey(options: SurveyOptions, signal: AbortSignal): Promise<Survey> {
  const planned = createPlanned();
  const failure = new AbortController();
  // Nothing is sent, so there is nothing to pace.
  const limits = { ...options.link.limits, writesPerSecond: Number.POSITIVE_INFINITY };
  const link = createLink({ ...options.link, limits });
  const world = dryWorld(options.reader, planned, (cause) => failure.abort(cause));
  const runner = createLinkRunner({
    link,
    world,
    clock: options.clock,
    onNote: () => options.onProgress?.(link.progress()),
  });
  const stop = new AbortController();
  const running = runner.run(AbortSignal.any([signal, failure.signal, stop.signal]));
  running.catch((cause: unknown) => failure.abort(cause));
  try {
    runner.push({ kind: "connected", side: "source" });
    runner.push({ kind: "connected", side: "target" });
    await runner.until(({ idle, phase }) => idle || phase === "stopped", AbortSignal.any([signal, failure.signal]));
    return await describe(options, planned, link.held(), link.status(), signal);
  } finally {
    stop.abort();
    await running;
  }
}

/** What would be written: all of it counted, as much of it kept as is listed. */
interface Planned {
  readonly listed: readonly WriteOp[];
  readonly counts: Readonly<Record<WriteOp["kind"], number>>;
  add(op: WriteOp): void;
}

function createPlanned(): Planned {
  const listed: WriteOp[] = [];
  const counts = { create: 0, set: 0, delete: 0, check: 0 };
  return {
    listed,
    counts,
    add(op) {
      counts[op.kind] += 1;
      if (listed.length < differencesListedMax) listed.push(op);
    },
  };
}

function dryWorld(reader: Reader, planned: Planned, fail: (cause: unknown) => void): LinkWorld {
  return {
    async claim(_held, signal) {
      try {
        await reader.probe(signal);
      } catch (error) {
        fail(error);
        throw error;
      }
      return { kind: "claimed", epoch: 0n, checkpoint: undefined };
    },
    arm: async () => "polling",
    async read(side, requests, signal) {
      try {
        return await reader.read(side, requests, signal);
      } catch (error) {
        fail(error);
        throw error;
      }
    },
    async write(ops) {
      for (const op of ops) planned.add(op);
      return { kind: "applied", results: ops.map(resultOf), zxid: 0n as Zxid };
    },
  };
}

function resultOf(op: WriteOp): WriteResult {
  switch (op.kind) {
    case "create":
      return { kind: "create", path: op.path };
    case "set":
      return { kind: "set", stat: { ...noStat, version: op.version + 1 } };
    case "delete":
    case "check":
      return { kind: op.kind };
  }
}

const noZxid = 0n as Zxid;
const noStat: Stat = {
  czxid: noZxid,
  mzxid: noZxid,
  pzxid: noZxid,
  ctime: 0n,
  mtime: 0n,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 0,
  numChildren: 0,
};

async function describe(
  options: SurveyOptions,
  planned: Planned,
  held: readonly string[],
  status: LinkStatus,
  signal: AbortSignal,
): Promise<Survey> {
  const braked = new Set(held);
  for (const path of held) planned.add({ kind: "delete", path, version: -1 });
  const { counts } = planned;
  const listed = planned.listed.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const before = await readTarget(
    options.reader,
    listed.filter(({ kind }) => kind !== "create").map(({ path }) => path),
    signal,
  );
  return {
    differences: listed.map((op) => differenceOf(options, op, before.get(op.path) ?? null, braked)),
    counts: { create: counts.create, update: counts.set, delete: counts.delete },
    problems: status.problems,
    problemCounts: status.problemCounts,
    brake: status.brake,
    sourceNodes: status.lastCompare?.sourceNodes ?? 0,
    targetNodes: status.lastCompare?.targetNodes ?? 0,
  };
}

function differenceOf(
  { link: { rules } }: SurveyOptions,
  op: WriteOp,
  before: NodeData,
  braked: ReadonlySet<string>,
): Difference {
  const source = sourcesOf(rules, op.path)[0];
  const outcome = source === undefined ? undefined : translatePath(rules, source);
  return {
    action: op.kind === "set" ? "update" : op.kind === "create" ? "create" : "delete",
    target: op.path,
    source,
    rule: outcome?.kind === "copy" ? outcome.rule : undefined,
    before,
    after: op.kind === "create" || op.kind === "set" ? op.data : null,
    braked: braked.has(op.path),
  };
}

async function readTarget(
  reader: Reader,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, NodeData>> {
  const data = new Map<string, NodeData>();
  for (let from = 0; from < paths.length; from += readsPerRequest) {
    const part = paths.slice(from, from + readsPerRequest);
    const requests = part.map((path) => ({ kind: "data", path }) as const);
    const { results } = await reader.read("target", requests, signal);
    for (const [at, path] of part.entries()) {
      const result = results[at];
      if (result?.kind === "data") data.set(path, result.data);
    }
  }
  return data;
}
