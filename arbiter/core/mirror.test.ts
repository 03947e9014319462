import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { mostReported, onHeartbeat, unheard } from "./evidence.ts";
import { setKey } from "./keys.ts";
import { change, load, newMirror, refresh, viewOfSet } from "./mirror.ts";
import { type SetRecord, setName } from "./model.ts";
import { encodeSet } from "./records.ts";
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
      load(mirror, [{ key: setKey(name), text: text(changes), revision }], start);
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
  refresh(mirror, transaction, [{ key, text: text(9), revision: 12n }], start);
  expect(epoch()).toBe(9);
  change(mirror, key, text(8), 11n, start);
  expect(epoch()).toBe(9);
  change(mirror, key, text(9), 12n, start);
  change(mirror, key, text(10), 13n, start);
  expect(epoch()).toBe(10);
});
