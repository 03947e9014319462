import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { barrierOf, belowBarrier, ownValueMax } from "./barrier.ts";
import { losslessSettings } from "./decision.fixture.ts";
import type { BrokerSettings } from "./events.ts";
import type { SetRecord } from "./model.ts";
import { usualPolicy } from "./policy-forms.ts";
import { admit, type SwitchBroker, type SwitchFacts } from "./switch-admission.ts";
import { epochMax } from "./verdict.ts";

const settings: BrokerSettings = { ...losslessSettings, allAckInSyncStateSet: false };
const broker = (id: number, changes: Partial<SwitchBroker> = {}): SwitchBroker => ({
  id,
  address: `10.${id === 2 ? 2 : 1}.0.${id}:10911`,
  idc: id === 2 ? "idc2" : "idc1",
  heard: true,
  priority: 0,
  drained: false,
  reading: { epoch: 7, maxOffset: 1_000n, acting: id === 1 },
  settings,
  ...changes,
});
const record: SetRecord = {
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  inSyncEpoch: 20,
  master: 1,
  inSync: [1, 2, 3],
  unconfirmed: [],
  replicas: Object.fromEntries([1, 2, 3].map((id) => [id, { address: broker(id).address, checkCode: "" }])),
  decision: null,
  frozen: null,
  failoversAt: [],
};
const facts: SwitchFacts = {
  record,
  to: "2",
  policy: usualPolicy,
  paused: false,
  questioned: false,
  switchOpen: null,
  brokers: [broker(1), broker(2), broker(3)],
  now: 1_000_000,
};
const of = (changes: Partial<SwitchFacts>, ofRecord: Partial<SetRecord> = {}) => {
  const admission = admit({ ...facts, ...changes, record: { ...record, ...ofRecord } });
  return admission.kind === "refuse" ? admission.reason : admission.kind === "go" ? admission.to.id : "reading";
};
const two = (changes: Partial<SwitchBroker>) => of({ brokers: [broker(1), broker(2, changes), broker(3)] });
const master = (changes: Partial<SwitchBroker>) => of({ brokers: [broker(1, changes), broker(2), broker(3)] });

describe("a switch begins", () => {
  test("to a broker by its id, its address or its host, or to the best of an IDC", () => {
    expect(of({})).toBe(2);
    expect(of({ to: "10.2.0.2:10911" })).toBe(2);
    expect(of({ to: "10.2.0.2" })).toBe(2);
    expect(of({ to: "idc2" })).toBe(2);
    const moved = {
      master: 2,
      brokers: [broker(1), broker(2, { reading: { epoch: 7, maxOffset: 1_000n, acting: true } }), broker(3)],
    };
    expect(of({ to: "idc1", brokers: moved.brokers }, { master: 2 })).toBe(1);
    const preferred = moved.brokers.map((one) => (one.id === 3 ? one : { ...one, priority: 5 }));
    expect(of({ to: "idc1", brokers: preferred }, { master: 2 })).toBe(3);
    expect(of({ to: "idc1", brokers: moved.brokers }, { master: 2, unconfirmed: [1] })).toBe(3);
  });

  test("when both brokers have told how far they are, and their settings", () => {
    expect(two({ reading: null })).toBe("reading");
    expect(two({ settings: null })).toBe("reading");
    expect(master({ reading: null })).toBe("reading");
    expect(master({ settings: null })).toBe("reading");
    expect(of({ brokers: [broker(1), broker(2), broker(3, { reading: null, settings: null })] })).toBe(2);
  });
});

describe("a switch is refused by name", () => {
  test("for whom it is to", () => {
    expect(of({ to: "9" })).toBe("unknown-broker");
    expect(of({ to: "" })).toBe("unknown-broker");
    expect(of({ to: "1" })).toBe("already-master");
    expect(of({ to: "idc1" })).toBe("already-master");
    const oneHost = [broker(1), broker(2, { address: "10.1.0.9:1" }), broker(3, { address: "10.1.0.9:2" })];
    expect(of({ to: "10.1.0.9", brokers: oneHost })).toBe("ambiguous");
    expect(of({ to: "10.1.0.9:2", brokers: oneHost })).toBe(3);
    expect(of({ to: "idc2", brokers: [broker(1), broker(2, { heard: false }), broker(3)] })).toBe("no-candidate");
  });

  test("for what the named one lacks", () => {
    expect(of({}, { inSync: [1, 3] })).toBe("not-in-sync");
    expect(of({}, { unconfirmed: [2] })).toBe("unconfirmed");
    expect(two({ heard: false })).toBe("not-alive");
    expect(master({ heard: false })).toBe("not-alive");
    expect(master({ reading: { epoch: 7, maxOffset: 1_000n, acting: false } })).toBe("not-acting");
    expect(two({ reading: { epoch: 7, maxOffset: 1_000n - 16_777_216n, acting: false } })).toBe(2);
    expect(master({ reading: { epoch: 7, maxOffset: 1_001n + 16_777_216n, acting: true } })).toBe("behind");
  });

  test("for what is under way in the set, or was decided about it", () => {
    expect(of({}, { master: null })).toBe("no-master");
    expect(of({}, { epoch: 0 })).toBe("no-master");
    expect(of({}, { frozen: { code: "operator", reason: "", at: 0, until: null } })).toBe("frozen");
    expect(of({ policy: { ...usualPolicy, frozen: true } })).toBe("frozen");
    expect(of({ paused: true })).toBe("paused");
    expect(of({ questioned: true })).toBe("question-open");
    expect(of({}, { decision: "C1/bs1/7" })).toBe("decision-open");
    expect(of({ switchOpen: "another" })).toBe("switch-open");
    expect(of({}, { failoversAt: [990_000, 995_000] })).toBe("cooling-down");
    expect(of({}, { failoversAt: [995_000] })).toBe(2);
    expect(of({}, { epoch: epochMax })).toBe("epoch-limit");
  });

  test("for settings that it could not give back", () => {
    const having = (minInSyncReplicas: number) => ({ settings: { ...settings, minInSyncReplicas } });
    expect(master(having(barrierOf(1)))).toBe("barrier");
    expect(two(having(barrierOf(2)))).toBe("barrier");
    expect(master(having(ownValueMax))).toBe(2);
    expect(master(having(ownValueMax + 1))).toBe("settings");
    expect(two(having(3))).toBe(2);
  });
});

test("a barrier tells the value below it, and no value of a broker's own looks like one", () => {
  fc.assert(
    fc.property(fc.nat({ max: ownValueMax }), (own) => {
      expect(belowBarrier(barrierOf(own))).toBe(own);
      expect(belowBarrier(own)).toBeNull();
    }),
  );
  expect(belowBarrier(barrierOf(0) - 1)).toBeNull();
  expect(belowBarrier(barrierOf(ownValueMax) + 1)).toBeNull();
});
