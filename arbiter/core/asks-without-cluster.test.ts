import { expect, test } from "vitest";
import { createStanding } from "../io/testing/standing.ts";
import { setKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeSet } from "./records.ts";

test("whoever asks for a set without its cluster is told of one, or that there are several, and never of the wrong one", () => {
  const arbiter = createStanding();
  arbiter.writeSet();
  expect(ask("bs1")).toMatchObject({ kind: "inSyncData", sets: { bs1: { info: { master: 1, epoch: 7 } } } });
  const record = arbiter.core.state.mirror.sets.get(setName("C1", "bs1"))?.record?.value;
  if (record === undefined) throw new Error("the set was written");
  const other = setKey(setName("C2", "bs1"));
  arbiter.write(other, encodeSet({ ...record, cluster: "C2", epoch: 9 }));
  expect(ask("bs1")).toMatchObject({
    kind: "refused",
    code: 2_008,
    remark: expect.stringContaining("C1/bs1 or C2/bs1"),
  });
  expect(ask("bs2")).toEqual({ kind: "inSyncData", sets: {} });

  function ask(set: string) {
    const request = { kind: "inSyncData", sets: [set] } as const;
    const commands = arbiter.core.step({ kind: "asked", ask: 1, connection: 1, request }, arbiter.moment());
    return commands.find((command) => command.kind === "answer")?.answer;
  }
});
