import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { type Clock, systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes, resultCodes } from "#lib/remoting/codes.ts";
import { connectRemoting, type RemotingClient } from "#lib/remoting/connection.ts";
import { parseFastjson } from "#lib/remoting/fastjson.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { createManualClock } from "#lib/zookeeper/testing/manual-clock.ts";
import type { ControllerAnswer, MasterInfo } from "../core/controller-messages.ts";
import { timing } from "../core/timing.fixture.ts";
import { answerMsMax, type Door, type DoorAudit, type DoorEvent, openDoor } from "./door.ts";
import { type Recorded, readConversations, readRecorded } from "./testing/recorded.ts";

const asRecorded: MasterInfo = { master: 1, address: "127.0.0.1:33001", epoch: 1, inSync: [1], inSyncEpoch: 1 };
const noMasterYet: MasterInfo = { master: null, address: null, epoch: 0, inSync: [], inSyncEpoch: 0 };
const members = { 1: "127.0.0.1:33001", 2: "127.0.0.1:33002" };
const one = { set: "bsF", id: 1, address: "127.0.0.1:33001" };
const two = { set: "bsF", id: 2, address: "127.0.0.1:33002" };

/** What the core says for each recorded question; refusals are taken from the recording. */
const answers: Readonly<Record<string, ControllerAnswer>> = {
  "1005 metadata": {
    kind: "metadata",
    leader: "127.0.0.1:29878",
    leaderSite: "n0",
    peers: ["n0:127.0.0.1:29878"],
  },
  "1012": { kind: "nextBrokerId", cluster: "C1", set: "bsF", id: 1 },
  "1012 second": { kind: "nextBrokerId", cluster: "C1", set: "bsF", id: 2 },
  "1013 ok": { kind: "applyBrokerId", cluster: "C1", set: "bsF" },
  "1013 idempotent repeat": { kind: "applyBrokerId", cluster: "C1", set: "bsF" },
  "1013 second": { kind: "applyBrokerId", cluster: "C1", set: "bsF" },
  "1003 no master yet": { kind: "registerBroker", cluster: "C1", set: "bsF", info: noMasterYet },
  "1003 with master": { kind: "registerBroker", cluster: "C1", set: "bsF", info: asRecorded },
  "1004 no master yet": { kind: "replicaInfo", info: noMasterYet },
  "1004 after failover": { kind: "replicaInfo", info: { ...asRecorded, epoch: 3, inSyncEpoch: 5 } },
  "1004 all dead": {
    kind: "replicaInfo",
    info: { master: null, address: null, epoch: 6, inSync: [1], inSyncEpoch: 5 },
  },
  "1002 first election": { kind: "electMaster", code: 0, cluster: "C1", set: "bsF", info: asRecorded, members },
  "1002 master still exists": {
    kind: "electMaster",
    code: resultCodes.CONTROLLER_MASTER_STILL_EXIST,
    cluster: "C1",
    set: "bsF",
    info: asRecorded,
    members,
  },
  "1002 designate (manual switch)": {
    kind: "electMaster",
    code: 0,
    cluster: "C1",
    set: "bsF",
    info: { master: 2, address: "127.0.0.1:33002", epoch: 2, inSync: [2], inSyncEpoch: 3 },
    members,
  },
  "1001 expand ok": { kind: "alterInSync", inSync: [1, 2], inSyncEpoch: 2 },
  "1001 by new master expand": { kind: "alterInSync", inSync: [1, 2], inSyncEpoch: 4 },
  "1006": {
    kind: "inSyncData",
    sets: {
      bsF: {
        info: { ...asRecorded, inSyncEpoch: 2 },
        inSync: [
          { ...one, alive: true },
          { ...two, alive: true },
        ],
        notInSync: [],
      },
    },
  },
  "1006 all dead": {
    kind: "inSyncData",
    sets: {
      bsF: {
        info: { master: null, address: null, epoch: 6, inSync: [1], inSyncEpoch: 5 },
        inSync: [{ ...one, alive: false }],
        notInSync: [{ ...two, alive: false }],
      },
    },
  },
  "1011 clean": { kind: "cleanBroker" },
};

test.for(readConversations())("as a stock controller it answers: $label", async ({ label, asked, answered }) => {
  await using bench = await openBench();
  const { client, door, events } = bench;
  const answering = ask(client, asked);
  if (answered.code !== resultCodes.REQUEST_CODE_NOT_SUPPORTED) {
    const event = await events.next("asked");
    const refused: ControllerAnswer = { kind: "refused", code: answered.code, remark: answered.remark ?? "" };
    door.answer(event.ask, answers[label] ?? refused);
  }
  const { code, remark, fields, body } = await answering;
  expect({ code, fields, body: parsed(body) }).toEqual({
    code: answered.code,
    fields: withOurGroup(answered.fields),
    body: parsed(Buffer.from(answered.body)),
  });
  expect(remark?.trim()).toBe(answered.remark?.trim());
});

test("recorded heartbeats and questions of stock brokers arrive as events of one connection, in their order", async () => {
  const sent = readRecorded().filter(
    ({ dir, label, isAnswer }) => dir === "broker->controller" && label === undefined && !isAnswer,
  );
  await using bench = await openBench();
  for (const each of sent) {
    if (each.code === requestCodes.BROKER_HEARTBEAT) bench.client.send(requestOf(each));
    else void ask(bench.client, each).catch(() => {});
  }
  const seen: DoorEvent[] = [];
  while (seen.length < sent.length) seen.push(await bench.events.next());
  expect(new Set(seen.map(({ connection }) => connection))).toEqual(new Set([1]));
  expect(seen.map((event) => (event.kind === "asked" ? event.request.kind : event.kind))).toEqual(
    sent.map(({ code }) => kinds[code]),
  );
  expect(seen.filter(({ kind }) => kind === "heartbeat").at(-1)).toMatchObject({
    beat: {
      cluster: "C1",
      set: "bs1",
      id: 1,
      address: "127.0.0.1:30911",
      epoch: 1,
      maxOffset: 0n,
      priority: 2_147_483_647,
    },
  });
  const alters = seen.flatMap((event) => (event.kind === "asked" ? [event.request] : []));
  expect(alters.find(({ kind }) => kind === "alterInSync")).toEqual({
    kind: "alterInSync",
    set: "bs1",
    master: 1,
    epoch: 1,
    inSync: [1, 2],
    inSyncEpoch: 1,
  });
});

test("a connection that ends is told", async () => {
  await using bench = await openBench();
  bench.client.send(heartbeat);
  const { connection } = await bench.events.next("heartbeat");
  bench.client.close();
  expect(await bench.events.next()).toEqual({ kind: "closed", connection });
});

test("without a quorum proof no leader is named, so that the broker asks the next address", async () => {
  await using bench = await openBench();
  const answering = bench.client.ask(requestOf(recordedOf(1005)), soon);
  const { ask: id } = await bench.events.next("asked");
  bench.door.answer(id, { kind: "metadata", leader: null, leaderSite: "idc1", peers: [] });
  const { code, fields } = await answering;
  expect({ code, fields }).toEqual({ code: 0, fields: { group: "crossidc", isLeader: "false", peers: "" } });
});

test("what nobody answers is answered with code 1 before the broker gives up, and a later answer is dropped", async () => {
  const clock = createManualClock();
  await using bench = await openBench({ clock });
  const answering = bench.client.ask(requestOf(recordedOf(1004)), soon);
  const { ask: id } = await bench.events.next("asked");
  await clock.advance(answerMsMax - 1);
  const early = await Promise.race([answering, Promise.resolve("nothing yet")]);
  expect(early).toBe("nothing yet");
  await clock.advance(1);
  expect((await answering).code).toBe(resultCodes.SYSTEM_ERROR);
  bench.door.answer(id, { kind: "replicaInfo", info: asRecorded });
  const next = bench.client.ask(requestOf(recordedOf(1005)), soon);
  const again = await bench.events.next("asked");
  bench.door.answer(again.ask, { kind: "refused", code: 7, remark: "the next answer" });
  expect(await next).toMatchObject({ code: 7, remark: "the next answer" });
});

test("an answer for a connection that is gone is dropped", async () => {
  await using bench = await openBench();
  bench.client.ask(requestOf(recordedOf(1004)), soon).catch(() => {});
  const { ask: id } = await bench.events.next("asked");
  bench.client.close();
  await bench.events.next("closed");
  expect(() => bench.door.answer(id, { kind: "replicaInfo", info: asRecorded })).not.toThrow();
});

test("an answer of another kind than the question is not sent", async () => {
  await using bench = await openBench();
  const answering = bench.client.ask(requestOf(recordedOf(1004)), soon);
  const { ask: id } = await bench.events.next("asked");
  bench.door.answer(id, { kind: "cleanBroker" });
  expect((await answering).code).toBe(resultCodes.SYSTEM_ERROR);
});

const operatorsCalls = [
  { what: "1002 with a designated master", request: { ...electionOf("true") } },
  { what: "1009", request: { code: requestCodes.UPDATE_CONTROLLER_CONFIG, fields: {}, body: Buffer.from("a=b") } },
  {
    what: "1011",
    request: {
      code: requestCodes.CLEAN_BROKER_DATA,
      fields: { brokerName: "bs1", isCleanLivingBroker: "true" },
      body: nothing(),
    },
  },
];

test.for(operatorsCalls)("$what from elsewhere is refused, with the setting's name, and audited", async (call) => {
  await using bench = await openBench({ adminCidrs: ["10.0.0.0/8"] });
  const { code, remark } = await bench.client.ask(call.request, soon);
  expect(code).toBe(resultCodes.NO_PERMISSION);
  expect(remark).toContain("controller.adminCidrs");
  const from = bench.client.localAddress;
  expect(bench.audits).toEqual([
    { request: expect.any(String), from, allowed: false, fields: call.request.fields } satisfies DoorAudit,
  ]);
});

test("an operator's call from adminCidrs is asked, and audited", async () => {
  await using bench = await openBench({ adminCidrs: ["10.0.0.0/8", "127.0.0.0/8"] });
  const answering = bench.client.ask(electionOf("true"), soon);
  const event = await bench.events.next("asked");
  expect(event.request).toEqual({ kind: "electMaster", cluster: "C1", set: "bs1", id: 2, designate: true });
  bench.door.answer(event.ask, { kind: "refused", code: 2012, remark: "no" });
  expect((await answering).code).toBe(2012);
  expect(bench.audits.map(({ allowed }) => allowed)).toEqual([true]);
});

test("a broker's own wish for a master is taken from anywhere, and not audited", async () => {
  await using bench = await openBench({ adminCidrs: [] });
  bench.client.ask(electionOf("false"), soon).catch(() => {});
  expect((await bench.events.next("asked")).request).toMatchObject({ kind: "electMaster", designate: false });
  expect(bench.audits).toEqual([]);
});

test("settings are not changed over the wire: also from adminCidrs 1009 is refused, and says where they are", async () => {
  await using bench = await openBench();
  const request = { code: requestCodes.UPDATE_CONTROLLER_CONFIG, fields: {}, body: Buffer.from("a=b") };
  const { code, remark } = await bench.client.ask(request, soon);
  expect({ code, remark }).toEqual({ code: resultCodes.CONTROLLER_INVALID_REQUEST, remark: expect.any(String) });
  expect(remark).toContain("config file");
  expect(bench.audits.map(({ allowed }) => allowed)).toEqual([true]);
});

test("1010 shows the timing in force", async () => {
  await using bench = await openBench();
  const { body } = await bench.client.ask(
    { code: requestCodes.GET_CONTROLLER_CONFIG, fields: {}, body: nothing() },
    soon,
  );
  expect(Buffer.from(body).toString()).toContain("suspectAfterMs=2500\n");
});

test("a code that no controller has is answered with code 3", async () => {
  await using bench = await openBench();
  const { code } = await bench.client.ask({ code: 4_711, fields: {}, body: nothing() }, soon);
  expect(code).toBe(resultCodes.REQUEST_CODE_NOT_SUPPORTED);
});

test.for(["", "a/b", "a b", "a\nb", "x".repeat(256)])(
  "a name that cannot be a key is refused: %j",
  async (brokerName) => {
    await using bench = await openBench();
    const fields = { clusterName: "C1", brokerName };
    const { code } = await bench.client.ask(
      { code: requestCodes.CONTROLLER_GET_NEXT_BROKER_ID, fields, body: nothing() },
      soon,
    );
    expect(code).toBe(resultCodes.SYSTEM_ERROR);
    expect(bench.events.waiting).toBe(0);
  },
);

test("a heartbeat that makes no sense is no event, and the connection goes on", async () => {
  await using bench = await openBench();
  bench.client.send({ ...heartbeat, fields: { ...heartbeat.fields, maxOffset: "much" } });
  bench.client.send(heartbeat);
  expect(await bench.events.next()).toMatchObject({ kind: "heartbeat", beat: { set: "bs1", maxOffset: 0n } });
});

test("more brokers are taken than a server of the protocol takes by itself", async () => {
  await using bench = await openBench();
  const [host = "", port = ""] = bench.door.address.split(":");
  await using sockets = new AsyncDisposableStack();
  const brokers = 1_100;
  for (let broker = 0; broker < brokers; broker += 1) {
    const socket = connect(Number(port), host);
    sockets.defer(() => void socket.destroy());
    await once(socket, "connect");
  }
  expect(bench.door.counters.connectionsRefused).toBe(0);
});

test.for(["10.0.0.0", "10.0.0.0/33", "host/8", "10.0.0.0/"])("adminCidrs %j is refused at start", async (cidr) => {
  await expect(openBench({ adminCidrs: [cidr] })).rejects.toMatchObject({ code: "ARB_ADMIN_CIDRS" });
});

const kinds: Readonly<Record<number, string>> = {
  904: "heartbeat",
  1001: "alterInSync",
  1002: "electMaster",
  1003: "registerBroker",
  1004: "replicaInfo",
  1005: "metadata",
  1012: "nextBrokerId",
  1013: "applyBrokerId",
};
const soon = { timeoutMs: 5_000, signal: new AbortController().signal };
const heartbeat = requestOf(recordedOf(requestCodes.BROKER_HEARTBEAT));

function nothing(): Uint8Array {
  return new Uint8Array();
}

function electionOf(designateElect: "true" | "false") {
  const fields = { clusterName: "C1", brokerName: "bs1", brokerId: "2", designateElect, invokeTime: "0" };
  return { code: requestCodes.CONTROLLER_ELECT_MASTER, fields, body: nothing() };
}

function recordedOf(code: number): Recorded {
  const found = readRecorded().find((each) => !each.isAnswer && each.code === code);
  if (found === undefined) throw new Error(`no request ${code} was recorded`);
  return found;
}

function requestOf({ code, fields, body }: Recorded) {
  return { code, fields, body: Buffer.from(body) };
}

function ask(client: RemotingClient, recorded: Recorded): Promise<Frame> {
  return client.ask(requestOf(recorded), soon);
}

function parsed(body: Uint8Array): unknown {
  return body.length === 0 ? null : parseFastjson(body);
}

function withOurGroup(fields: Readonly<Record<string, string>>) {
  return "group" in fields ? { ...fields, group: "crossidc" } : fields;
}

interface Bench extends AsyncDisposable {
  readonly door: Door;
  readonly client: RemotingClient;
  readonly audits: DoorAudit[];
  readonly events: EventQueue;
}

async function openBench(options: { adminCidrs?: readonly string[]; clock?: Clock } = {}): Promise<Bench> {
  const { adminCidrs = ["127.0.0.0/8"], clock = systemClock } = options;
  const { signal } = new AbortController();
  const audits: DoorAudit[] = [];
  const events = createEventQueue();
  let asks = 0;
  const door = await openDoor({
    listen: "127.0.0.1:0",
    adminCidrs,
    timing,
    nextAsk: () => {
      asks += 1;
      return asks;
    },
    clock,
    log: silentLogger,
    onEvent: events.put,
    onAudit: (audit) => audits.push(audit),
    signal,
  });
  const port = Number(door.address.split(":").at(-1));
  const client = await connectRemoting({
    host: "127.0.0.1",
    port,
    connectTimeoutMs: 5_000,
    clock: systemClock,
    signal,
  });
  return {
    door,
    client,
    audits,
    events,
    async [Symbol.asyncDispose]() {
      client.close();
      await door[Symbol.asyncDispose]();
    },
  };
}

interface EventQueue {
  put(event: DoorEvent): void;
  next(): Promise<DoorEvent>;
  next<Kind extends DoorEvent["kind"]>(kind: Kind): Promise<Extract<DoorEvent, { kind: Kind }>>;
  readonly waiting: number;
}

function createEventQueue(): EventQueue {
  const events: DoorEvent[] = [];
  let arrived = Promise.withResolvers<void>();
  async function next(kind?: DoorEvent["kind"]): Promise<DoorEvent> {
    while (events.length === 0) await arrived.promise;
    const event = events.shift();
    if (event === undefined || (kind !== undefined && event.kind !== kind)) {
      throw new Error(`${JSON.stringify(event?.kind)} came, where ${kind} was due`);
    }
    return event;
  }
  return {
    put(event) {
      events.push(event);
      arrived.resolve();
      arrived = Promise.withResolvers();
    },
    next: next as EventQueue["next"],
    get waiting() {
      return events.length;
    },
  };
}
