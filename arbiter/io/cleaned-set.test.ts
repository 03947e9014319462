import { expect, test } from "vitest";
import type { ControllerRequest } from "../core/controller-messages.ts";
import { planned } from "../core/decision.fixture.ts";
import type { DecisionRecord } from "../core/decision.ts";
import { decodeDecision } from "../core/decision-records.ts";
import { answerKey, decisionKey, drainKey, protectionKey, questionKey, setKey, switchKey } from "../core/keys.ts";
import { setName } from "../core/model.ts";
import { decodeSet, encodeSwitch } from "../core/records.ts";
import { decision } from "../core/site.fixture.ts";
import { ask, createStanding, type Standing, wallStart } from "./testing/standing.ts";

const name = setName("C1", "bs1");
const own = { cluster: "C1", set: "bs1" } as const;
const address = "10.1.0.99:10911";

function withEpoch(epoch: number): DecisionRecord {
  return { ...decision, id: `${name}/${epoch}`, verdict: { ...decision.verdict, epoch } };
}

function feed(standing: Standing, ...requests: readonly ControllerRequest[]): void {
  for (const [nth, request] of requests.entries()) {
    standing.feed({ kind: "asked", ask: 101 + 2 * nth, connection: 1, request });
  }
  standing.pass(500);
}

/** All of the set, dead or not; and the life of a first broker of its name. */
const cleaning: ControllerRequest = { kind: "cleanBroker", ...own, ids: null, living: true };
const arrival: readonly ControllerRequest[] = [
  { kind: "applyBrokerId", ...own, id: 1, checkCode: `${address};1` },
  { kind: "registerBroker", ...own, id: 1, address },
  { kind: "electMaster", ...own, id: 1, designate: false },
];

test("of a set that is cleaned away its decisions are left, and nothing that a new one would take for its own", () => {
  const standing = createStanding();
  for (const epoch of [1, 12]) standing.writeDecision(withEpoch(epoch));
  ask(standing);
  standing.write(switchKey(name), encodeSwitch({ ...planned, at: wallStart }));
  feed(standing, cleaning);
  const gone = [setKey, questionKey, switchKey, protectionKey, drainKey].map((keyOf) => keyOf(name));
  for (const key of [...gone, answerKey(name, "idc1")]) expect(standing.text(key), key).toBeUndefined();
  for (const epoch of [1, 12]) expect(standing.text(decisionKey(`${name}/${epoch}`))).toBeDefined();
});

test("a new set of its name gets a first master, under an epoch above all that the name ever had", () => {
  const standing = createStanding();
  for (const epoch of [1, 2, 12]) standing.writeDecision(withEpoch(epoch));
  feed(standing, cleaning);
  feed(standing, ...arrival);
  expect(decodeSet(standing.text(setKey(name)) ?? "")).toMatchObject({ epoch: 13, master: 1, inSync: [1] });
  const key = decisionKey(`${name}/13`);
  expect(decodeDecision(standing.text(key) ?? "", key).input).toMatchObject({ kind: "first-master", usedEpoch: 12 });
});

test("a name that was never used begins with epoch 1", () => {
  const standing = createStanding();
  feed(standing, cleaning);
  feed(standing, ...arrival);
  expect(decodeSet(standing.text(setKey(name)) ?? "")).toMatchObject({ epoch: 1, master: 1 });
});
