import type { Clock } from "#lib/clock.ts";
import type { Acl, NodeData, Stat, WriteOp, WriteResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { aclText, type Identity } from "./core/acl.ts";
import { createLink, type Link } from "./core/link.ts";
import type { LinkOptions } from "./core/link-context.ts";
import type { AclWrite, LinkProgress, LinkStatus } from "./core/link-events.ts";
import type { Problem } from "./core/problems.ts";
import { sourcesOf, translatePath } from "./core/rules/rules.ts";
import type { Tombstone } from "./core/tombstones.ts";
import type { LinkWorld } from "./io/link-world.ts";
import type { Reader } from "./io/reader.ts";
import { createLinkRunner } from "./link-runner.ts";

/** Differences that are listed with their data; beyond it they are only counted. */
const differencesListedMax = 10_000;
const readsPerRequest = 100;

export interface Difference {
  readonly action: "create" | "update" | "delete" | "acl";
  readonly target: string;
  readonly source: string | undefined;
  /** Index of the rule in the link's list. */
  readonly rule: number | undefined;
  readonly before: NodeData;
  readonly after: NodeData;
  /** Of action acl: a text for each entry. */
  readonly acl: { readonly before: readonly string[]; readonly after: readonly string[] } | undefined;
  /** The delete brake would hold it for an operator. */
  readonly braked: boolean;
}

export interface Survey {
  readonly differences: readonly Difference[];
  /** All of them, also those that are not listed. */
  readonly counts: Readonly<Record<Difference["action"], number>>;
  readonly problems: readonly Problem[];
  readonly problemCounts: LinkStatus["problemCounts"];
  readonly brake: LinkStatus["brake"];
  /** Of nodes that stay for now although their source is gone, those whose time is over first: not among the differences. */
  readonly tombstones: readonly Tombstone[];
  readonly sourceNodes: number;
  readonly targetNodes: number;
}

export interface SurveyOptions {
  readonly link: LinkOptions;
  readonly reader: Reader;
  /** Who we are for the target; matters where ACLs are copied. */
  readonly own: readonly Identity[];
  /** As last saved. */
  readonly tombstones: readonly Tombstone[];
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
  const world = dryWorld(options, planned, (cause) => failure.abort(cause));
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
    runner.push({ kind: "connected", side: "source", resumed: false });
    runner.push({ kind: "connected", side: "target", resumed: false });
    await runner.until(({ idle, phase }) => idle || phase === "stopped", AbortSignal.any([signal, failure.signal]));
    return await describe(options, planned, link, signal);
  } finally {
    stop.abort();
    await running;
  }
}

/** What would be written: all of it counted, as much of it kept as is listed. */
interface Planned {
  readonly listed: readonly PlannedOp[];
  readonly counts: Readonly<Record<PlannedOp["kind"], number>>;
  add(op: PlannedOp): void;
}

type PlannedOp = WriteOp | ({ readonly kind: "acl" } & AclWrite);

function createPlanned(): Planned {
  const listed: PlannedOp[] = [];
  const counts = { create: 0, set: 0, delete: 0, check: 0, acl: 0 };
  return {
    listed,
    counts,
    add(op) {
      counts[op.kind] += 1;
      if (listed.length < differencesListedMax) listed.push(op);
    },
  };
}

function dryWorld(
  { reader, own, tombstones }: SurveyOptions,
  planned: Planned,
  fail: (cause: unknown) => void,
): LinkWorld {
  const orFail = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      fail(error);
      throw error;
    }
  };
  return {
    async lead(_onWaiting, signal) {
      await orFail(reader.probe(signal));
      return { kind: "leading", kept: false };
    },
    leaveToOthers: async () => {},
    claim: async () => ({
      kind: "claimed",
      fence: { epoch: 0n, name: "none" },
      checkpoint: undefined,
      pause: undefined,
      own,
      tombstones,
    }),
    arm: async () => "polling",
    read: (side, requests, signal) => orFail(reader.read(side, requests, signal)),
    readAcls: (side, paths, signal) => orFail(reader.readAcls(side, paths, signal)),
    async write({ ops }) {
      for (const op of ops) planned.add(op);
      return { kind: "applied", results: ops.map(resultOf), zxid: 0n as Zxid };
    },
    async writeAcls(writes) {
      for (const write of writes) planned.add({ kind: "acl", ...write });
      const results = writes.map(({ aversion }) => ({ kind: "set", stat: { ...noStat, aversion } }) as const);
      return { kind: "done", results };
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

async function describe(options: SurveyOptions, planned: Planned, link: Link, signal: AbortSignal): Promise<Survey> {
  const held = link.held();
  const status = link.status();
  const braked = new Set(held);
  for (const path of held) planned.add({ kind: "delete", path, version: -1 });
  const { counts } = planned;
  const listed = planned.listed.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const pathsOf = (wanted: (kind: PlannedOp["kind"]) => boolean): string[] =>
    listed.filter(({ kind }) => wanted(kind)).map(({ path }) => path);
  const before = {
    data: await readTarget(
      options.reader,
      pathsOf((kind) => kind !== "create" && kind !== "acl"),
      signal,
    ),
    acls: await readTargetAcls(
      options.reader,
      pathsOf((kind) => kind === "acl"),
      signal,
    ),
  };
  return {
    differences: listed.map((op) => differenceOf(options, op, before, braked)),
    counts: { create: counts.create, update: counts.set, delete: counts.delete, acl: counts.acl },
    problems: status.problems,
    problemCounts: status.problemCounts,
    brake: status.brake,
    tombstones: link.tombstones(options.clock.now()).filter(({ path }) => !braked.has(path)),
    sourceNodes: status.lastCompare?.sourceNodes ?? 0,
    targetNodes: status.lastCompare?.targetNodes ?? 0,
  };
}

function differenceOf(
  { link: { rules } }: SurveyOptions,
  op: PlannedOp,
  before: { data: ReadonlyMap<string, NodeData>; acls: ReadonlyMap<string, readonly Acl[]> },
  braked: ReadonlySet<string>,
): Difference {
  const source = sourcesOf(rules, op.path)[0];
  const outcome = source === undefined ? undefined : translatePath(rules, source);
  return {
    action: actionOf(op.kind),
    target: op.path,
    source,
    rule: outcome?.kind === "copy" ? outcome.rule : undefined,
    before: before.data.get(op.path) ?? null,
    after: op.kind === "create" || op.kind === "set" ? op.data : null,
    acl:
      op.kind === "acl"
        ? { before: (before.acls.get(op.path) ?? []).map(aclText), after: op.acl.map(aclText) }
        : undefined,
    braked: braked.has(op.path),
  };
}

function actionOf(kind: PlannedOp["kind"]): Difference["action"] {
  switch (kind) {
    case "create":
    case "acl":
      return kind;
    case "set":
      return "update";
    case "delete":
    case "check":
      return "delete";
  }
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

async function readTargetAcls(
  reader: Reader,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, readonly Acl[]>> {
  const acls = new Map<string, readonly Acl[]>();
  for (let from = 0; from < paths.length; from += readsPerRequest) {
    const part = paths.slice(from, from + readsPerRequest);
    const results = await reader.readAcls("target", part, signal);
    for (const [at, path] of part.entries()) {
      const result = results[at];
      if (result?.kind === "acl") acls.set(path, result.acl);
    }
  }
  return acls;
}
