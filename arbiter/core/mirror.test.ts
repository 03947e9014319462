import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { Transaction } from "./events.ts";
import { mostReported, onHeartbeat, unheard } from "./evidence.ts";
import { questionKey, setKey } from "./keys.ts";
import { applyOwn, change, load, newMirror, refresh } from "./mirror.ts";
import { viewOfSet } from "./mirror-records.ts";
import { type SetRecord, setName } from "./model.ts";
import { encodeQuestion, encodeSet } from "./records.ts";
import { newBroker } from "./set-view.ts";

const name = setName("C1", "bs1");
const start = 1_000 as Instant;
const base: SetRecord = {
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  inSyncEpoch: 20,
  master: 1,
  inSync: [1, 2],
  unconfirmed: [],
  replicas: {
    1: { address: "10.1.0.21:10911", checkCode: "a;1" },
    2: { address: "10.2.0.21:10911", checkCode: "b;1" },
  },
  decision: null,
  frozen: null,
  failoversAt: [],
};

/** Broker 2, as heartbeats and the record go on. */
function broker2() {
  const mirror = newMirror();
  const view = viewOfSet(mirror, name, start);
  const broker = newBroker(unheard(start), start);
  view.brokers.set(2, broker);
  let revision = 0n;
  const text = (changes: Partial<SetRecord>): string => encodeSet({ ...base, ...changes });
  return {
    record(changes: Partial<SetRecord>) {
      revision += 1n;
      change(mirror, setKey(name), text(changes), revision, start);
    },
    reload(changes: Partial<SetRecord>) {
      load(mirror, [{ key: setKey(name), text: text(changes), revision }], revision, start);
    },
    tells(epoch: number, maxOffset: bigint) {
      broker.evidence = onHeartbeat(broker.evidence, { connection: 1, epoch, maxOffset, priority: 1 }, start);
    },
    get told() {
      return mostReported(broker.evidence)?.maxOffset ?? null;
    },
  };
}

test("what a replica told before it was in sync with the master of this epoch is no tail that it could lose", () => {
  const two = broker2();
  two.record({});
  two.tells(7, 1_200n);
  two.record({ epoch: 8, inSync: [1] });
  two.tells(7, 1_210n);
  two.record({ epoch: 8, inSyncEpoch: 21, unconfirmed: [2] });
  expect(two.told).toBe(1_210n);
  two.record({ epoch: 8, inSyncEpoch: 21 });
  expect(two.told).toBeNull();
  // It has cut off what the new master never had; nothing was written since, so no file names epoch 8.
  two.tells(7, 1_000n);
  expect(two.told).toBe(1_000n);
});

test("what a member has told in this epoch stays, also when it leaves and comes back, and when the ledger is read anew", () => {
  const two = broker2();
  two.record({});
  two.tells(7, 1_200n);
  two.record({ inSync: [1], inSyncEpoch: 21 });
  two.record({ inSyncEpoch: 22 });
  two.reload({ inSyncEpoch: 22 });
  expect(two.told).toBe(1_200n);
});

test("a master keeps what it told before it was elected: nobody has made it cut anything off", () => {
  const two = broker2();
  two.record({});
  two.tells(7, 1_200n);
  two.record({ epoch: 8, master: 2, inSync: [2] });
  expect(two.told).toBe(1_200n);
});

test("what the answer to an own transaction has told is not taken back by a watch that is behind", () => {
  const mirror = newMirror();
  const key = setKey(name);
  const text = (epoch: number): string => encodeSet({ ...base, epoch });
  const epoch = (): number | undefined => mirror.sets.get(name)?.record?.value.epoch;
  change(mirror, key, text(7), 10n, start);
  const transaction = { compares: [{ key, revision: 10n }], puts: [], deletes: [] };
  refresh(mirror, transaction, [{ key, text: text(9), revision: 12n }], 12n, start);
  expect(epoch()).toBe(9);
  change(mirror, key, text(8), 11n, start);
  expect(epoch()).toBe(9);
  change(mirror, key, text(9), 12n, start);
  change(mirror, key, text(10), 13n, start);
  expect(epoch()).toBe(10);
});

/** A site's own transactions, and what the watch has told by the time of their answers. */
function told() {
  const mirror = newMirror();
  const key = questionKey(name);
  const question = (id: string): string =>
    encodeQuestion({ id, cluster: "C1", set: "bs1", epoch: 7, master: 1, askedBy: "idc1", restarted: false, at: 1 });
  const puts = (id: string): Transaction => ({
    compares: [{ key, revision: 0n }],
    puts: [{ key, text: question(id), onLease: false }],
    deletes: [],
  });
  load(mirror, [{ key: setKey(name), text: encodeSet(base), revision: 5n }], 5n, start);
  return {
    mirror,
    watch: (id: string | null, revision: bigint) =>
      change(mirror, key, id === null ? null : question(id), revision, start),
    committed: (id: string, revision: bigint) => applyOwn(mirror, puts(id), revision, start),
    refused: (found: { id: string; revision: bigint } | null, at: bigint) => {
      const entries = found === null ? [] : [{ key, text: question(found.id), revision: found.revision }];
      refresh(mirror, puts("x"), entries, at, start);
    },
    get question() {
      return mirror.sets.get(name)?.question?.value.id ?? null;
    },
  };
}

test("an answer to an own transaction says nothing new when the watch has told of later changes", () => {
  const one = told();
  one.watch("7.1", 10n);
  one.watch(null, 11n);
  one.committed("7.1", 10n);
  expect(one.question).toBeNull();
  one.watch("7.2", 12n);
  one.refused(null, 11n);
  expect(one.question).toBe("7.2");
  one.watch(null, 14n);
  one.refused({ id: "7.2", revision: 12n }, 13n);
  expect(one.question).toBeNull();
});

test("nor when everything was read anew since", () => {
  const one = told();
  load(one.mirror, [{ key: setKey(name), text: encodeSet(base), revision: 5n }], 20n, start);
  one.committed("7.1", 15n);
  expect(one.question).toBeNull();
});

test("what an answer says before the watch does stays until the watch has come as far", () => {
  const one = told();
  one.committed("7.1", 12n);
  one.watch(null, 8n);
  one.watch("7.0", 9n);
  expect(one.question).toBe("7.1");
  one.watch(null, 13n);
  expect(one.question).toBeNull();

  const other = told();
  other.refused({ id: "7.3", revision: 12n }, 14n);
  other.watch("7.0", 9n);
  expect(other.question).toBe("7.3");
  expect(other.mirror.sets.get(name)?.question?.revision).toBe(12n);
  other.refused(null, 16n);
  other.watch("7.3", 12n);
  expect(other.question).toBeNull();
  other.watch("7.4", 17n);
  expect(other.question).toBe("7.4");
});

test("keys of which nothing more is awaited are forgotten", () => {
  const one = told();
  one.committed("7.1", 12n);
  one.refused(null, 13n);
  change(one.mirror, setKey(name), encodeSet(base), 20n, start);
  change(one.mirror, setKey(name), encodeSet(base), 21n, start);
  expect(one.mirror.ahead.size).toBe(0);
});
