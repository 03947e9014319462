import { expect, test } from "vitest";
import type { ControllerRequest } from "../core/controller-messages.ts";
import { planned } from "../core/decision.fixture.ts";
import type { DecisionRecord } from "../core/decision.ts";
import { decodeDecision } from "../core/decision-records.ts";
import { decisionKey, protectionKey, questionKey, setKey, switchKey } from "../core/keys.ts";
import { setName } from "../core/model.ts";
import { decodeSet, encodeSwitch } from "../core/records.ts";
import { decision } from "../core/site.fixture.ts";
import { ask, createStanding, type Standing, wallStart } from "./testing/standing.ts";

const name = setName("C1", "bs1");
const own = { cluster: "C1", set: "bs1" } as const;
const cleaning: ControllerRequest = { kind: "cleanBroker", ...own, ids: null, living: true };

function withEpoch(epoch: number): DecisionRecord {
  const id = `C1/bs1/${epoch}`;
  return { ...decision, id, verdict: { ...decision.verdict, epoch } };
}

function asked(standing: Standing, id: number, request: ControllerRequest): void {
  standing.feed({ kind: "asked", ask: id, connection: 1, request });
}

test("nothing is left of a set that is cleaned away but the audit log", () => {
  const standing = createStanding();
  for (const epoch of [1, 2, 12]) standing.writeDecision(withEpoch(epoch));
  standing.write(decisionKey("C1/bs10/1"), "of another set");
  ask(standing);
  standing.write(switchKey(name), encodeSwitch({ ...planned, at: wallStart }));
  asked(standing, 1, cleaning);
  const gone = [setKey, questionKey, switchKey, protectionKey].map((keyOf) => keyOf(name));
  const decisions = [1, 2, 12].map((epoch) => decisionKey(`C1/bs1/${epoch}`));
  for (const key of [...gone, ...decisions]) expect(standing.text(key), key).toBeUndefined();
  expect(standing.text(decisionKey("C1/bs10/1"))).toBe("of another set");
});

test("a new set of its name gets a first master, with epoch 1", () => {
  const standing = createStanding();
  for (const epoch of [1, 2]) standing.writeDecision(withEpoch(epoch));
  asked(standing, 1, cleaning);
  const address = "10.1.0.99:10911";
  asked(standing, 3, { kind: "applyBrokerId", ...own, id: 1, checkCode: `${address};1` });
  asked(standing, 5, { kind: "registerBroker", ...own, id: 1, address });
  asked(standing, 7, { kind: "electMaster", ...own, id: 1, designate: false });
  standing.pass(500);
  expect(decodeSet(standing.text(setKey(name)) ?? "")).toMatchObject({ epoch: 1, master: 1, inSync: [1] });
  const first = decisionKey("C1/bs1/1");
  expect(decodeDecision(standing.text(first) ?? "", first).input.kind).toBe("first-master");
});
