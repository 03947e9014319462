import type { Instant } from "#lib/clock.ts";
import type { WriteOp } from "#lib/zookeeper/zookeeper.ts";
import { decideClaim, epochOf, type Fence, fenceOf } from "../../replicator/core/claim.ts";
import { fencedBatch, outcomeOfBatch } from "../../replicator/core/fenced.ts";
import { createLink, type Link } from "../../replicator/core/link.ts";
import type { LinkOptions } from "../../replicator/core/link-context.ts";
import type {
  AclWrite,
  AclWriteOutcome,
  Checkpoint,
  LinkCommand,
  LinkEvent,
  Pause,
  Side,
} from "../../replicator/core/link-events.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../replicator/io/checkpoint.ts";
import { decodeTombstones, encodeTombstones } from "../../replicator/io/tombstones.ts";
import { anyone, us } from "./acls.ts";
import type { Checker } from "./checker.ts";
import type { OrderChecker } from "./order-checker.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";
import { Violation } from "./violation.ts";
import type { VirtualLatch } from "./virtual-latch.ts";
import type { Change, VirtualZooKeeper } from "./virtual-zookeeper.ts";
import { createWire, type Wire } from "./wire.ts";

/** One replicator process of the virtual world: a link's core, its two sessions, and a shell that does as the real one does. */
export interface Replica {
  readonly link: Link;
  isUp(side: Side): boolean;
  connect(side: Side): void;
  /** The server's end goes at once, the core hears of it a little later. `lateMs`: see the wire. */
  cut(side: Side, lateMs: number): void;
  /** The core hears of it at once, after what waits for it. */
  tell(event: LinkEvent): void;
  /** The core takes what waits for it. */
  catchUp(): void;
  /** Events that the core has not seen yet. */
  readonly queued: number;
  /** The process is gone: nothing is delivered any more. */
  kill(): void;
}

export interface ReplicaParts {
  readonly number: number;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly source: VirtualZooKeeper;
  readonly target: VirtualZooKeeper;
  readonly options: LinkOptions;
  readonly watch: "recursive" | "polling";
  readonly fenceWatch: boolean;
  /** What arrives within so long is one step; 0: each by itself. */
  readonly gatherMs: number;
  /** undefined: everybody believes to lead. */
  readonly latch: VirtualLatch | undefined;
  /** How often who waits is told that it leads. */
  readonly latchLies: number;
  /** As it stands in the target. */
  readonly pause: () => Pause | undefined;
  readonly checker: Checker;
  readonly orders: OrderChecker;
  /** Sees all that goes in and comes out; may replace commands, for tests of the checkers. */
  readonly spy: Spy;
}

export interface Spy {
  step(replica: number, events: readonly LinkEvent[], commands: readonly LinkCommand[]): void;
  /** Whether the source's event is to be lost. */
  losesEvent(change: Change): boolean;
  /** The operations that really reach the target for these. */
  tamper(ops: readonly WriteOp[]): readonly WriteOp[];
}

/** Longest that a session outlives its connection. */
const sessionMsMax = 250;
type Batch = Pick<LinkCommand & { kind: "write" }, "ops" | "journal" | "checkpoint">;
type Outcome = (LinkEvent & { kind: "wrote" })["outcome"];

const linkRoot = "/crossidc/links/simulated";

export function createReplica(parts: ReplicaParts): Replica {
  const { timeline, random, source, target, checker, orders, spy } = parts;
  const link = createLink(parts.options);
  const stores: Record<Side, VirtualZooKeeper> = { source, target };
  let alive = true;
  let ledBy: number | undefined;
  /** Rises with each cut of the target; whether the session outlived the last one. */
  let cuts = 0;
  let outlived = false;
  /** Sessions that have ended. */
  let sessions = 0;
  /** Whether a compare has looked at what others had done before, and the source was never out of sight since. */
  let isPastJudged = false;
  let isFirst = false;
  /** As it was told before the last claim. */
  let sourceWins = false;
  const stopWatch: Record<Side, () => void> = { source: () => {}, target: () => {} };

  const queue: LinkEvent[] = [];
  const catchUp = (): void => {
    if (!alive || queue.length === 0) return;
    const events = queue.splice(0);
    for (const event of events) {
      if (event.kind === "wrote" || event.kind === "wroteAcls") orders.answered(event.id);
      if (event.kind === "disconnected") orders.answered(undefined);
    }
    const commands = link.step(events, timeline.now);
    spy.step(parts.number, events, commands);
    for (const command of commands) {
      orders.commanded(command);
      execute(command);
    }
  };
  const tell = (event: LinkEvent): void => {
    queue.push(event);
    catchUp();
  };
  const deliver = (event: LinkEvent): void => {
    queue.push(event);
    if (parts.gatherMs === 0) catchUp();
    else if (queue.length === 1) timeline.after(parts.gatherMs, catchUp);
  };
  const wires: Record<Side, Wire> = {
    source: createWire({ timeline, random, deliver }),
    target: createWire({ timeline, random, deliver }),
  };
  const execute = (command: LinkCommand): void => {
    const { source: fromSource, target: toTarget } = wires;
    switch (command.kind) {
      case "lead":
        toTarget.request(lead(command.id, sessions));
        break;
      case "yield":
        if (wires.target.up) parts.latch?.leaveToOthers(parts.number);
        break;
      case "claim":
        toTarget.request(() => {
          if (parts.fenceWatch) watchFence();
          const { held } = command;
          const claimed = claim({ target, held, newClaim: newClaim(), now: timeline.now, pause: parts.pause() });
          if (claimed.kind === "claimed") {
            const { checkpoint } = claimed;
            const mark = checkpoint && (checkpoint.sourceWins ?? checkpoint.mark);
            isFirst = checkpoint === undefined;
            sourceWins = command.sourceWins;
            const wins = command.sourceWins || checkpoint?.sourceWins !== undefined;
            checker.claimed({ mark, afresh: held === undefined, unwatched: !isPastJudged && !wins });
          }
          return { id: command.id, ...claimed };
        });
        break;
      case "arm":
        fromSource.request(() => {
          if (parts.watch === "recursive") arm(command.roots);
          return { kind: "armed", id: command.id, watch: parts.watch };
        });
        break;
      case "read":
        wires[command.side].request(() => answer(stores[command.side], command));
        break;
      case "write":
        toTarget.request(() => ({ kind: "wrote", id: command.id, outcome: write(command) }));
        break;
      case "writeAcls":
        toTarget.request(() => ({
          kind: "wroteAcls",
          id: command.id,
          outcome: writeAcls(command.writes, command.checkpoint),
        }));
        break;
      case "note":
        if (command.note.kind === "compared") {
          isPastJudged = true;
          checker.compared(sourceWins);
        }
        if (command.note.kind === "phase" && command.note.to === "following") {
          isPastJudged = true;
          // Of what it found on its first start ever nobody knows whose it is.
          if (isFirst) checker.claimed({ mark: undefined, afresh: true, unwatched: false });
          isFirst = false;
        }
        if (command.note.kind === "phase" && ["stopped", "paused"].includes(command.note.to)) isPastJudged = false;
        break;
    }
  };
  const leading = (id: number, node: number): LinkEvent => {
    const kept = ledBy === node;
    ledBy = node;
    return { kind: "leading", id, kept };
  };
  const lead = (id: number, session: number) => (): LinkEvent => {
    // Too late: it belongs to a session that has ended, and nobody waits for its answer.
    if (session !== sessions) return { kind: "tick" };
    // Without a latch several are after the fence at a time: only the fence keeps the promises.
    if (parts.latch === undefined) return { kind: "leading", id, kept: true };
    const place = parts.latch.enter(parts.number, ({ node }) => wires.target.push(leading(id, node)));
    if (place.first) return leading(id, place.node);
    // A latch that is wrong must do no harm.
    if (random.chance(parts.latchLies)) return { kind: "leading", id, kept: false };
    return { kind: "waiting", id, leader: `${place.leader}` };
  };
  const newClaim = (): string => random.int(0, 0xffffff).toString(16).padStart(8, "0");
  const watchFence = (): void => {
    stopWatch.target();
    stopWatch.target = target.watch(({ path, kind }) => {
      const name = path.slice(`${linkRoot}/fence/`.length);
      if (path.startsWith(`${linkRoot}/fence/`) && kind === "deleted" && epochOf(name) !== undefined)
        wires.target.push({ kind: "fenceGone", name });
    });
  };
  const arm = (roots: readonly string[]): void => {
    stopWatch.source();
    stopWatch.source = source.watch((change) => {
      const { path, kind, visible } = change;
      const watched = roots.some((root) => path === root || path.startsWith(`${root}/`));
      if (watched && visible && !spy.losesEvent(change)) wires.source.push({ kind: "changed", path, change: kind });
    });
  };
  const write = ({ ops, journal, checkpoint }: Batch): Outcome => {
    const sent = spy.tamper(ops);
    const applied = checker.applying(parts.number, sent, journal);
    const paths = { fence: `${linkRoot}/fence/${checkpoint.fence.name}`, checkpoint: `${linkRoot}/checkpoint` };
    const all = [...sent, ...tombstonesOp(checkpoint, timeline.now)];
    const stands = target.nodes.has(paths.fence);
    const answered = target.apply(fencedBatch(paths, all, encodeCheckpoint(checkpoint, timeline.now)));
    if (answered.kind === "applied" && !stands)
      throw new Violation(`I5: replica ${parts.number} has written under ${checkpoint.fence.name}, which is over`);
    applied(answered.kind === "applied");
    const outcome = outcomeOfBatch(paths, all, answered);
    return outcome.kind === "applied" ? { ...outcome, results: outcome.results.slice(0, sent.length) } : outcome;
  };
  const writeAcls = (writes: readonly AclWrite[], checkpoint: Checkpoint): AclWriteOutcome => {
    const check = write({ ops: [], journal: [], checkpoint });
    if (check.kind === "fenced") return check;
    const results = writes.map(({ path, acl, aversion }) => {
      const before = target.nodes.get(path)?.acl;
      const result = target.setAcl(path, acl, aversion);
      if (result.kind === "set") checker.aclSet(path, before ?? [], acl);
      return result;
    });
    return { kind: "done", results };
  };

  const expire = (): void => {
    sessions += 1;
    outlived = false;
    parts.latch?.leave(parts.number);
  };

  return {
    link,
    isUp: (side) => wires[side].up,
    connect(side) {
      if (!alive || wires[side].up) return;
      wires[side].open();
      const resumed = side === "source" || outlived;
      if (side === "target") outlived = true;
      tell({ kind: "connected", side, resumed });
    },
    cut(side, lateMs) {
      if (side === "source") isPastJudged = false;
      wires[side].cut(lateMs);
      stopWatch[side]();
      timeline.after(random.int(0, lateMs), () => tell({ kind: "disconnected", side }));
      if (side === "source") return;
      const thisCut = ++cuts;
      // Requests that are late still belong to the session, so it lives longer than they.
      timeline.after(lateMs + random.int(1, sessionMsMax), () => {
        if (thisCut === cuts && !wires.target.up) expire();
      });
    },
    tell,
    catchUp,
    get queued() {
      return queue.length;
    },
    kill() {
      alive = false;
      timeline.after(random.int(50, 50 + sessionMsMax), expire);
      for (const side of ["source", "target"] as const) {
        stopWatch[side]();
        wires[side].cut(random.int(0, 50));
      }
    },
  };
}

/** A world in which this link has been replicated before, up to epoch 1. */
export function createLinkNodes(target: VirtualZooKeeper): void {
  const paths = ["/crossidc", "/crossidc/links", linkRoot, `${linkRoot}/fence`, `${linkRoot}/fence/e-1`];
  for (const path of [...paths, `${linkRoot}/checkpoint`, `${linkRoot}/tombstones`])
    target.apply([{ kind: "create", path, data: null, acl: anyone }]);
}

function claim(parts: {
  target: VirtualZooKeeper;
  held: Fence | undefined;
  newClaim: string;
  now: Instant;
  pause: Pause | undefined;
}) {
  const { target, held, newClaim, now, pause } = parts;
  const fences = [...(target.nodes.get(`${linkRoot}/fence`)?.children ?? [])];
  const stored = target.nodes.get(`${linkRoot}/checkpoint`);
  const checkpoint = stored?.data ? decodeCheckpoint({ data: stored.data, mark: stored.mzxid }, now) : undefined;
  const tombstones = decodeTombstones(target.nodes.get(`${linkRoot}/tombstones`)?.data ?? null, now);
  const claimed = (fence: Fence) => ({ kind: "claimed", fence, checkpoint, pause, own: [us], tombstones }) as const;
  if (held !== undefined) {
    if (fences.includes(held.name)) return claimed(held);
    return { kind: "claimRefused", code: "fenced", detail: `${held.name} is over` } as const;
  }
  const decision = decideClaim({ source: undefined, target: { fences } });
  if (decision.kind !== "takeOver") return { kind: "claimRefused", code: "fence-missing", detail: "" } as const;
  const fence = fenceOf(decision.epoch, newClaim);
  target.apply([
    ...decision.from.map((name) => ({ kind: "delete", path: `${linkRoot}/fence/${name}`, version: -1 }) as const),
    { kind: "create", path: `${linkRoot}/fence/${fence.name}`, data: null, acl: anyone },
  ]);
  return claimed(fence);
}

function tombstonesOp({ tombstones }: Checkpoint, now: Instant): WriteOp[] {
  if (tombstones === undefined) return [];
  return [{ kind: "set", path: `${linkRoot}/tombstones`, data: encodeTombstones(tombstones, now), version: -1 }];
}

function answer(store: VirtualZooKeeper, { id, requests, acls }: LinkCommand & { kind: "read" }): LinkEvent {
  const read = { kind: "read", id, ...store.read(requests) } as const;
  return acls === undefined ? read : { ...read, acls: store.readAcls(acls) };
}
