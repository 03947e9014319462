import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { parseFastjson } from "#lib/remoting/fastjson.ts";
import type { RemotingAnswer } from "#lib/remoting/message.ts";
import type { ControllerAnswer, SetRequest } from "../core/controller-messages.ts";
import type { BrokerId, SetRecord } from "../core/model.ts";
import { contextOf } from "../core/requests.fixture.ts";
import { type Judgement, judge, type RequestContext } from "../core/requests.ts";
import { printControllerAnswer } from "./controller-answers.ts";
import { readControllerRequest } from "./controller-requests.ts";
import { type Conversation, type Recorded, readConversations, readConversationsOfBrokers } from "./testing/recorded.ts";

/**
 * What a stock controller was asked is asked of our core, from the first broker's id to the cleaning away. What a request makes of the
 * record stands for the next one; elections are not the judge's, and are put in as they were recorded.
 */

interface Told {
  readonly label: string;
  readonly ours: Answer | null;
  readonly recorded: Answer;
}

interface Answer {
  readonly code: number;
  readonly remark: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface World {
  record: SetRecord | null;
  isAlive: boolean;
}

interface Story {
  readonly conversations: readonly Conversation[];
  /** Who became master while the request waited. */
  readonly elected: Readonly<Record<string, BrokerId>>;
  /** What happened before the request. */
  readonly before: Readonly<Record<string, (world: World) => void>>;
}

const ofScript = replay({
  conversations: readConversations(),
  elected: { "1002 first election": 1, "1002 designate (manual switch)": 2 },
  before: {
    "1004 after failover": (world) => elect(world, 1),
    "1004 all dead": (world) => {
      world.isAlive = false;
      if (world.record !== null) world.record = { ...world.record, master: null, epoch: 6 };
    },
  },
});
const ofBrokers = replay({
  conversations: readConversationsOfBrokers(),
  elected: { "1002, number 1": 1 },
  before: { "1001, number 2": (world) => elect(world, 2) },
});

/** Labels, and why our core does not answer so, or not at once. */
const otherwise: Readonly<Record<string, string>> = {
  "1002 designate not in ISS": "a switch is asked for, and refused with the same code",
  "1004 all dead": "brokers obey rising epochs: while nobody is master they are told of none",
  "1002 broker trigger when all dead (own heartbeat absent)":
    "it waits for an election, and is refused with the same code when there is none in time",
};

describe("our core answers what a stock controller did", () => {
  test.for(ofScript.filter(({ label }) => otherwise[label] === undefined))("to a script: $label", (told) => {
    expect(told.ours).toEqual(told.recorded);
  });

  test.for(ofBrokers)("to a stock broker: $label", (told) => {
    expect(told.ours).toEqual(told.recorded);
  });

  test("to all that is on record", () => {
    expect({ script: ofScript.length, brokers: ofBrokers.length }).toEqual({ script: 30, brokers: 11 });
  });

  test("and otherwise only where it is said why", () => {
    const differing = ofScript.filter(({ ours, recorded }) => !isDeepStrictEqual(ours, recorded));
    expect(differing.map(({ label }) => label)).toEqual(Object.keys(otherwise));
  });
});

test("while nobody is master a broker that looks is told so, with the recorded code, and of no epoch", () => {
  const { ours } = ofScript.find(({ label }) => label === "1004 all dead") ?? {};
  const body = { syncStateSet: [], syncStateSetEpoch: 0 };
  expect(ours).toEqual({ code: 0, remark: undefined, fields: { masterEpoch: "0" }, body });
});

function replay({ conversations, elected, before }: Story): readonly Told[] {
  const worlds = new Map<string, World>();
  const told: Told[] = [];
  for (const { label, asked, answered } of conversations) {
    const request = requestOf(asked);
    if (request === undefined) continue;
    const world = worlds.get(request.set) ?? { record: null, isAlive: true };
    worlds.set(request.set, world);
    before[label]?.(world);
    const first = judgeIn(world, request);
    const master = elected[label];
    let last = first;
    if (master !== undefined) {
      if (first.kind !== "wait") throw new Error(`${label} waits for an election, and its judgement is ${first.kind}`);
      const askedEpoch = world.record?.epoch ?? null;
      elect(world, master);
      last = judgeIn(world, request, { askedEpoch });
    }
    if (last.kind === "commit") world.record = last.next;
    const ours = "answer" in last ? printed(last.answer, asked) : null;
    told.push({ label, ours, recorded: readable(answered) });
  }
  return told;
}

/** undefined: it is not about one set. */
function requestOf({ code, fields, body }: Recorded): SetRequest | undefined {
  const frame = { code, fields, body: Buffer.from(body) };
  const envelope = { language: "JAVA", version: 479, opaque: 1, isResponse: false, isOneway: false } as const;
  const request = readControllerRequest({ ...envelope, ...frame, serialize: "json" });
  return request !== undefined && "set" in request ? request : undefined;
}

function judgeIn(world: World, request: SetRequest, changes: Partial<RequestContext> = {}): Judgement {
  const { record, isAlive } = world;
  return judge(request, contextOf({ set: request.set, record, isAlive: () => isAlive, ...changes }));
}

function elect(world: World, master: BrokerId): void {
  const { record } = world;
  if (record === null) throw new Error(`broker ${master} was elected in a set that has no record`);
  const { epoch, inSyncEpoch } = record;
  world.record = { ...record, master, epoch: epoch + 1, inSync: [master], inSyncEpoch: inSyncEpoch + 1 };
}

function printed(answer: ControllerAnswer, asked: Recorded): Answer {
  const { code, fields, body, remark }: RemotingAnswer = printControllerAnswer(answer, asked);
  return { code, remark, fields, body: parsed(body) };
}

function readable({ code, remark, fields, body }: Recorded): Answer {
  return { code, remark, fields, body: parsed(Buffer.from(body)) };
}

function parsed(body: Uint8Array): unknown {
  return body.length === 0 ? null : parseFastjson(body);
}
