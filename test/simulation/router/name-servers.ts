import type { Event, SeenAddresses, SeenTopic } from "../../../idc-router/core/events.ts";
import type { Random } from "../random.ts";
import type { Timeline } from "../timeline.ts";
import { cluster, type Sets, topic } from "./sets.ts";

/** Two name servers: each learns late, forgets everything when it is restarted, and may answer a question after a later one. */
export interface VirtualNameServers {
  /** The brokers of a set register: each name server hears of it at a time of its own. */
  registered(set: string): void;
  ask(name: string, deliver: (event: Event) => void): void;
  askTopic(deliver: (event: Event) => void): void;
  kill(name: string): void;
  start(name: string): void;
}

export const nameServers = ["ns1:9876", "ns2:9876"] as const;
const registerMsMax = 5_000;
const answerMsMax = 60;
const timeoutMs = 500;
const lateMsMax = 1_800;

export function createVirtualNameServers(timeline: Timeline, random: Random, sets: Sets): VirtualNameServers {
  const views = new Map<string, Map<string, SeenAddresses>>(nameServers.map((name) => [name, new Map()]));
  const up = new Set<string>(nameServers);
  const learn = (name: string, set: string, msMax: number): void => {
    const view = views.get(name);
    timeline.after(random.int(20, msMax), () => {
      // One that was restarted meanwhile has another view.
      if (views.get(name) === view) view?.set(set, sets.addressesOf(set));
    });
  };
  return {
    registered(set) {
      for (const name of nameServers) learn(name, set, registerMsMax);
    },
    ask(name, deliver) {
      const askedAt = timeline.now;
      const ms = random.int(1, answerMsMax);
      timeline.after(ms, () => {
        if (!up.has(name)) {
          const detail = "timed out";
          timeline.after(timeoutMs, () =>
            deliver({ kind: "nameServerSilent", cluster, nameServer: name, askedAt, detail }),
          );
          return;
        }
        const seen = new Map(views.get(name));
        const backMs = random.chance(0.05) ? random.int(500, lateMsMax) : random.int(1, answerMsMax);
        timeline.after(backMs, () => deliver({ kind: "brokers", cluster, nameServer: name, askedAt, sets: seen }));
      });
    },
    askTopic(deliver) {
      const askedAt = timeline.now;
      timeline.after(random.int(1, answerMsMax), () => {
        const answering = nameServers.filter((name) => up.has(name));
        if (answering.length === 0) return;
        const seen = answering.map((name) => [...(views.get(name)?.keys() ?? [])]).find((known) => known.length > 0);
        timeline.after(random.int(1, answerMsMax), () =>
          deliver({ kind: "topic", cluster, topic, askedAt, seen: seen === undefined ? null : seenOf(seen) }),
        );
      });
    },
    kill: (name) => void up.delete(name),
    start(name) {
      if (up.has(name)) return;
      up.add(name);
      views.set(name, new Map());
      for (const set of sets.names) learn(name, set, registerMsMax);
    },
  };
}

function seenOf(known: readonly string[]): SeenTopic {
  const queues = known.map((set) => ({ set, perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 }));
  return { orderConf: null, staticBody: null, queues };
}
