import { describe, expect, test } from "vitest";
import type { Change, Transaction } from "../harness/transaction-log.ts";
import { faultsOf } from "./history.ts";
import { topicData } from "./link-file.ts";

const source = 1n;
const replicator = 2n;
const somebody = 3n;

const orders = "/zms/topic/orders";
const inSource = (seq: number) => Buffer.from(topicData("rmq-idc1", `seq=${seq}\n`));
const inTarget = (seq: number) => Buffer.from(topicData("rmq-idc2", `seq=${seq}\n`));
const create = (path: string, data: Buffer | null): Change => ({ kind: "create", path, data, ephemeral: false });
const set = (path: string, data: Buffer | null): Change => ({ kind: "set", path, data });
const remove = (path: string): Change => ({ kind: "delete", path });
const fence = (epoch: number) => `/crossidc/links/zms/fence/e-${epoch}`;

/** One transaction for each list of changes. */
function log(session: bigint, ...each: readonly (readonly Change[])[]): Transaction[] {
  return each.map((changes, index) => ({ session, zxid: BigInt(index + 1), atMs: index, changes }));
}

/** The same behind the fence of epoch 1, which is claimed first. */
function fenced(...each: readonly (readonly Change[])[]): Transaction[] {
  return log(
    replicator,
    [create(fence(1), null)],
    ...each.map((changes): readonly Change[] => [{ kind: "check", path: fence(1) }, ...changes]),
  );
}

const written = log(
  source,
  [create("/zms", null), create("/zms/topic", null)],
  [create(orders, null)],
  [set(orders, inSource(1))],
  [set(orders, inSource(2))],
  [create("/app/x", Buffer.from("x"))],
);
const folders: Change[] = [create("/zms", null), create("/zms/topic", null), create("/mirror", null)];
const x = create("/mirror/app/x", Buffer.from("x"));

function judge(target: readonly Transaction[], more: { source?: readonly Transaction[] } = {}): string[] {
  return faultsOf({ source: more.source ?? written, target, foreignSessions: new Set([somebody]) });
}

describe("the checker of histories", () => {
  test("lets pass a target that skips states but never goes back", () => {
    expect(
      judge(
        fenced([...folders, create("/mirror/app", null), x], [create(orders, inTarget(1))], [set(orders, inTarget(2))]),
      ),
    ).toEqual([]);
    expect(judge(fenced([x, create(orders, inTarget(2))]))).toEqual([]);
  });

  test("finds a stale value written over a newer one", () => {
    expect(
      judge(fenced([x, create(orders, inTarget(2))], [set(orders, inTarget(1))], [set(orders, inTarget(2))])),
    ).toEqual([expect.stringMatching(/^0x3: set \/zms\/topic\/orders .*which is older than what was there/)]);
  });

  test("finds a change that got lost", () => {
    expect(judge(fenced([x, create(orders, inTarget(1))]))).toEqual([
      expect.stringMatching(/^at the end: \/zms\/topic\/orders .*seq=1.*last word.*seq=2/),
    ]);
    expect(judge(fenced([create(orders, inTarget(2))]))).toEqual([
      expect.stringContaining('/mirror/app/x is "absent"'),
    ]);
  });

  test("finds a delete that nobody asked for", () => {
    expect(judge(fenced([x, create(orders, inTarget(2))], [remove(orders)], [create(orders, inTarget(2))]))).toEqual([
      expect.stringMatching(/^0x3: delete \/zms\/topic\/orders to "absent", which is older/),
    ]);
  });

  test("finds a delete that was left out", () => {
    const gone = [...written, ...log(source, [remove(orders)])];
    expect(judge(fenced([x, create(orders, inTarget(2))]), { source: gone })).toEqual([
      expect.stringMatching(/^at the end: .*last word is "absent"/),
    ]);
  });

  test("finds a rewrite of what is there already", () => {
    expect(judge(fenced([x, create(orders, inTarget(2))], [set(orders, inTarget(2))]))).toEqual([
      expect.stringMatching(/^0x3: set \/zms\/topic\/orders repeats what is there/),
    ]);
  });

  test("finds a value that the source never had, and null in place of no bytes", () => {
    expect(judge(fenced([x, create(orders, inSource(2))], [set(orders, inTarget(2))]))).toEqual([
      expect.stringContaining("which the source never had"),
    ]);
    expect(judge(fenced([x, create(orders, Buffer.alloc(0))], [set(orders, inTarget(2))]))).toEqual([
      expect.stringContaining("which the source never had"),
    ]);
  });

  test("finds a state that was undone within the transaction that made it", () => {
    const undone = [...written, ...log(source, [remove(orders), create(orders, inSource(3))])];
    expect(
      judge(fenced([x, create(orders, inTarget(2))], [remove(orders)], [create(orders, inTarget(3))]), {
        source: undone,
      }),
    ).toEqual([expect.stringContaining("delete /zms/topic/orders")]);
  });

  test("finds an ephemeral that was copied", () => {
    const alive: Change = { kind: "create", path: "/app/alive", data: Buffer.from("1"), ephemeral: true };
    const copied = fenced([x, create(orders, inTarget(2)), create("/mirror/app/alive", Buffer.from("1"))]);
    expect(judge(copied, { source: [...written, ...log(source, [alive])] })[0]).toContain("which the source never had");
  });

  test("finds a write outside the rules, and folders with data", () => {
    const others = fenced(
      [x, create(orders, inTarget(2)), create("/other", null)],
      [create("/zms/topic", Buffer.from("!"))],
    );
    expect(judge(others)).toEqual([
      expect.stringContaining("create /other, which no rule covers"),
      expect.stringContaining("create /zms/topic, which no rule covers"),
    ]);
  });

  test("finds a batch without its fence, and one of an older epoch", () => {
    expect(judge(log(replicator, [x], [create(orders, inTarget(2))]))).toHaveLength(2);
    const passage = judge([...fenced([x, create(orders, inTarget(2))]), ...log(replicator, [create("/mirror", null)])]);
    expect(passage).toEqual([expect.stringContaining("a batch without a standing fence: create /mirror")]);
    const checkpoint = set("/crossidc/links/zms/checkpoint", null);
    expect(judge([...fenced([x, create(orders, inTarget(2))]), ...log(replicator, [checkpoint])])).toHaveLength(1);
    const late = [
      ...fenced([x]),
      ...log(replicator, [remove(fence(1)), create(fence(2), null)]),
      ...log(replicator, [{ kind: "check", path: fence(1) }, create(orders, inTarget(2))]),
    ];
    expect(judge(late)).toEqual([
      expect.stringContaining("a batch without a standing fence"),
      expect.stringContaining("epoch 1 writes after epoch 2"),
    ]);
  });

  test("lets pass the repair of what somebody else wrote", () => {
    const repaired = [
      ...fenced([x, create(orders, inTarget(2))]),
      ...log(somebody, [set(orders, Buffer.from("mine"))]),
      ...log(replicator, [{ kind: "check", path: fence(1) }, set(orders, inTarget(2))]),
    ];
    expect(judge(repaired)).toEqual([]);
  });
});
