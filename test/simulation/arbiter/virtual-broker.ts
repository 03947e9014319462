import type { ControllerAnswer, ControllerRequest, MasterInfo } from "../../../arbiter/core/controller-messages.ts";
import type { Event, ProbeOutcome } from "../../../arbiter/core/events.ts";
import { type Net, type Site, sites } from "./net.ts";

/**
 * A RocketMQ 5 broker in controller mode, as it behaves: no lease, follows rising epochs only, cuts its log at the last
 * common point, remembers log and epoch file over a restart and the epoch it holds not. `testdata/stock-brokers.txt` is what stock
 * ones were seen to do.
 */
interface VirtualBroker {
  readonly name: string;
  readonly site: Site;
  readonly address: string;
  readonly state: "down" | "frozen" | "up";
  readonly role: "none" | "master" | "slave";
  /** Another one after each restart. */
  readonly life: number;
  readonly epoch: number;
  readonly id: number | null;
  readonly log: readonly string[];
  kill(): void;
  start(): void;
  freeze(): void;
  resume(): void;
  /** A client's message; `acked` is called when it is safe. */
  send(message: string, acked: () => void): void;
  probe(from: Site, answer: (outcome: ProbeOutcome) => void): void;
  /** 1008 from a site's arbiter, which first looks whether it has been given a role where `mayBeNew`. */
  notify(from: Site, order: { info: MasterInfo; mayBeNew: boolean }, answer: (answered: boolean) => void): void;
  inSyncCount(): number;
  reregister(): void;
  /** On its disk: what it may refuse for. */
  readonly minInSync: number;
  settings(from: Site, answer: (of: Settings) => void): void;
  /** Somebody changes it by hand; in force at once. */
  setAllAck(value: boolean): void;
  isMaster(from: Site, answer: (is: boolean) => void): void;
  /** 25 from a site's arbiter; it may arrive late, also after nobody waits for it any more. */
  change(from: Site, minInSync: number, registers: boolean, answer: () => void): void;
}

interface Settings {
  readonly minInSync: number;
  /** A message counts as acknowledged when every member of the in-sync set has it; else when the master has it. */
  readonly allAck: boolean;
}

/** What brokers have outside of themselves. */
export interface Surroundings {
  readonly net: Net;
  readonly set: string;
  readonly cluster: string;
  /** The door of a site's arbiter; undefined: it is down. */
  door(site: Site):
    | {
        push(event: Event): void;
        ask(request: ControllerRequest, connection: number, answer: (of: ControllerAnswer) => void): void;
      }
    | undefined;
  brokerAt(
    address: string,
  ): (VirtualBroker & { pull(): Pulled | undefined; attached(slave: number, end: number): void }) | undefined;
  /** RocketMQ's default: a master acknowledges what it alone has. At the start. */
  readonly acksAlone: boolean;
  /** The name servers' id 0. */
  readonly route: { master: string | null; epoch: number };
  nextConnection(): number;
}

interface Pulled {
  readonly log: readonly Entry[];
  readonly marks: readonly Mark[];
  /** Of its process and its time as master: another one is another connection. */
  readonly reign: string;
}

/** A line of the epoch file: the log from there on was written under that epoch. */
interface Mark {
  readonly epoch: number;
  readonly start: number;
}

interface Entry {
  readonly epoch: number;
  readonly message: string;
  /** Where it ends in the log, in bytes. */
  readonly end: bigint;
}

const messageBytes = 1_000n;
/** Now and then one after which offsets do not fit 32 bits any more, and neither do their differences. */
const giantBytes = 3_000_000_000n;
const giants = 0.02;

const heartbeatMs = 1_000;
const pollMs = 5_000;
const leaderPollMs = 10_000;
const checkMs = 5_000;
const retryMs = 5_000;
const requestMsMax = 3_000;
const ackMsMax = 3_000;
const copyMs = 40;
const haRetryMs = 5_000;
const registerMs = 30_000;
const notCaughtUpMs = 15_000;

export type Broker = NonNullable<ReturnType<Surroundings["brokerAt"]>>;

export function createVirtualBroker(
  place: { name: string; site: Site; address: string },
  around: Surroundings,
): Broker {
  const { net } = around;
  const { timeline, random } = net;
  const { site, address } = place;
  // On disk.
  const log: Entry[] = [];
  let marks: readonly Mark[] = [];
  let id: number | null = null;
  let minInSync = 1;
  let allAck = !around.acksAlone;
  // In memory.
  let life = 0;
  let state: "down" | "frozen" | "up" = "down";
  let role: "none" | "master" | "slave" = "none";
  let epoch = 0;
  let inSync: number[] = [];
  let pending: number[] | null = null;
  let inSyncEpoch = 0;
  /** It reads its own id from disk when it has found a leader to register with. */
  let knowsId = false;
  let leader: Site | null = null;
  let haTarget: string | null = null;
  let attachedTo: string | null = null;
  let terms = 0;
  let changing = false;
  const connections = new Map<Site, number>();
  const slaves = new Map<number, { end: number; at: number; caughtUpAt: number }>();
  let unacked: { end: number; until: number; acked: () => void }[] = [];
  let held: (() => void)[] = [];

  /** Runs when this life of the broker is up; after a freeze, late. */
  const later = (ms: number, task: () => void): void => {
    const of = life;
    timeline.after(ms, () => awake(of, task));
  };
  const awake = (of: number, task: () => void): void => {
    if (of !== life || state === "down") return;
    if (state === "frozen") held.push(() => awake(of, task));
    else task();
  };
  const every = (ms: number, task: () => void): void =>
    later(ms, () => {
      task();
      every(ms, task);
    });

  const connectionTo = (to: Site): number => {
    const found = connections.get(to);
    if (found !== undefined) return found;
    const made = around.nextConnection();
    connections.set(to, made);
    return made;
  };
  /** One question to a site's arbiter, both ways over the lines. null: no answer within 3 s. */
  const ask = (to: Site, request: ControllerRequest, done: (answer: ControllerAnswer | null) => void): void => {
    const of = life;
    let over = false;
    const end = (answer: ControllerAnswer | null): void => {
      if (over) return;
      over = true;
      awake(of, () => done(answer));
    };
    timeline.after(requestMsMax, () => end(null));
    net.send(site, to, () =>
      around.door(to)?.ask(request, connectionTo(to), (answer) => net.send(to, site, () => end(answer))),
    );
  };

  const lastEpoch = (): number => marks.at(-1)?.epoch ?? -1;
  /** Promoted, or in office under a higher epoch: written down, but not a second time without a message in between, nor a lower one. */
  const mark = (): void => {
    if (epoch > lastEpoch() && marks.at(-1)?.start !== log.length) marks = [...marks, { epoch, start: log.length }];
  };

  const heartbeat = (): void => {
    if (id === null) return;
    const beat = {
      cluster: around.cluster,
      set: around.set,
      id,
      address,
      epoch: lastEpoch(),
      maxOffset: log.at(-1)?.end ?? 0n,
      priority: 1,
    };
    for (const to of sites) {
      net.send(site, to, () => around.door(to)?.push({ kind: "heartbeat", connection: connectionTo(to), beat }));
    }
  };

  const boot = (): void => {
    // Told who is master by a 1008 meanwhile, it needs no election.
    const again = (): void => later(retryMs, () => (role === "none" ? boot() : run()));
    findLeader((to) => {
      if (to === null) {
        again();
        return;
      }
      leader = to;
      knowsId = true;
      const register = (): void => {
        if (id === null) {
          again();
          return;
        }
        const own = id;
        ask(to, { kind: "registerBroker", cluster: around.cluster, set: around.set, id: own, address }, (answer) => {
          if (answer?.kind !== "registerBroker") return again();
          heartbeat();
          if (answer.info.master !== null) {
            follow(answer.info);
            return run();
          }
          ask(
            to,
            { kind: "electMaster", cluster: around.cluster, set: around.set, id: own, designate: false },
            (elected) => {
              if (elected?.kind !== "electMaster" || elected.info.master === null) return again();
              follow(elected.info);
              run();
            },
          );
        });
      };
      if (id !== null) {
        register();
        return;
      }
      ask(to, { kind: "nextBrokerId", cluster: around.cluster, set: around.set }, (next) => {
        if (next?.kind !== "nextBrokerId") return again();
        // Stock brokers make a new one for each try.
        const checkCode = `${address};${Math.round(timeline.now)}`;
        ask(
          to,
          { kind: "applyBrokerId", cluster: around.cluster, set: around.set, id: next.id, checkCode },
          (applied) => {
            if (applied?.kind !== "applyBrokerId") return again();
            id = next.id;
            register();
          },
        );
      });
    });
  };

  const findLeader = (done: (to: Site | null) => void): void => {
    const order = [...sites].sort(() => random.next() - 0.5);
    const next = (): void => {
      const to = order.shift();
      if (to === undefined) {
        done(null);
        return;
      }
      ask(to, { kind: "metadata" }, (answer) =>
        answer?.kind === "metadata" && answer.leader !== null ? done(to) : next(),
      );
    };
    next();
  };

  const run = (): void => {
    heartbeat();
    every(heartbeatMs, heartbeat);
    every(pollMs, () => {
      if (leader === null) return;
      ask(leader, { kind: "replicaInfo", set: around.set }, (answer) => {
        if (answer?.kind === "replicaInfo") follow(answer.info);
      });
    });
    every(leaderPollMs, () =>
      findLeader((to) => {
        if (to !== null) leader = to;
      }),
    );
    every(checkMs, checkInSync);
    every(copyMs, copy);
    every(registerMs, fetchHaAddress);
  };

  /** The one rule of a role change: a higher epoch is obeyed, any other ignored. */
  const follow = (info: MasterInfo): void => {
    if (info.master === null) return;
    if (!knowsId || id === null) {
      // It fails half-way: the epoch counts as obeyed, and its role never comes.
      epoch = Math.max(epoch, info.epoch);
      return;
    }
    if (info.epoch === epoch && role === "master" && info.master === id && info.inSyncEpoch > inSyncEpoch) {
      inSync = [...info.inSync];
      inSyncEpoch = info.inSyncEpoch;
      pending = null;
      return;
    }
    if (info.epoch <= epoch) return;
    const wasMaster = role === "master";
    epoch = info.epoch;
    if (info.master !== id) {
      role = "slave";
      unacked = [];
      slaves.clear();
      fetchHaAddress();
      return;
    }
    inSync = [...info.inSync];
    inSyncEpoch = info.inSyncEpoch;
    pending = null;
    mark();
    if (wasMaster) return;
    role = "master";
    terms += 1;
    attachedTo = null;
    haTarget = null;
    slaves.clear();
    later(random.int(20, 150), () => {
      if (role === "master" && epoch > around.route.epoch) {
        around.route.master = address;
        around.route.epoch = epoch;
      }
    });
  };

  const fetchHaAddress = (): void => {
    if (role !== "slave") return;
    haTarget = around.route.master;
    if (haTarget === address) haTarget = null;
  };

  /** A slave pulls what its master has beyond the last common point, and cuts off its own beyond that. */
  const copy = (): void => {
    if (role !== "slave" || haTarget === null || id === null || changing) return;
    const master = around.brokerAt(haTarget);
    const far = master === undefined ? undefined : master.site;
    const passes = far !== undefined && net.passes(site, far) && net.passes(far, site);
    const theirs = passes ? master?.pull() : undefined;
    if (master === undefined || theirs === undefined) {
      // The HA client fails to connect, and tries again 5 s later.
      attachedTo = null;
      changing = true;
      later(random.int(500, haRetryMs), () => {
        changing = false;
      });
      return;
    }
    // Entries are shared objects: the last common one ends a common beginning.
    let common = Math.min(log.length, theirs.log.length);
    while (common > 0 && log[common - 1] !== theirs.log[common - 1]) common -= 1;
    if (attachedTo !== theirs.reign) {
      // They compare epoch files when they connect; while they are connected the file does not change. A mark comes with what was
      // written under it; one at the very end only to a slave that has everything before it.
      marks = theirs.marks.filter(({ start }) => start <= common || start < theirs.log.length);
      attachedTo = theirs.reign;
    }
    log.length = common;
    for (let at = common; at < theirs.log.length; at += 1) log.push(theirs.log[at] as Entry);
    master.attached(id, log.length);
  };

  const members = (): number[] => [...new Set([...inSync, ...(pending ?? [])])];

  const settle = (): void => {
    const ends = members().map((member) => (member === id ? log.length : (slaves.get(member)?.end ?? 0)));
    const safe = Math.min(...ends);
    const done = unacked.filter(({ end }) => end <= safe);
    unacked = unacked.filter(({ end, until }) => end > safe && until > timeline.now);
    for (const { acked, until } of done) if (until > timeline.now) acked();
  };

  const checkInSync = (): void => {
    if (role !== "master" || id === null || leader === null) return;
    const { now } = timeline;
    const staying = inSync.filter(
      (member) => member === id || now - (slaves.get(member)?.caughtUpAt ?? 0) < notCaughtUpMs,
    );
    const joining = [...slaves]
      .filter(([slave, { end, at }]) => !inSync.includes(slave) && now - at < 500 && end >= log.length)
      .map(([slave]) => slave);
    const wanted = [...new Set([...staying, ...joining])].sort((one, other) => one - other);
    if (wanted.length === inSync.length && wanted.every((member) => inSync.includes(member))) return;
    pending = wanted;
    const of = epoch;
    ask(leader, { kind: "alterInSync", set: around.set, master: id, epoch, inSync: wanted, inSyncEpoch }, (answer) => {
      if (answer?.kind !== "alterInSync" || role !== "master" || epoch !== of) return;
      inSync = [...answer.inSync];
      inSyncEpoch = answer.inSyncEpoch;
      pending = null;
    });
  };

  const self: Broker = {
    ...place,
    get state() {
      return state;
    },
    get role() {
      return state === "down" ? "none" : role;
    },
    get life() {
      return life;
    },
    get epoch() {
      return epoch;
    },
    get id() {
      return id;
    },
    get log() {
      return log.map(({ message }) => message);
    },
    kill() {
      if (state === "down") return;
      state = "down";
      life += 1;
      held = [];
      for (const [to, connection] of connections) {
        net.send(site, to, () => around.door(to)?.push({ kind: "closed", connection }));
      }
      connections.clear();
    },
    start() {
      if (state !== "down") return;
      state = "up";
      life += 1;
      role = "none";
      knowsId = false;
      epoch = 0;
      inSync = [];
      pending = null;
      inSyncEpoch = 0;
      leader = null;
      haTarget = null;
      attachedTo = null;
      changing = false;
      slaves.clear();
      unacked = [];
      later(random.int(300, 1_500), boot);
    },
    freeze() {
      if (state === "up") state = "frozen";
    },
    resume() {
      if (state !== "frozen") return;
      state = "up";
      const tasks = held;
      held = [];
      for (const task of tasks) task();
    },
    send(message, acked) {
      if (state !== "up" || role !== "master" || id === null || members().length < minInSync) return;
      const bytes = random.chance(giants) ? giantBytes : messageBytes;
      log.push({ epoch, message, end: (log.at(-1)?.end ?? 0n) + bytes });
      if (!allAck) return acked();
      unacked.push({ end: log.length, until: timeline.now + ackMsMax, acked });
      settle();
    },
    probe(from, answer) {
      net.send(from, site, () => {
        if (state === "down") {
          net.send(site, from, () => answer({ kind: "refused", detail: "ECONNREFUSED" }));
          return;
        }
        awake(life, () => {
          const reading = { epoch: lastEpoch(), maxOffset: log.at(-1)?.end ?? 0n };
          // One that waits to be told its role has the role id of a master; who was told too early shows its own.
          const acting = role === "master" || (role === "none" && !(knowsId && epoch > 0));
          net.send(site, from, () => answer({ kind: "answered", reading, acting }));
        });
      });
    },
    notify(from, { info, mayBeNew }, answer) {
      net.send(from, site, () => {
        if (state === "down" || (mayBeNew && role === "none")) {
          net.send(site, from, () => answer(false));
          return;
        }
        awake(life, () => {
          follow(info);
          later(random.int(5, 120), () => net.send(site, from, () => answer(true)));
        });
      });
    },
    inSyncCount: () => inSync.length,
    get minInSync() {
      return minInSync;
    },
    settings(from, answer) {
      net.send(from, site, () => {
        if (state !== "down") awake(life, () => net.send(site, from, () => answer({ minInSync, allAck })));
      });
    },
    setAllAck(value) {
      allAck = value;
    },
    isMaster(from, answer) {
      net.send(from, site, () => {
        if (state === "down") return;
        awake(life, () => {
          // One that waits to be told its role has that of a master; one that has failed half-way has not.
          const is = role === "master" || (role === "none" && epoch === 0);
          net.send(site, from, () => answer(is));
        });
      });
    },
    change(from, value, registers, answer) {
      const apply = (): void => {
        if (state === "down") return;
        awake(life, () => {
          minInSync = value;
          if (registers) fetchHaAddress();
          net.send(site, from, answer);
        });
      };
      net.send(from, site, () => timeline.after(random.chance(0.03) ? random.int(500, 9_000) : 1, apply));
    },
    reregister() {
      if (state === "up") fetchHaAddress();
    },
    pull: () =>
      state === "up" && role === "master" ? { log, marks, reign: `${address} ${life} ${terms}` } : undefined,
    attached(slave, end) {
      const { now } = timeline;
      const before = slaves.get(slave);
      slaves.set(slave, { end, at: now, caughtUpAt: end >= log.length - 3 ? now : (before?.caughtUpAt ?? 0) });
      settle();
      if (!inSync.includes(slave) && pending === null && end >= log.length) checkInSync();
    },
  };
  return self;
}
