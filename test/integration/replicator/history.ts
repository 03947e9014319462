import type { Change, Transaction } from "../harness/transaction-log.ts";
import { isCovered, targetPathOf, wantedData } from "./model.ts";

/**
 * Judges a whole run by what both servers really did, transaction by transaction. What must hold for each path of the target:
 * every write is a state that the source was in, none comes before one that is already there, none repeats what is there, and
 * the last one is the source's last.
 */
export interface Run {
  readonly source: readonly Transaction[];
  readonly target: readonly Transaction[];
  /** Sessions of the tests at the target, whose writes are nobody's fault. */
  readonly foreignSessions: ReadonlySet<bigint>;
}

/** Every fault as a sentence, at most `faultsMax` of them; none when the run was right. */
export function faultsOf(run: Run): string[] {
  const faults: string[] = [];
  const paths = statesOfSource(run.source);
  const pathOf = (path: string): PathHistory => {
    const known = paths.get(path);
    if (known !== undefined) return known;
    const fresh: PathHistory = { states: [absent], reached: 0, now: absent, held: false };
    paths.set(path, fresh);
    return fresh;
  };
  const fences = createFenceJudge();
  for (const transaction of run.target) {
    const at = `0x${transaction.zxid.toString(16)}`;
    const blame = (what: string): void => void (faults.length < faultsMax && faults.push(`${at}: ${what}`));
    if (run.foreignSessions.has(transaction.session)) {
      for (const change of transaction.changes) {
        if (isCovered(change.path) && change.kind !== "check" && change.kind !== "setAcl")
          pathOf(change.path).now = stateOf(change);
      }
      continue;
    }
    fences.judge(transaction.changes, blame);
    for (const change of transaction.changes) {
      if (change.kind === "check" || isOwn(change.path)) continue;
      if (isCovered(change.path)) judgeWrite(pathOf(change.path), change, blame);
      else if (change.kind !== "create" || change.data !== null || !mayCarry(change.path))
        blame(`${change.kind} ${change.path}, which no rule covers`);
    }
  }
  for (const [path, { states, now, held }] of paths) {
    const last = states.at(-1);
    if (!held && last !== now && faults.length < faultsMax)
      faults.push(`at the end: ${path} is ${show(now)}, but the source's last word is ${show(last)}`);
  }
  return faults;
}

const faultsMax = 20;

/** Bytes as they are, one character each, with a letter in front that tells them from null and from no node. */
type State = string;
const absent: State = "absent";

interface PathHistory {
  /** What the target path was to be, one state after the other. */
  readonly states: State[];
  /** Index of the state that the target was last given. */
  reached: number;
  now: State;
  /** The last data at the source has no translation: the target may keep what it has. */
  held: boolean;
}

/** The states that each target path was meant to be in, from the source's transactions. */
function statesOfSource(source: readonly Transaction[]): Map<string, PathHistory> {
  const paths = new Map<string, PathHistory>();
  const ephemerals = new Set<string>();
  for (const { changes } of source) {
    // What one transaction undoes itself was never to be seen.
    const after = new Map<string, { state: State | undefined; target: string }>();
    for (const change of changes) {
      const target = targetPathOf(change.path);
      if (target === undefined || change.kind === "check" || change.kind === "setAcl") continue;
      if (change.kind === "create" && change.ephemeral) ephemerals.add(change.path);
      const isEphemeral = ephemerals.has(change.path);
      if (change.kind === "delete") ephemerals.delete(change.path);
      after.set(change.path, { target, state: isEphemeral ? absent : translated(change) });
    }
    for (const { target, state } of after.values()) {
      const path = paths.get(target) ?? { states: [absent], reached: 0, now: absent, held: false };
      paths.set(target, path);
      path.held = state === undefined;
      if (state !== undefined && state !== path.states.at(-1)) path.states.push(state);
    }
  }
  return paths;
}

function translated(change: Exclude<Change, { kind: "check" | "setAcl" }>): State | undefined {
  if (change.kind === "delete") return absent;
  const wanted = wantedData(change.path, change.data);
  return wanted.kind === "held" ? undefined : dataState(wanted.data);
}

function judgeWrite(
  path: PathHistory,
  change: Exclude<Change, { kind: "check" }>,
  blame: (what: string) => void,
): void {
  if (change.kind === "setAcl") {
    blame(`setAcl ${change.path}`);
    return;
  }
  const state = stateOf(change);
  if (state === path.now) blame(`${change.kind} ${change.path} repeats what is there: ${show(state)}`);
  path.now = state;
  const found = path.states.indexOf(state, path.reached);
  if (found >= 0) {
    path.reached = found;
  } else {
    const was = path.states.indexOf(state) >= 0 ? "which is older than what was there" : "which the source never had";
    blame(`${change.kind} ${change.path} to ${show(state)}, ${was} (${show(path.states[path.reached])})`);
  }
}

/** Each write stands behind the fence of an epoch that is there, and epochs only rise. */
function createFenceJudge() {
  const standing = new Set<string>();
  let epoch = 0n;
  return {
    judge(changes: readonly Change[], blame: (what: string) => void): void {
      const [first] = changes;
      const writes = changes.some(({ kind, path }) => kind !== "check" && needsFence(path));
      if (writes && (first?.kind !== "check" || !standing.has(first.path)))
        blame(`a batch without a standing fence: ${first?.kind} ${first?.path}`);
      for (const { kind, path } of changes) {
        const found = /\/fence\/e-(\d+)(?:-[0-9a-f]{8})?$/.exec(path)?.[1];
        if (found === undefined || kind === "setAcl") continue;
        if (kind === "delete") standing.delete(path);
        if (kind === "create") standing.add(path);
        if (kind === "create" || kind === "check") {
          if (BigInt(found) < epoch) blame(`epoch ${found} writes after epoch ${epoch}`);
          epoch = BigInt(found);
        }
      }
    },
  };
}

function stateOf(change: Exclude<Change, { kind: "check" | "setAcl" }>): State {
  return change.kind === "delete" ? absent : dataState(change.data);
}

function dataState(data: Buffer | null): State {
  return data === null ? "null" : `=${data.toString("latin1")}`;
}

function show(state: State | undefined): string {
  return JSON.stringify(state);
}

function isOwn(path: string): boolean {
  return path === "/crossidc" || path.startsWith("/crossidc/");
}

/** Everything but what is made before there is a fence, and the fence. A passage is a write too. */
function needsFence(path: string): boolean {
  return !isOwn(path) || path.endsWith("/checkpoint");
}

/** Above paths that a rule covers. */
function mayCarry(path: string): boolean {
  return /^\/(zms(\/[^/]+)?|mirror(\/app)?)$/.test(path);
}
