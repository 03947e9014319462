import type { LinkCommand, Pause, Side } from "../../replicator/core/link-events.ts";
import { compileRules } from "../../replicator/core/rules/rules.ts";
import { aclSchemes, anyone } from "./acls.ts";
import { type Chaos, createChaos } from "./chaos.ts";
import { drawCharacter } from "./character.ts";
import { createChecker } from "./checker.ts";
import { checkEnd } from "./end-check.ts";
import { createModel, rulesConfig } from "./model.ts";
import { createOrderChecker } from "./order-checker.ts";
import { createRandom } from "./random.ts";
import { createLinkNodes, createReplica, type Replica, type Spy } from "./replica.ts";
import { createTimeline } from "./timeline.ts";
import { createTrace, type Trace, textOf } from "./trace.ts";
import { Violation } from "./violation.ts";
import { createVirtualLatch } from "./virtual-latch.ts";
import { createVirtualZooKeeper } from "./virtual-zookeeper.ts";

/** Most tasks of a whole life's actions, most that a quiet world may need to come to rest, and most acceptances for that. */
const tasksOfActionsMax = 200_000;
const tasksToRestMax = 20_000;
const acceptsToRestMax = 12;
/** Of the model's trees. */
const levelsMax = 6;

export interface RunOptions {
  /** For tests of the checkers. */
  readonly sabotage?: Partial<Pick<Spy, "losesEvent" | "tamper">>;
  /** Whether to hash the commands, which takes longer than all the rest. */
  readonly hash?: boolean;
}

export interface RunResult {
  /** Of all commands, in order; 0 unless it was asked for. */
  readonly hash: number;
  readonly commands: number;
  readonly stopped: string | undefined;
}

/** One life of a link, drawn from the seed. Throws a Violation that tells the seed and the last events. */
export function run(seed: number, options: RunOptions = {}): RunResult {
  const trace = createTrace();
  try {
    return createWorld(seed, trace, options).live();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Violation(`SEED=${seed}: ${text}\n${trace.lines().join("\n")}`, { cause: error });
  }
}

function createWorld(seed: number, trace: Trace, options: RunOptions) {
  const random = createRandom(seed);
  const character = drawCharacter(random);
  const { calm, limits, deletes } = character;
  const timeline = createTimeline();
  const source = createVirtualZooKeeper();
  const target = createVirtualZooKeeper();
  const compiled = compileRules(rulesConfig(character.policies));
  if (!compiled.ok) throw new Violation(`the rules do not compile: ${textOf(compiled.problems)}`);
  const model = createModel(character.policies);
  const checker = createChecker({ model, source, target, deletes, now: () => timeline.now });
  const chaos: Chaos = createChaos({
    random,
    model,
    source,
    target,
    checker,
    nodeBytes: limits.nodeBytes,
    withRights: !calm,
  });
  let hash = 0;
  let commands = 0;
  const spy: Spy = {
    step(replica, events, answers) {
      for (const event of events) trace.add(timeline.now, `to ${replica}`, event);
      for (const command of answers) {
        trace.add(timeline.now, `from ${replica}`, command);
        if (!character.policies.copiesAcls && touchesAcls(command))
          throw new Violation("a link that does not copy ACLs asks for one");
        if (options.hash === true) hash = hashOn(hash, textOf(command));
        commands += 1;
      }
    },
    losesEvent: options.sabotage?.losesEvent ?? (() => false),
    tamper: options.sabotage?.tamper ?? ((ops) => ops),
  };
  source.watch((change) => trace.add(timeline.now, "source", change));
  target.watch((change) => trace.add(timeline.now, "target", change));
  const latch = character.latch === undefined ? undefined : createVirtualLatch();
  let pause: Pause | undefined;
  let replicas: Replica[] = [];
  let left = character.actions;

  const startReplica = (): void => {
    const number = replicas.length + 1;
    const replica = createReplica({
      number,
      timeline,
      random,
      source,
      target,
      options: {
        rules: compiled.rules,
        deletes,
        acl: anyone,
        aclSchemes: character.policies.copiesAcls ? aclSchemes : undefined,
        compareEveryMs: 20_000,
        pollEveryMs: 500,
        yieldAfterMs: 300,
        limits,
      },
      watch: character.watch,
      fenceWatch: character.fenceWatch,
      gatherMs: character.gatherMs,
      latch,
      latchLies: character.latch?.lies ?? 0,
      pause: () => pause,
      checker,
      orders: createOrderChecker(limits),
      spy,
    });
    replicas = [...replicas, replica];
    for (const side of ["source", "target"] as const) timeline.after(random.int(0, 20), () => replica.connect(side));
    const tick = (): void => {
      replica.tell({ kind: "tick" });
      // Each replicator looks now and then: what it heard may have been out of date.
      if (replica.isUp("target")) replica.tell({ kind: "pauseSeen", pause });
      timeline.after(500, tick);
    };
    tick();
  };
  const current = (): Replica => {
    const replica = replicas[(latch?.leader ?? replicas.length) - 1] ?? replicas.at(-1);
    if (replica === undefined) throw new Violation("no replica was started");
    return replica;
  };
  const cut = (replica: Replica, side: Side): void => {
    if (!replica.isUp(side)) return;
    const lateMs = random.int(0, 80);
    replica.cut(side, lateMs);
    timeline.after(lateMs + random.int(0, 200), () => replica.connect(side));
  };
  const setPause = (next: Pause | undefined): void => {
    pause = next;
    for (const replica of replicas) timeline.after(random.int(0, 40), () => replica.tell({ kind: "pauseSeen", pause }));
  };
  const resume = (): void => current().tell({ kind: "resumeAsked", sourceWins: false, init: false });
  const accept = (): void => {
    current().catchUp();
    const held = current().link.held();
    if (held.length === 0) return;
    checker.accepted(replicas.indexOf(current()) + 1, held);
    current().tell({ kind: "deletesAccepted" });
  };
  const isDiverged = (): boolean => current().link.progress().stopped?.code === "diverged";
  const letSourceWin = (): void => {
    if (!isDiverged()) return;
    if (calm) throw new Violation("the link has stopped as diverged, but nobody else has written in the target");
    checker.sourceWins();
    current().tell({ kind: "resumeAsked", sourceWins: true, init: false });
  };
  const act = (): void => {
    // The second half of a calm life has no compare that would find what events have missed.
    const dice = calm && left < character.actions / 2 ? 0 : random.next();
    if (dice < 0.62) chaos.source();
    else if (dice < 0.8) {
      if (calm) chaos.source();
      else chaos.target();
    } else if (dice < 0.86) cut(random.pickAny(replicas) ?? current(), random.pick(["source", "target"]));
    else if (dice < 0.88) for (const side of ["source", "target"] as const) cut(current(), side);
    else if (dice < 0.9) {
      cut(current(), "source");
      chaos.wipeSource();
    } else if (dice < 0.91) chaos.wipeSource();
    else if (dice < 0.93) startReplica();
    else if (dice < 0.94) {
      current().kill();
      startReplica();
    } else if (dice < 0.95) setPause(pause === undefined ? { reason: "drawn", at: "" } : undefined);
    else if (dice < 0.955) resume();
    else if (dice < 0.965) letSourceWin();
    else if (dice < 0.975) accept();
    else current().tell({ kind: "compareAsked" });
  };
  const runUntil = (condition: () => boolean, what: string, tasksMax = tasksToRestMax): void => {
    for (let tasks = 0; !condition(); tasks++) {
      if (tasks > tasksMax) throw new Violation(`${what} is not reached in ${tasksMax} tasks`);
      timeline.runNext();
    }
  };
  const rest = (quietMs: number): void => {
    const until = timeline.now + quietMs;
    const isAtRest = (): boolean => {
      if (timeline.now < until) return false;
      letSourceWin();
      const status = current().link.progress();
      return (status.idle && current().queued === 0) || status.phase === "stopped";
    };
    runUntil(isAtRest, "rest");
  };
  const compare = (): void => {
    const before = current().link.progress().counts.compares;
    current().tell({ kind: "compareAsked" });
    runUntil(() => isStopped() || current().link.progress().counts.compares > before, "the end of a compare");
    rest(100);
  };
  const isStopped = (): boolean => current().link.progress().phase === "stopped";
  const acceptAll = (again: () => void): void => {
    for (let round = 0; current().link.progress().brake.held > 0 && !isStopped(); round++) {
      if (round === acceptsToRestMax) throw new Violation(`deletes are still held after ${round} times of accepting`);
      accept();
      again();
    }
  };
  /** Parents go a while after their children: once more for each level. */
  const outliveTombstones = (): void => {
    for (let level = 0; level < levelsMax && !isStopped(); level++) {
      rest((deletes.tombstoneMs ?? 0) + 1_000);
      acceptAll(compare);
    }
  };
  const check = (onlyValues: boolean): void => {
    if (isStopped()) return;
    checkEnd({
      deletes: deletes.mode === "keep" ? "keep" : "mirror",
      model,
      source,
      target,
      status: current().link.status(),
      nodeBytes: limits.nodeBytes,
      onlyValues,
    });
  };
  const written = (): number => {
    const { created, updated, deleted, aclsSet } = current().link.progress().counts;
    return created + updated + deleted + aclsSet;
  };

  return {
    live(): RunResult {
      for (let at = random.int(0, 60); at > 0; at--) chaos.source();
      for (let at = calm ? 0 : random.int(0, 20); at > 0; at--) chaos.target();
      createLinkNodes(target);
      startReplica();
      const next = (): void => {
        if (left === 0) return;
        left -= 1;
        act();
        const gapMs = random.chance(0.02) ? 61_000 : random.chance(0.3) ? 0 : random.int(1, character.gapMaxMs);
        timeline.after(gapMs, next);
      };
      next();
      runUntil(() => left === 0, "the last action", tasksOfActionsMax);
      const fenced = replicas.filter(({ link }) => link.progress().stopped?.code === "fenced");
      if (character.latch?.lies === 0 && fenced.length > 0)
        throw new Violation("a replicator was fenced although the latch told the truth");
      setPause(undefined);
      if (random.chance(0.7)) chaos.heal();
      rest(1_000);
      if (calm) {
        acceptAll(() => rest(100));
        check(true);
      }
      compare();
      acceptAll(compare);
      if (deletes.mode === "tombstone") outliveTombstones();
      check(false);
      const before = written();
      compare();
      if (written() !== before) throw new Violation("a compare of equal trees wrote something");
      return { hash, commands, stopped: current().link.progress().stopped?.code };
    },
  };
}

function touchesAcls(command: LinkCommand): boolean {
  return command.kind === "writeAcls" || (command.kind === "read" && command.acls !== undefined);
}

function hashOn(hash: number, text: string): number {
  let mixed = hash;
  for (let at = 0; at < text.length; at++) mixed = (Math.imul(mixed, 31) + text.charCodeAt(at)) | 0;
  return mixed;
}
