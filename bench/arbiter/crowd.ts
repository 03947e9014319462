import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { messagesOf } from "../child.ts";
import type { ToBench, ToBrokers } from "./messages.ts";

/** Brokers beyond what one process has descriptors for: each has six connections, and a port. */
const processes = 2;

export interface Place {
  readonly set: string;
  readonly addresses: readonly string[];
}

export interface Crowd extends AsyncDisposable {
  /** Resolves when every set has a master and all of its members are in sync. */
  start(doors: readonly string[], places: readonly Place[]): Promise<void>;
  /** The masters of these sets are gone, all at once. Resolves with when that was. */
  kill(sets: readonly string[]): Promise<number>;
  askFailures(): Promise<number>;
}

/** @param onPromoted called whenever a broker has become master */
export function createCrowd(onPromoted: (promoted: Extract<ToBench, { kind: "promoted" }>) => void): Crowd {
  const main = fileURLToPath(new URL("brokers.ts", import.meta.url));
  const children = Array.from({ length: processes }, () => fork(main));
  for (const child of children) {
    child.on("message", (message: ToBench) => {
      if (message.kind === "promoted") onPromoted(message);
    });
  }
  const of = (set: string): number => Number(/\d+$/.exec(set)?.[0] ?? 0) % processes;

  async function ask<Kind extends ToBench["kind"]>(
    messageOf: (at: number) => ToBrokers,
    kind: Kind,
  ): Promise<Extract<ToBench, { kind: Kind }>[]> {
    return await Promise.all(
      children.map((child, at) => {
        const answered = messagesOf<ToBench>(child, "the brokers' process").next(kind);
        child.send(messageOf(at));
        return answered;
      }),
    );
  }

  return {
    async start(doors, places) {
      const own = (at: number) => places.filter(({ set }) => of(set) === at);
      await ask((at) => ({ kind: "start", doors, places: own(at) }), "started");
    },
    async kill(sets) {
      const killed = await ask((at) => ({ kind: "kill", sets: sets.filter((set) => of(set) === at) }), "killed");
      return Math.max(...killed.map(({ at }) => at));
    },
    async askFailures() {
      const counts = await ask(() => ({ kind: "askFailures" }), "askFailures");
      return counts.reduce((sum, { count }) => sum + count, 0);
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.disconnect();
      await Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))));
    },
  };
}
