import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes, resultCodes } from "#lib/remoting/codes.ts";
import { encodeFrame, type Frame, frameLimits } from "#lib/remoting/frame.ts";
import { createFrameStream } from "#lib/remoting/frame-stream.ts";
import { timing } from "../core/timing.fixture.ts";
import { type Door, type DoorEvent, openDoor } from "./door.ts";

/** The controller door under random frames: whatever they say, each question is answered, and what arrives in the core makes sense. */

const { BROKER_HEARTBEAT: heartbeat } = requestCodes;
const known: ReadonlySet<number> = new Set(Object.values(requestCodes));
const controllers = Object.entries(requestCodes).flatMap(([name, code]) =>
  name.startsWith("CONTROLLER_") ? [code] : [],
);
/** A binary header has 16 bits for it. */
const i16 = fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });

/** Mostly this one. */
const often = (value: string, ...others: fc.Arbitrary<string>[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.oneof(...others, fc.string()) });
const name = often("bs1", fc.constantFrom("", "a/b", "a b", "x".repeat(256)));
const number = often("1", fc.constantFrom("", "-1", "0x1", `${2n ** 31n}`, `${2n ** 63n}`));
const flag = often("false", fc.constant("true"));
/** All that controller requests have; what is no number or no flag is a text. */
const fields = fc.record(
  {
    ...{ clusterName: name, brokerName: name, brokerAddr: fc.string(), brokerAddress: fc.string() },
    ...{ registerCheckCode: fc.string(), brokerControllerIdsToClean: fc.oneof(number, fc.constant("1;2")) },
    ...{ brokerId: number, appliedBrokerId: number, masterBrokerId: number, invokeTime: number },
    ...{ masterEpoch: number, syncStateSetEpoch: number, epoch: number, maxOffset: number, electionPriority: number },
    ...{ designateElect: flag, isCleanLivingBroker: flag, ["__proto__"]: fc.string() },
  },
  { requiredKeys: ["clusterName", "brokerName", "brokerId", "brokerAddr", "masterBrokerId", "masterEpoch"] },
);
const syncStateSet = Buffer.from('{"syncStateSet":[1,2],"syncStateSetEpoch":1}');
const body = fc.oneof(
  fc.constant(syncStateSet),
  fc.constantFrom('["bs1"]', "{", "a=b").map((each) => Buffer.from(each)),
  fc.uint8Array({ maxLength: 40 }),
);
const frames = fc.record({
  code: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(heartbeat, requestCodes.CLEAN_BROKER_DATA, ...controllers) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.values(requestCodes)) },
    { weight: 2, arbitrary: i16.filter((code) => !known.has(code)) },
  ),
  language: fc.constantFrom("JAVA", "CPP", "GO", "OTHER"),
  version: fc.integer({ min: 0, max: 500 }),
  serialize: fc.constantFrom("json" as const, "rocketmq" as const),
  isOneway: fc.boolean(),
  fields,
  body,
});

test("each question among random frames is answered, a code that nobody knows with 3, and the connection goes on", {
  timeout: 60_000,
}, async () => {
  const events: DoorEvent[] = [];
  await using door = await openAnswering(events);
  await fc.assert(
    fc.asyncProperty(fc.array(frames, { minLength: 1, maxLength: 50, size: "max" }), async (sent) => {
      const all = [...sent, question].map((frame, opaque): Frame => ({ ...frame, opaque, isResponse: false }));
      const answers = await exchange(door, all);
      expect(new Set(answers.map(({ opaque }) => opaque)).size).toBe(answers.length);
      for (const { opaque, code } of answers) {
        const { code: of = 0, isOneway } = all[opaque] ?? {};
        expect(isOneway, `${of}`).toBe(false);
        if (!known.has(of)) expect(code, `${of}`).toBe(resultCodes.REQUEST_CODE_NOT_SUPPORTED);
      }
      expect(answers.find(({ opaque }) => opaque === sent.length)?.code).toBe(coreSays);
    }),
    { numRuns: 100 },
  );
  for (const event of events) expect(namesOf(event).filter((one) => !/^[^/\s\p{Cc}]{1,255}$/u.test(one))).toEqual([]);
  const kinds = events.map((event) => (event.kind === "asked" ? event.request.kind : event.kind));
  expect([...new Set(kinds)].toSorted()).toEqual(kindsDue);
});

test("random bytes end their own connection at most", { timeout: 60_000 }, async () => {
  await using door = await openAnswering([]);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const socket = dial(door);
      socket.on("error", () => {});
      socket.resume();
      await once(socket, "connect");
      socket.end(bytes);
      await once(socket, "close");
      const [answer] = await exchange(door, [{ ...question, opaque: 1, isResponse: false }]);
      expect(answer?.code).toBe(coreSays);
    }),
  );
});

const question = {
  code: requestCodes.CONTROLLER_GET_METADATA_INFO,
  language: "JAVA",
  version: 0,
  serialize: "json",
  isOneway: false,
  fields: {},
  body: new Uint8Array(),
} as const;
/** In the order of their letters; with enough random frames there is each of them. */
const kindsDue = [
  ...["alterInSync", "applyBrokerId", "cleanBroker", "closed", "electMaster", "heartbeat", "inSyncData", "metadata"],
  ...["nextBrokerId", "registerBroker", "replicaInfo"],
];
/** What the core answers to every question here. */
const coreSays = 2_012;

/** Of what may make a set known, and so a key of the ledger. */
function namesOf(event: DoorEvent): string[] {
  if (event.kind === "closed") return [];
  const told = event.kind === "heartbeat" ? event.beat : event.request;
  return "cluster" in told ? [told.cluster ?? "C1", told.set] : [];
}

async function openAnswering(events: DoorEvent[]): Promise<Door> {
  let asks = 0;
  const door = await openDoor({
    listen: "127.0.0.1:0",
    adminCidrs: ["127.0.0.0/8"],
    timing,
    nextAsk: () => {
      asks += 1;
      return asks;
    },
    clock: systemClock,
    log: silentLogger,
    onEvent(event) {
      events.push(event);
      if (event.kind === "asked") door.answer(event.ask, { kind: "refused", code: coreSays, remark: "not here" });
    },
    onAudit: () => {},
    signal: new AbortController().signal,
  });
  return door;
}

function dial({ address }: Door) {
  return connect({ host: "127.0.0.1", port: Number(address.split(":").at(-1)), noDelay: true });
}

/** Over a connection of its own, until each question is answered. A heartbeat that makes sense has no answer. */
async function exchange(door: Door, frames: readonly Frame[]): Promise<Frame[]> {
  const open = new Set(frames.filter((each) => !each.isOneway && each.code !== heartbeat).map(({ opaque }) => opaque));
  const socket = dial(door);
  const stream = createFrameStream(frameLimits);
  const answers: Frame[] = [];
  const done = Promise.withResolvers<void>();
  socket.on("error", done.reject);
  socket.on("close", () => done.reject(new Error(`the connection ended, ${open.size} questions unanswered`)));
  socket.on("data", (chunk: Buffer) => {
    stream.push(chunk);
    for (let frame = stream.next(); frame !== undefined; frame = stream.next()) {
      answers.push(frame);
      open.delete(frame.opaque);
    }
    if (open.size === 0) done.resolve();
  });
  await once(socket, "connect");
  socket.write(Buffer.concat(frames.map((frame) => encodeFrame(frame, frameLimits))));
  try {
    await done.promise;
  } finally {
    socket.destroy();
  }
  return answers;
}
