import { usageOf } from "../arbiter/usage.ts";
import { type Asked, startClients, type Target } from "./messages.ts";

/** Servers that are asked the same by the same clients, in turn. */

export interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly address: string;
}

export interface Load {
  readonly name: string;
  readonly protocol: Target["protocol"];
  readonly connections: number;
  readonly inFlight: number;
}

/** One contender's turn. */
export interface Turn extends Asked {
  /** User and system time of its process, for 100,000 requests. */
  readonly cpuMs: number;
  readonly bodyBytes: number;
}

export interface RoundsOptions {
  readonly load: Load;
  readonly contenders: readonly Contender[];
  readonly topics: readonly string[];
  readonly rounds: number;
  readonly requests: number;
  readonly say: (text: string) => void;
}

const perRequests = 100_000;

/** By name, a turn for each round. One turn each before that is not counted: compilers are at work. */
export async function runRounds(options: RoundsOptions): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const { load, contenders, rounds, say } = options;
  const turns = new Map<string, Turn[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    // Each round starts with another contender, so that none is always first.
    for (const offset of contenders.keys()) {
      const contender = contenders[(offset + round) % contenders.length];
      if (contender === undefined) continue;
      const turn = await takeTurn(contender, options);
      if (round > 0) turns.get(contender.name)?.push(turn);
      say(
        `${load.name}, ${round === 0 ? "warming up" : `round ${round}`}: ${contender.name} ${(turn.cpuMs / 1_000).toFixed(2)} CPU s, ${turn.wrong} wrong`,
      );
    }
  }
  return turns;
}

async function takeTurn({ pid, address }: Contender, { load, topics, requests }: RoundsOptions): Promise<Turn> {
  await using clients = startClients();
  const { bodyBytes } = await clients.open({ ...load, address, topics });
  // Clients' own compilers are done by then.
  await clients.ask(Math.ceil(requests / 5));
  const before = usageOf(pid).cpuMs;
  const asked = await clients.ask(requests);
  const cpuMs = usageOf(pid).cpuMs - before;
  return { ...asked, bodyBytes, cpuMs: (cpuMs * perRequests) / requests };
}
