import type { Decision, Evidence, FaultSeen, Send } from "./read.ts";

/** Runs as tests make them up. */

const master = "10.1.0.1:10911";
export const other = "10.2.0.1:10911";

export function send(id: string, at: number, change: Partial<Send> = {}): Send {
  return { id, producer: "idc1-1", queue: 0, broker: master, at, answeredAt: at + 5, code: 0, ...change };
}

export function decision(change: Partial<Decision> = {}): Decision {
  const answer = (site: string) => ({ site, question: "7.1", verdict: "silent" });
  return {
    id: "C1/bs1/8",
    kind: "failover",
    epoch: 8,
    epochBefore: 7,
    master: 1,
    question: { id: "7.1", epoch: 7, master: 1 },
    sites: ["idc1", "idc2", "witness"],
    answers: [answer("idc1"), answer("witness")],
    ...change,
  };
}

export const firstDecision = decision({
  id: "C1/bs1/7",
  kind: "first-master",
  epoch: 7,
  epochBefore: 0,
  question: null,
});

const kill: FaultSeen = {
  nth: 1,
  fault: "leader-kill",
  master,
  beginAt: 20_000,
  forceAt: 20_010,
  endAt: 40_000,
  wholeAt: 45_000,
  targets: ["broker-1"],
  singleLink: false,
  keeps: false,
};

/** A link that was cut, and nobody was replaced. */
const link: FaultSeen = { ...kill, nth: 1, fault: "bridge", singleLink: true, keeps: true };

const everyMs = 40;
const lastMs = 60_000;
const movedMs = 20_520;

/** A run in which the master was killed after 20 s, another one acknowledged half a second later, and all went well. */
export function goodRun(change: Partial<Evidence> = {}): Evidence {
  const times = Array.from({ length: lastMs / everyMs }, (_, nth) => nth * everyMs).filter(
    (at) => at < kill.beginAt - 40 || at >= movedMs,
  );
  const broker = (at: number): string => (at < movedMs ? master : other);
  const sends = times.flatMap((at) => [
    send(`a${at}`, at, { broker: broker(at) }),
    send(`b${at}`, at, { broker: broker(at), producer: "idc2-1" }),
    ...(at % 1_000 === 0 ? [send(`c${at}`, at, { broker: broker(at), producer: "canary-idc1" })] : []),
  ]);
  const looks = Array.from({ length: lastMs / 50 }, (_, nth) => nth * 50);
  return {
    about: {
      startedAt: "2026-01-01T00:00:00.000Z",
      contender: "arbiter",
      settings: "lossless",
      rpo: "best-effort",
      seed: 1,
      faults: ["leader-kill"],
      missing: [],
      faultMs: 20_000,
      set: "bs1",
      brokers: [],
      canaries: ["canary-idc1"],
      consumers: ["consumer-idc1"],
      routers: ["router-idc1"],
    },
    faults: [kill],
    sends,
    got: sends.map(({ id, queue, at }, offset) => ({ at, consumer: "consumer-idc1", id, queue, offset })),
    stored: sends.map(({ id, queue }, offset) => ({ id, queue, offset })),
    record: looks.map((at) => ({
      at,
      by: "arbiter-idc2",
      epoch: at < 20_400 ? 7 : 8,
      broker: at < 20_400 ? master : other,
    })),
    routes: [
      { at: 0, by: "router-idc1", master, brokers: [master, other] },
      { at: 20_600, by: "router-idc1", master: other, brokers: [other] },
    ],
    decisions: [firstDecision, decision()],
    calmAt: 55_000,
    overAt: lastMs,
    caughtUp: true,
    ...change,
  };
}

/** The same run with a link that was cut in place of the kill, under one master. */
export function calmRun(change: Partial<Evidence> = {}): Evidence {
  const run = goodRun();
  return goodRun({
    faults: [link],
    sends: run.sends.map((one) => ({ ...one, broker: master })),
    record: run.record.map((one) => ({ ...one, epoch: 7, broker: master })),
    routes: run.routes.slice(0, 1),
    decisions: [firstDecision],
    ...change,
  });
}
