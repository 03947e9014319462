import { AssignerProtocol, type Cluster, type GroupMember } from "kafkajs";
import { expect, test } from "vitest";
import { assignNearest, createNearestAssigner } from "./assigner.ts";

/** Asked of kafkajs only in assign(). */
const cluster = {} as Cluster;

function member(memberId: string, idc: string, topics: string[], has: Record<string, number[]> = {}): GroupMember {
  const assigner = createNearestAssigner(idc);
  assigner.assigned(has);
  const { metadata } = assigner.create({ cluster, groupId: "g", logger: {} as never }).protocol({ topics });
  return { memberId, memberMetadata: metadata };
}

function assigned(members: readonly GroupMember[], leaders: Record<string, string[]>) {
  const byTopic = new Map(
    Object.entries(leaders).map(([topic, idcs]) => [topic, idcs.map((idc, partition) => ({ partition, idc }))]),
  );
  return Object.fromEntries(
    assignNearest(members, byTopic).map(({ memberId, memberAssignment }) => [
      memberId,
      { ...AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment },
    ]),
  );
}

test("partitions go to members of their leader's IDC, and each topic to those who read it", () => {
  const members = [member("a", "idc1", ["orders"]), member("b", "idc2", ["orders", "pay"])];
  expect(assigned(members, { orders: ["idc2", "idc1", "idc2"], pay: ["idc1", "idc1"] })).toEqual({
    a: { orders: [1] },
    b: { orders: [0, 2], pay: [0, 1] },
  });
});

test("a member keeps what it says it has", () => {
  const members = [member("a", "", ["orders"], { orders: [2, 3] }), member("b", "", ["orders"], { orders: [0, 1] })];
  expect(assigned(members, { orders: ["", "", "", ""] })).toEqual({ a: { orders: [2, 3] }, b: { orders: [0, 1] } });
});

test("a member whose word cannot be read takes its part all the same", () => {
  const { encode } = AssignerProtocol.MemberMetadata;
  const odd = ["", "{", "null", '{"idc":3,"has":{"orders":"all"}}'].map((word, nth) => ({
    memberId: `m${nth}`,
    memberMetadata: encode({ version: 1, topics: ["orders"], userData: Buffer.from(word) }),
  }));
  const all = Object.values(assigned(odd, { orders: ["idc1", "idc1", "idc2", "idc2"] }));
  expect(all.flatMap(({ orders = [] }) => orders).toSorted()).toEqual([0, 1, 2, 3]);
});

test("what is too much to be told is left out, and the member stays in its IDC", () => {
  const has = { orders: Array.from({ length: 20_000 }, (_, nth) => nth) };
  const { memberMetadata } = member("a", "idc1", ["orders"], has);
  expect(memberMetadata.length).toBeLessThan(1_000);
  expect(memberMetadata.toString()).toContain("idc1");
});
