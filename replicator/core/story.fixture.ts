import type { Instant } from "#lib/clock.ts";
import { type ErrorName, errorCodes, errorName } from "#lib/zookeeper/errors.ts";
import type { NodeData, ReadRequest, ReadResult, Stat, WriteOp, WriteResult, Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { BrakeReason } from "./brake.ts";
import type { StopCode } from "./claim.ts";
import type { Link } from "./link.ts";
import type { LinkCommand, LinkEvent, LinkNote, LinkProgress, StoredCheckpoint } from "./link-events.ts";
import type { Tombstone } from "./tombstones.ts";

/**
 * Stories of a link as plain text. A step is what happened, `----`, what the link answered; `====` stands between two steps.
 * An answer to a read has one line for each request, in the order of the requests: `/a: "data", version 3, 2 children`,
 * `/a: noNode`, and `/a/*: x, y` for the children of /a. Zxids of a node are told where they matter: `, czxid 7, mzxid 9, pzxid 9`;
 * else its mzxid is its version, and the others are 0. Each step takes 10 ms; `later 60000 ms` lets time pass before it.
 * `progress` asks how far the link is. Below a claim stand the tombstones that it has found: `/b/x gone for 3000 ms`.
 */
const stepMs = 10;

export interface Teller {
  /** The commands for these lines. */
  tell(happened: readonly string[]): string[];
}

export function createTeller(link: Link): Teller {
  const reads = new Map<number, readonly ReadRequest[]>();
  const writes = new Map<number, readonly WriteOp[]>();
  let now = 0;

  const step = (event: LinkEvent): string[] =>
    link.step([event], now as Instant).flatMap((command) => {
      if (command.kind === "read") reads.set(command.id, command.requests);
      if (command.kind === "write") writes.set(command.id, command.ops);
      return commandLines(command);
    });
  const parse = (line: string, below: readonly string[]): LinkEvent => {
    const take = (form: RegExp): readonly string[] | undefined => form.exec(line)?.slice(1);
    const [simple] = simpleEvents.filter(([text]) => text === line).map(([, event]) => event);
    if (simple !== undefined) return simple;
    let found = take(/^claimed (\d+): epoch (\d+), source zxid (\d+)(?:, mark (\d+))?(?:, brake engaged: (\w+))?$/);
    if (found !== undefined) {
      const [id, epoch = "", zxid = "", mark = farMark, braked] = found;
      const claimed = BigInt(epoch);
      const checkpoint = storedAt(
        claimed,
        BigInt(zxid) as Zxid,
        BigInt(mark) as Zxid,
        braked as BrakeReason | undefined,
      );
      return {
        kind: "claimed",
        id: Number(id),
        fence: { epoch: claimed, name: `e-${epoch}` },
        checkpoint,
        pause: undefined,
        tombstones: below.map(parseTombstone),
      };
    }
    found = take(/^failed (\d+): (.*)$/);
    if (found !== undefined) return { kind: "failed", id: Number(found[0]), detail: found[1] ?? "" };
    found = take(/^(\d+) waits for (.*)$/);
    if (found !== undefined) return { kind: "waiting", id: Number(found[0]), leader: found[1] ?? "" };
    found = take(/^leads (\d+)( still)?$/);
    if (found !== undefined) return { kind: "leading", id: Number(found[0]), kept: found[1] !== undefined };
    found = take(/^paused: (.*)$/);
    if (found !== undefined) return { kind: "pauseSeen", pause: { reason: found[0] ?? "", at: "" } };
    found = take(/^claim (\d+) refused: (\S+), (.*)$/);
    if (found !== undefined) {
      const [id, code = "", detail = ""] = found;
      return { kind: "claimRefused", id: Number(id), code: code as StopCode, detail };
    }
    found = take(/^armed (\d+)(, polling)?$/);
    if (found !== undefined)
      return { kind: "armed", id: Number(found[0]), watch: found[1] === undefined ? "recursive" : "polling" };
    found = take(/^fence of epoch (\d+) gone$/);
    if (found !== undefined) return { kind: "fenceGone", name: `e-${found[0]}` };
    found = take(/^(\/\S*) (created|deleted|dataChanged)$/);
    if (found !== undefined)
      return { kind: "changed", path: found[0] ?? "", change: found[1] as "created" | "deleted" | "dataChanged" };
    found = take(/^read (\d+) at zxid (\d+)$/);
    if (found !== undefined) {
      const id = Number(found[0]);
      const zxid = BigInt(found[1] ?? "") as Zxid;
      return { kind: "read", id, zxid, results: parseResults(reads.get(id) ?? [], below) };
    }
    found = take(/^write (\d+) (applied|fenced|refused at (\d+): (\w+))$/);
    if (found !== undefined) {
      const [id, outcome = "", failedAt, code] = found;
      const ops = writes.get(Number(id)) ?? [];
      return { kind: "wrote", id: Number(id), outcome: parseOutcome(outcome, ops, Number(failedAt), code) };
    }
    throw new Error(`Cannot read the line ${JSON.stringify(line)} of a story`);
  };

  return {
    tell(happened) {
      now += stepMs;
      const answered: string[] = [];
      for (const [at, line] of happened.entries()) {
        if (line.startsWith(" ") || line.startsWith("#")) continue;
        const later = /^later (\d+) ms$/.exec(line)?.[1];
        if (later !== undefined) {
          now += Number(later);
          continue;
        }
        if (line === "progress") {
          answered.push(progressText(link.progress()));
          continue;
        }
        const rest = happened.slice(at + 1);
        const end = rest.findIndex((one) => !one.startsWith(" "));
        const below = rest.slice(0, end < 0 ? rest.length : end).map((one) => one.trim());
        answered.push(...step(parse(line, below)));
      }
      return answered.length > 0 ? answered : ["nothing"];
    },
  };
}

const simpleEvents: readonly (readonly [string, LinkEvent])[] = [
  ["source connected", { kind: "connected", side: "source", resumed: true }],
  ["target connected", { kind: "connected", side: "target", resumed: true }],
  ["target connected anew", { kind: "connected", side: "target", resumed: false }],
  ["source connected anew", { kind: "connected", side: "source", resumed: false }],
  ["source disconnected", { kind: "disconnected", side: "source" }],
  ["target disconnected", { kind: "disconnected", side: "target" }],
  ["compare asked for", { kind: "compareAsked" }],
  ["deletes accepted", { kind: "deletesAccepted" }],
  ["no longer paused", { kind: "pauseSeen", pause: undefined }],
  ["resumed", { kind: "resumeAsked", sourceWins: false, init: false }],
  ["resumed, the source wins", { kind: "resumeAsked", sourceWins: true, init: false }],
  ["resumed with a new fence", { kind: "resumeAsked", sourceWins: false, init: true }],
  ["tick", { kind: "tick" }],
];

/** What a claim finds in the target; at source zxid 0 nothing was ever carried over. */
function storedAt(
  epoch: bigint,
  sourceZxid: Zxid,
  mark: Zxid,
  reason: BrakeReason | undefined,
): StoredCheckpoint | undefined {
  if (sourceZxid === 0n) return undefined;
  const brake = { engaged: reason && { reason, ageMs: 0 }, deletes: [] };
  return { epoch, sourceZxid, rules: "", brake, witnesses: [], sourceWins: undefined, mark };
}

/** Where no mark is told: nothing is newer. */
const farMark = String(2n ** 62n);

function parseTombstone(line: string): Tombstone {
  const [, path, age] = /^(\S+) gone for (\d+) ms$/.exec(line) ?? [];
  if (path === undefined) throw new Error(`Cannot read the tombstone ${JSON.stringify(line)} of a story`);
  return { path, ageMs: Number(age) };
}

function parseResults(requests: readonly ReadRequest[], lines: readonly string[]): ReadResult[] {
  const asked = requests.map(requestText);
  const answered = lines.map((line) => line.slice(0, line.indexOf(": ")));
  if (asked.join(", ") !== answered.join(", "))
    throw new Error(`Asked for ${asked.join(", ")}, but the story answers ${answered.join(", ")}`);
  return lines.map((line, at) => parseResult(requests[at]?.kind ?? "data", line.slice(line.indexOf(": ") + 2)));
}

function parseResult(kind: ReadRequest["kind"], text: string): ReadResult {
  if (text in errorCodes) return { kind: "error", code: errorCodes[text as ErrorName] };
  if (kind === "children") return { kind, children: text.split(", ") };
  const [, data = "", version, children, zxids = "", ephemeral] =
    /^(null|"[^"]*"), version (\d+)(?:, (\d+) children)?((?:, [cmp]zxid \d+)*)(, ephemeral)?$/.exec(text) ?? [];
  if (version === undefined) throw new Error(`Cannot read the answer ${JSON.stringify(text)} of a story`);
  const zxid = (which: string, usual: string) =>
    BigInt(new RegExp(`${which} (\\d+)`).exec(zxids)?.[1] ?? usual) as Zxid;
  const stat = {
    czxid: zxid("czxid", "0"),
    mzxid: zxid("mzxid", version),
    pzxid: zxid("pzxid", "0"),
    version: Number(version),
    numChildren: Number(children ?? 0),
    ephemeralOwner: ephemeral === undefined ? 0n : 1n,
  };
  return { kind, data: parseData(data), stat: stat as Stat };
}

function parseData(text: string): NodeData {
  return text === "null" ? null : new TextEncoder().encode(text.slice(1, -1));
}

function parseOutcome(
  outcome: string,
  ops: readonly WriteOp[],
  failedAt: number,
  code: string | undefined,
): (LinkEvent & { kind: "wrote" })["outcome"] {
  if (outcome === "fenced") return { kind: "fenced", detail: "the fence is gone" };
  if (code !== undefined) return { kind: "refused", failedAt, code: errorCodes[code as ErrorName] };
  const results = ops.map((op): WriteResult => {
    const version = "version" in op ? op.version + 1 : 0;
    if (op.kind === "set") return { kind: "set", stat: { version, mzxid: BigInt(version) as Zxid } as Stat };
    return op.kind === "create" ? { kind: "create", path: op.path } : { kind: op.kind };
  });
  return { kind: "applied", results, zxid: 0n as Zxid };
}

function commandLines(command: LinkCommand): string[] {
  switch (command.kind) {
    case "lead":
      return [`lead ${command.id}`];
    case "yield":
      return ["leave the latch to others"];
    case "claim": {
      const { held, seen, sourceWins, init } = command;
      const told = [
        held === undefined ? "" : `, holding epoch ${held.epoch}`,
        `, seen zxid ${seen}`,
        sourceWins ? ", the source wins" : "",
        init ? ", with a new fence" : "",
      ];
      return [`claim ${command.id}${told.join("")}`];
    }
    case "arm":
      return [`arm ${command.id}: ${command.roots.join(", ")}`];
    case "read":
      return [`read ${command.id} of the ${command.side}: ${command.requests.map(requestText).join(", ")}`];
    case "write": {
      const { fence, sourceZxid, brake, sourceWins, tombstones } = command.checkpoint;
      const braked = brake.engaged === undefined ? "" : `, brake engaged: ${brake.engaged.reason}`;
      const wins = sourceWins === undefined ? "" : `, the source wins since ${sourceWins}`;
      return [
        `write ${command.id} under epoch ${fence.epoch}, source zxid ${sourceZxid}${braked}${wins}`,
        ...command.ops.map(opText),
        ...command.journal.map(
          ({ path, kind, version, data }) => `  journal ${path}, ${kind}: ${dataText(data)} of version ${version}`,
        ),
        ...(tombstones === undefined ? [] : [tombstonesText(tombstones)]),
      ];
    }
    case "writeAcls":
      return [`set ACLs ${command.id}: ${command.writes.map(({ path }) => path).join(", ")}`];
    case "note":
      return [noteText(command.note)];
  }
}

function progressText(progress: LinkProgress): string {
  const { phase, stopped, leader, idle, pending, targetNodes, tombstones, comparing, brake } = progress;
  const parts = [
    stopped === undefined ? phase : `${phase} by ${stopped.code}`,
    leader === undefined ? "" : `${leader} leads`,
    idle ? "idle" : "",
    `${pending} pending`,
    `${targetNodes} target nodes`,
    tombstones === 0 ? "" : `${tombstones} tombstones`,
    comparing === undefined ? "" : `${comparing.nodes} nodes of the ${comparing.stage} compared`,
    brake.engaged ? `brake engaged: ${brake.held} held` : "",
  ];
  return `progress: ${parts.filter((part) => part !== "").join(", ")}`;
}

function requestText({ kind, path }: ReadRequest): string {
  return kind === "children" ? `${path === "/" ? "" : path}/*` : path;
}

function tombstonesText(tombstones: readonly Tombstone[]): string {
  const all = tombstones.map(({ path, ageMs }) => `${path} gone for ${ageMs} ms`);
  return `  save tombstones: ${all.join(", ") || "none"}`;
}

function opText(op: WriteOp): string {
  switch (op.kind) {
    case "create":
      return `  create ${op.path} ${dataText(op.data)}`;
    case "set":
      return `  set ${op.path} ${dataText(op.data)} over version ${op.version}`;
    case "delete":
    case "check":
      return `  ${op.kind} ${op.path} of version ${op.version}`;
  }
}

function dataText(data: NodeData): string {
  return data === null ? "null" : JSON.stringify(new TextDecoder().decode(data));
}

function noteText(note: LinkNote): string {
  switch (note.kind) {
    case "phase":
      return `${note.from} -> ${note.to}   ${note.why}${note.detail === undefined ? "" : ` (${note.detail})`}`;
    case "applied":
      return `note: ${note.creates} created, ${note.sets} set, ${note.deletes} deleted; ms from event to target: ${note.lagsMs.join(", ") || "no event"}`;
    case "problem":
      return `note: ${note.problem.path} is held back, ${note.problem.kind}: ${note.problem.detail}`;
    case "brake":
      return note.engaged ? `note: brake engaged, ${note.reason}: ${note.held} deletes` : "note: brake released";
    case "aclsSet":
      return `note: ${note.acls} ACLs set`;
    case "drift":
      return `note: somebody else has ${note.did === "aclChanged" ? "changed the ACL of" : note.did} ${note.path}`;
    case "refused":
      return `note: ${note.op} ${note.path} was refused: ${errorName(note.code)}`;
    case "compared":
      return `note: compared ${note.sourceNodes} source nodes with ${note.targetNodes} target nodes, ${note.differences} differ`;
    case "dirtyOverflow":
      return "note: too many changes at once, a compare will follow";
  }
}
