/**
 * One list of events, told to brokers: to those of the simulation and to stock ones. What they do is written down after each event,
 * and must be the same, to the letter: `testdata/stock-brokers.txt`.
 */
interface StoryBroker {
  /** It acts as one, by its answer to a probe. */
  readonly master: boolean;
  /** It has the role of one, which a change begins with. */
  readonly byRole: boolean;
  /** Of the last entry in its log; -1: there is none. */
  readonly epoch: number;
  readonly end: bigint;
  /** Replicas that it waits for; null: it is no master. */
  readonly inSync: number | null;
}

/** Two brokers, "1" and "2", neither of them started yet. The first that starts has id 1. */
export interface StoryWorld {
  start(broker: string): Promise<void>;
  kill(broker: string): Promise<void>;
  /** From now on the controller says so to whoever asks. */
  say(master: number | null, epoch: number): Promise<void>;
  /** From now on, until it says something, it has no leader to register with. */
  hush(): Promise<void>;
  /** 1008: whom the controller names, of this epoch. */
  tell(broker: string, master: number, epoch: number): Promise<void>;
  send(broker: string): Promise<"acknowledged" | "stored, not safe" | "refused">;
  setMinInSync(broker: string, count: number): Promise<void>;
  /** Until nothing changes any more by itself. */
  settle(): Promise<void>;
  /** undefined: it is down. */
  look(broker: string): Promise<StoryBroker | undefined>;
}

const brokers = ["1", "2"] as const;

/** @param story blocks of events, each ended by "----" and what was seen then. @returns the same events, with what is seen now */
export async function retell(story: string, world: StoryWorld): Promise<string> {
  const blocks = story.trim().split("\n\n");
  const told: string[] = [];
  for (const block of blocks) {
    const [events = ""] = block.split("\n----");
    if (events.startsWith("#")) {
      told.push(events);
      continue;
    }
    const said: string[] = [];
    for (const event of events.split("\n")) {
      const answer = await happen(event, world);
      if (answer !== undefined) said.push(`${event}: ${answer}`);
    }
    await world.settle();
    told.push([events, "----", ...said, ...(await lookAt(world))].join("\n"));
  }
  return `${told.join("\n\n")}\n`;
}

/** @throws when it is none that a story knows */
async function happen(event: string, world: StoryWorld): Promise<string | undefined> {
  const [verb = "", ...words] = event.split(" ");
  const [first = "", , third = "", , fifth = ""] = words;
  switch (verb) {
    case "start":
      await world.start(first);
      return undefined;
    case "kill":
      await world.kill(first);
      return undefined;
    case "say":
      // say master 2 epoch 5 | say nobody epoch 0 | say nothing
      if (first === "nothing") await world.hush();
      else if (first === "nobody") await world.say(null, Number(third));
      else await world.say(Number(words[1]), Number(words[3]));
      return undefined;
    case "tell":
      // tell 1 master 2 epoch 5
      await world.tell(first, Number(third), Number(fifth));
      return undefined;
    case "send":
      // send to 1
      return await world.send(words[1] ?? "");
    case "require":
      // require 2 of 1
      await world.setMinInSync(third, Number(first));
      return undefined;
    default:
      throw new Error(`no story knows the event "${event}"`);
  }
}

async function lookAt(world: StoryWorld): Promise<string[]> {
  const seen = await Promise.all(brokers.map((broker) => world.look(broker)));
  const lines = seen.map((one, nth) => {
    if (one === undefined) return `broker ${brokers[nth]}: down`;
    const role = one.master ? `master, ${one.inSync} in sync` : one.byRole ? "no master, by its role one" : "no master";
    return `broker ${brokers[nth]}: ${role}, log of epoch ${one.epoch}`;
  });
  const [one, other] = seen;
  if (one === undefined || other === undefined) return lines;
  const order = one.end === other.end ? "as long as" : one.end < other.end ? "shorter than" : "longer than";
  return [...lines, `the log of 1 is ${order} that of 2`];
}
