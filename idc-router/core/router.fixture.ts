import { type Answer, type AnswerOptions, answerOf } from "./answer.ts";
import type { Command, Event } from "./events.ts";
import { type Folded, type FoldOptions, fold, type RouterState, startState } from "./fold.ts";
import { levelAt, type MaskedBroker, maskRoute } from "./mask.ts";
import { type RouteRule, type SetEntry, setName, type Table } from "./model.ts";

/** A router's core with time in the test's hands: one cluster C1, a broker set for each IDC, addresses "idc1:…". */
export interface TestRouter {
  readonly state: RouterState;
  readonly table: Table;
  tell(...events: Event[]): readonly Command[];
  /** Lets time pass, with a tick each `stepMs` and what `each` tells then. */
  pass(ms: number, each?: () => Event[], stepMs?: number): void;
  /** Both sets as the name server shows them; undefined addresses: it does not show that set. */
  show(sets: Readonly<Record<string, string | null>>, nameServer?: string): readonly Command[];
  silence(nameServer?: string): void;
  topic(topic: string, ...sets: string[]): void;
  check(set: string, ok: boolean): void;
  set(set: string): SetEntry;
  answer(topic: string, idc: string, gated?: boolean): Answer;
  /** Sets that a producer of that IDC is shown as writable. */
  sendsTo(topic: string, idc: string, point?: number): string[];
  readonly now: number;
}

export const cluster = "C1";
export const timing = { outAfterMs: 1_000, backAfterMs: 30_000, backAfterChecks: 5 };
export const forgetAfterMs = 600_000;

export function createTestRouter(
  options: {
    rules?: readonly RouteRule[];
    table?: Table;
    weights?: Readonly<Record<string, number>>;
    clusters?: readonly string[];
    kafka?: FoldOptions["kafka"];
  } = {},
): TestRouter {
  const { rules = [], weights = {}, clusters = [cluster], kafka = new Map([["K1", ["k1:9092", "k2:9092"]]]) } = options;
  const foldOptions: FoldOptions = {
    clusters,
    idcOf: (address) => address.split(":")[0]?.split("-")[0] ?? "",
    weightOf: (name) => weights[name] ?? 1,
    kafka,
    kafkaIdcOf: (_cluster, _address, rack) => rack,
    timing,
    forgetAfterMs,
  };
  const idcs = ["idc1", "idc2", "idc3"];
  const answers: AnswerOptions = {
    rules,
    orderOf: (idc) => [idc, ...idcs.filter((each) => each !== idc)],
    clusters,
  };
  let state = startState(options.table);
  let now = 0;
  const moment = () => ({ now, wall: 1_000_000 + now });
  const apply = ({ state: next, commands }: Folded): readonly Command[] => {
    state = next;
    return commands;
  };
  const tell = (...events: Event[]): readonly Command[] => {
    now += 1;
    return apply(fold(state, events, foldOptions, moment()));
  };
  const self: TestRouter = {
    get state() {
      return state;
    },
    get table() {
      return state.table;
    },
    get now() {
      return now;
    },
    tell,
    pass(ms, each = () => [], stepMs = 500) {
      for (const end = now + ms; now < end; ) {
        now = Math.min(end, now + stepMs);
        apply(fold(state, [...each(), { kind: "tick" }], foldOptions, moment()));
      }
    },
    show: (sets, nameServer = "ns1:1") =>
      tell({
        kind: "brokers",
        cluster,
        nameServer,
        askedAt: now,
        sets: new Map(
          Object.entries(sets).map(([set, master]) => [
            set,
            new Map(master === null ? [[2, `idc9:${set}`]] : [[0, master]]),
          ]),
        ),
      }),
    silence: (nameServer = "ns1:1") =>
      void tell({ kind: "nameServerSilent", cluster, nameServer, askedAt: now, detail: "timed out" }),
    topic: (topic, ...sets) =>
      void tell({
        kind: "topic",
        cluster,
        topic,
        askedAt: now,
        seen:
          sets.length === 0
            ? null
            : {
                orderConf: null,
                staticBody: null,
                queues: sets.map((set) => ({ set, perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 })),
              },
      }),
    check: (set, ok) =>
      void tell({
        kind: "checked",
        cluster,
        set,
        address: self.set(set).master ?? "",
        sentAt: now,
        failure: ok ? null : "no answer in 500 ms",
      }),
    set(set) {
      const entry = state.table.sets.get(setName(cluster, set));
      if (entry === undefined) throw new Error(`no set ${set}`);
      return entry;
    },
    answer(topic, idc, gated = false) {
      const answer = answerOf(state.table, { topic, idc, gated }, answers, moment().wall);
      if (answer === undefined) throw new Error(`no answer for ${topic}`);
      return answer;
    },
    sendsTo(topic, idc, point = 0) {
      const answer = self.answer(topic, idc);
      const isWritable = ({ perm }: MaskedBroker): boolean => (perm & 2) !== 0;
      return maskRoute(answer, levelAt(answer, point))
        .brokers.filter(isWritable)
        .map(({ set }) => set.set);
    },
  };
  return self;
}

/** bs1 in idc1 and bs2 in idc2, both well, topic "orders" on both. */
export function twoSets(options: Parameters<typeof createTestRouter>[0] = {}): TestRouter {
  const router = createTestRouter(options);
  router.show({ bs1: "idc1:1", bs2: "idc2:1" });
  router.topic("orders", "bs1", "bs2");
  return router;
}

/** What arbiters write of a set: broker 1 in idc1, broker 2 in idc2. */
export function setRecord(epoch: number, master: number | null): string {
  const replicas = { 1: { address: "idc1:1" }, 2: { address: "idc2-b:1" } };
  return JSON.stringify({ schema: 1, cluster, set: "bs1", epoch, master, replicas });
}
