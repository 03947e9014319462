import { expect, test } from "vitest";
import type { Command } from "../../../arbiter/core/events.ts";
import { sitesInTurn } from "../../../arbiter/core/leader.ts";
import { setName } from "../../../arbiter/core/model.ts";
import { sites } from "./net.ts";
import { cluster, places, set } from "./places.ts";
import { type Outcome, type RunOptions, run } from "./run.ts";
import type { World } from "./world.ts";

const inTurn = sitesInTurn(setName(cluster, set), sites, new Set(places.map(({ site }) => site)));

/**
 * The arbiter that drives a decision dies before, and right after, each command that it gives: after it the command is carried out,
 * and nobody hears of its outcome. The commands are those of a life in which nobody dies.
 */
const driver = sites.find((site) => site === inTurn[0]) ?? "idc1";
const seed = 8;
const backAfterMs = 6_000;
/** The machine may have other things to do. */
const testMsMax = 300_000;
const short = { faultsMs: 12_000, healMs: 50_000 };

interface Story {
  readonly begin: (world: World) => void;
  /** The driver's last command. */
  readonly isLast: (command: Command) => boolean;
  /** What it is made of, at least. */
  readonly kinds: readonly Command["kind"][];
}

const failover: Story = {
  begin({ timeline, brokers }) {
    const master = brokers.find(({ role }) => role === "master");
    if (master?.site !== driver) throw new Error("broker b1, at the driver's site, should be master");
    master.kill();
    timeline.after(backAfterMs, () => master.start());
  },
  isLast: (command) => command.kind === "note" && command.sentence === "decision carried out",
  kinds: ["commit", "probe", "notify", "readRoute", "canary", "readSettings"],
};

const planned: Story = {
  begin({ operate }) {
    operate(driver, { kind: "switch", set: setName(cluster, set), to: "3", reason: "", dryRun: false });
  },
  isLast: ({ kind }) => kind === "answerOperator",
  kinds: ["commit", "probe", "notify", "raiseBarrier", "readRoute", "canary", "lowerBarrier", "answerOperator"],
};

/** Beats and looks at other sites go on all the time, and decide nothing. */
function counts(command: Command): boolean {
  if (command.kind === "note" || command.kind === "probeSite") return false;
  if (command.kind !== "commit") return true;
  const { compares, puts } = command.transaction;
  return compares.length > 0 || puts.some(({ key }) => !key.startsWith("sites/"));
}

function play(story: Story, onNth: (nth: number, command: Command) => "go" | "die" | "go and die"): Outcome {
  let begun = false;
  let over = false;
  let nth = -1;
  const strike = (world: World): void => {
    begun = true;
    story.begin(world);
  };
  const onCommand: RunOptions["onCommand"] = (site, command) => {
    if (site !== driver || !begun || over) return "go";
    over = story.isLast(command);
    if (!counts(command)) return "go";
    nth += 1;
    return onNth(nth, command);
  };
  return run(seed, { ...short, strike, onCommand });
}

/** Dies at the nth command, and is started again some seconds later, with everything else at peace. */
function playDying(story: Story, at: number, fate: "die" | "go and die"): Outcome {
  let isDead = false;
  return play(story, (nth) => {
    if (nth !== at || isDead) return "go";
    isDead = true;
    return fate;
  });
}

function commandsOf(story: Story): { commands: Command[]; outcome: Outcome } {
  const commands: Command[] = [];
  const outcome = play(story, (_nth, command) => {
    commands.push(command);
    return "go";
  });
  return { commands, outcome };
}

const isDecision = (command: Command): boolean =>
  command.kind === "commit" && command.transaction.puts.some(({ key }) => key.startsWith("decisions/"));

for (const fate of ["die", "go and die"] as const) {
  const when = fate === "die" ? "before" : "right after";

  test(
    `a failover ends once, and right, whichever command its driver dies ${when}`,
    () => {
      const { commands, outcome } = commandsOf(failover);
      expect(commands.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...failover.kinds]));
      expect(outcome).toMatchObject({ decisions: 2, failovers: 1 });
      for (const at of commands.keys()) {
        const { decisions, failovers, switches } = playDying(failover, at, fate);
        expect({ at, decisions, failovers, switches }).toEqual({ at, decisions: 2, failovers: 1, switches: 0 });
      }
    },
    testMsMax,
  );

  test(
    `a planned switch is made, given up or taken back, once, whichever command its driver dies ${when}`,
    () => {
      const { commands, outcome } = commandsOf(planned);
      expect(commands.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...planned.kinds]));
      expect(outcome).toMatchObject({ decisions: 2, switches: 1, takenBack: 0 });
      const decided = commands.findIndex(isDecision);
      let made = 0;
      for (const at of commands.keys()) {
        const { decisions, failovers, switches, takenBack } = playDying(planned, at, fate);
        expect({ at, failovers, sum: 1 + switches + takenBack }).toEqual({ at, failovers: 0, sum: decisions });
        expect(switches, `switches, dead at ${at}`).toBeLessThanOrEqual(1);
        expect(takenBack, `taken back, dead at ${at}`).toBeLessThanOrEqual(switches);
        const isCommitted = at > decided || (at === decided && fate === "go and die");
        if (isCommitted) expect(switches, `decided, dead at ${at}`).toBe(1);
        made += switches - takenBack;
      }
      // One that is always given up would keep any promise. Most commands come before the decision.
      expect(made).toBeGreaterThan(commands.length / 4);
    },
    testMsMax,
  );
}
