import { describe, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { resultCodes } from "#lib/remoting/codes.ts";
import type { MasterInfo } from "../core/controller-messages.ts";
import type { BrokerSettings, ProbeOutcome } from "../core/events.ts";
import { timing } from "../core/timing.fixture.ts";
import { type Door, openDoor } from "../io/door.ts";
import type { BrokerPort } from "./broker.ts";
import { createScriptTurns } from "./exec/scripts.ts";
import { createExecPort } from "./exec.ts";
import { createRocketmqPort } from "./rocketmq.ts";
import { startFakeBroker, startFakeNameServer } from "./testing/fake-broker.ts";
import { createFakeMembers } from "./testing/fake-member.ts";

/** What every kind of broker keeps, whatever stands behind the port. */
interface Stage extends AsyncDisposable {
  readonly port: BrokerPort;
  /** A replica with id 2, in epoch 7; with its settings as below. */
  readonly broker: { readonly address: string; acting: boolean };
  /** It is being demoted, and still acts in a probe. */
  demoting(): void;
  /** What it is set to. */
  readonly settings: BrokerSettings;
  /** The controller door of another arbiter. */
  readonly controller: string;
  /** It does not let its settings be changed. */
  refuseChanges(): void;
  /** From now on it takes connections and says nothing. */
  hang(): void;
  /** Its process is gone. */
  end(): Promise<void>;
  /** What clients are told. */
  route(master: string | null): void;
}

const kinds: readonly { readonly kind: string; readonly hasBarrier: boolean; readonly open: () => Promise<Stage> }[] = [
  { kind: "rocketmq", hasBarrier: true, open: openRocketmq },
  { kind: "exec", hasBarrier: false, open: openExec },
];

const options = { timeoutMs: 2_000, signal: new AbortController().signal };
const short = { timeoutMs: 150, signal: options.signal };
/** On a busy machine a timer comes late. */
const lateMsMax = 1_000;

describe.for(kinds)("$kind", ({ open }) => {
  test("a probe tells how far a broker is, and whether it acts as master", async () => {
    await using stage = await open();
    const reading = { epoch: 7, maxOffset: 1_234n };
    expect(await stage.port.probe(stage.broker.address, options)).toEqual({ kind: "answered", reading, acting: false });
    stage.broker.acting = true;
    expect(await stage.port.probe(stage.broker.address, options)).toEqual({ kind: "answered", reading, acting: true });
  });

  test("a broker whose process is gone refuses, and the probe says so at once", async () => {
    await using stage = await open();
    await stage.port.probe(stage.broker.address, options);
    await stage.end();
    const startedAt = performance.now();
    expect(await stage.port.probe(stage.broker.address, options)).toMatchObject({ kind: "refused" });
    expect(performance.now() - startedAt).toBeLessThan(lateMsMax);
  });

  test("a broker that hangs is not refused, and the probe ends in its time", async () => {
    await using stage = await open();
    await stage.port.probe(stage.broker.address, options);
    stage.hang();
    const startedAt = performance.now();
    expect(await stage.port.probe(stage.broker.address, short)).toMatchObject({ kind: "timedOut" });
    expect(performance.now() - startedAt).toBeLessThan(short.timeoutMs + lateMsMax);
  });

  test("who is told that it is master has become it when it has answered", async () => {
    await using stage = await open();
    const told = await stage.port.notify(stage.broker.address, { id: 2, info: masterIs(2, 8) }, options);
    expect(told).toMatchObject({ answered: true });
    expect(stage.broker.acting).toBe(true);
  });

  test("a master that holds a higher epoch goes on, and that counts as no answer", async () => {
    await using stage = await open();
    stage.broker.acting = true;
    const told = await stage.port.notify(stage.broker.address, { id: 2, info: masterIs(1, 7) }, options);
    expect(told).toMatchObject({ answered: false });
  });

  test("a demotion is answered by a broker that is no master any more", async () => {
    await using stage = await open();
    stage.broker.acting = true;
    const told = await stage.port.notify(stage.broker.address, { id: 2, info: masterIs(1, 8) }, options);
    expect(told).toMatchObject({ answered: true });
    expect(stage.broker.acting).toBe(false);
  });

  test("who acts as master says so, and who is gone says nothing", async () => {
    await using stage = await open();
    expect(await stage.port.isMaster(stage.broker.address, options)).toBe(false);
    stage.broker.acting = true;
    expect(await stage.port.isMaster(stage.broker.address, options)).toBe(true);
    await stage.end();
    expect(await stage.port.isMaster(stage.broker.address, short)).toBeNull();
  });

  test("what cannot be told, read or proven is a value, not an exception", async () => {
    await using stage = await open();
    await stage.end();
    const { address } = stage.broker;
    expect(await stage.port.notify(address, { id: 2, info: masterIs(1, 8) }, short)).toMatchObject({ answered: false });
    expect(await stage.port.settings(address, short)).toBeNull();
    expect(await stage.port.canary(address, "bs1", short)).toMatchObject({ ok: false });
  });

  test("a count of in-sync replicas comes from a master only", async () => {
    await using stage = await open();
    await expect(stage.port.inSyncCount(stage.broker.address, options)).rejects.toThrow();
    stage.broker.acting = true;
    expect(await stage.port.inSyncCount(stage.broker.address, options)).toBe(2);
  });

  test("the canary is accepted and read back on a master, and refused on a replica", async () => {
    await using stage = await open();
    expect(await stage.port.canary(stage.broker.address, "bs1", options)).toMatchObject({ ok: false });
    stage.broker.acting = true;
    expect(await stage.port.canary(stage.broker.address, "bs1", options)).toMatchObject({ ok: true });
  });

  test("the routed master is whom clients are told", async () => {
    await using stage = await open();
    expect(await stage.port.routedMaster("C1", "bs1", options)).toBeNull();
    stage.route("10.0.0.1:1");
    expect(await stage.port.routedMaster("C1", "bs1", options)).toBe("10.0.0.1:1");
  });

  test("settings are those in force", async () => {
    await using stage = await open();
    expect(await stage.port.settings(stage.broker.address, options)).toEqual(stage.settings);
  });

  test("a controller door is reached when it answers, whatever it says of leaders", async () => {
    await using stage = await open();
    expect(await stage.port.reaches(stage.controller, options)).toBe(true);
    expect(await stage.port.reaches(stage.broker.address, options)).toBe(false);
    await stage.end();
    expect(await stage.port.reaches(stage.broker.address, short)).toBe(false);
  });

  test("a call ends as soon as it is given up, with the reason", async () => {
    await using stage = await open();
    stage.hang();
    const giveUp = new AbortController();
    const asking = stage.port.probe(stage.broker.address, { timeoutMs: 60_000, signal: giveUp.signal });
    giveUp.abort(new Error("the daemon stops"));
    await expect(asking).rejects.toThrow("the daemon stops");
  });

  test("an address that is none, and one that nobody has, are no positive word of a death", async () => {
    await using stage = await open();
    for (const address of ["", "nowhere", "a:b", "127.0.0.1:0", "127.0.0.1:99999", "no-such-host.invalid:1"]) {
      const found = await stage.port.probe(address, short).catch((): ProbeOutcome => ({ kind: "untried", detail: "" }));
      expect(["timedOut", "untried"]).toContain(found.kind);
    }
  });
});

describe.for(kinds.filter(({ hasBarrier }) => hasBarrier))("$kind, which has a barrier", ({ open }) => {
  test("a broker that is being demoted takes no messages as a master, whatever a probe of it says", async () => {
    await using stage = await open();
    stage.broker.acting = true;
    stage.demoting();
    expect(await stage.port.isMaster(stage.broker.address, options)).toBe(false);
    expect(await stage.port.probe(stage.broker.address, options)).toMatchObject({ acting: true });
  });

  test("a barrier is raised in the broker's settings, and lowered with what it had before, as a reading shows", async () => {
    await using stage = await open();
    const { address } = stage.broker;
    expect(await stage.port.raiseBarrier(address, { minInSyncReplicas: 1_000_001 }, options)).toMatchObject({
      ok: true,
    });
    expect(await stage.port.settings(address, options)).toMatchObject({
      minInSyncReplicas: 1_000_001,
      brokerPermission: 4,
    });
    const own = { minInSyncReplicas: 1, brokerPermission: 4 };
    expect(await stage.port.lowerBarrier(address, own, options)).toMatchObject({ ok: true });
    expect(await stage.port.settings(address, options)).toMatchObject(own);
  });

  test("a barrier that cannot be raised or lowered is a value, and says why", async () => {
    await using stage = await open();
    const { address } = stage.broker;
    const own = { minInSyncReplicas: 1, brokerPermission: 4 };
    stage.refuseChanges();
    for (const result of [
      await stage.port.raiseBarrier(address, own, options),
      await stage.port.lowerBarrier(address, own, options),
    ]) {
      expect(result).toMatchObject({ ok: false, detail: expect.stringContaining("black list") });
    }
    await stage.end();
    expect(await stage.port.raiseBarrier(address, own, short)).toMatchObject({ ok: false });
    expect(await stage.port.lowerBarrier(address, own, short)).toMatchObject({ ok: false });
  });
});

function masterIs(id: number, epoch: number): MasterInfo {
  return { master: id, address: `127.0.0.1:${id}`, epoch, inSync: [id], inSyncEpoch: epoch };
}

async function startDoor(): Promise<Door> {
  const door = await openDoor({
    listen: "127.0.0.1:0",
    adminCidrs: [],
    timing,
    nextAsk: () => 1,
    clock: systemClock,
    log: silentLogger,
    onEvent(event) {
      if (event.kind !== "asked") return;
      const answer = { kind: "metadata", leader: null, leaderSite: "idc2", peers: [] } as const;
      setImmediate(() => door.answer(event.ask, answer));
    },
    onAudit() {},
    signal: options.signal,
  });
  return door;
}

async function openRocketmq(): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await startFakeBroker());
  const shown: { master: string | null } = { master: null };
  const nameServer = stack.use(await startFakeNameServer(shown));
  const door = stack.use(await startDoor());
  const port = stack.use(
    createRocketmqPort({
      nameservers: [nameServer.address],
      canaryTopic: "crossidc-canary",
      clock: systemClock,
      log: silentLogger,
    }),
  );
  const all = stack.move();
  return {
    port,
    broker,
    settings: {
      allAckInSyncStateSet: true,
      minInSyncReplicas: 1,
      flushDiskType: "ASYNC_FLUSH",
      brokerPermission: 4,
      spins: true,
    },
    controller: door.address,
    hang: () => {
      broker.answerAfter = new Promise(() => {});
    },
    refuseChanges: () => {
      broker.updateCode = resultCodes.NO_PERMISSION;
    },
    demoting: () => {
      broker.changing = true;
    },
    end: () => broker.stop(),
    route: (master) => {
      shown.master = master;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function openExec(): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const shown = "10.0.0.1:1";
  const members = stack.use(await createFakeMembers({ 1: shown, 2: "127.0.0.1:1" }));
  const door = stack.use(await startDoor());
  const port = stack.use(
    createExecPort({ cluster: members.cluster, turns: createScriptTurns(), masterOf: () => null, clock: systemClock }),
  );
  const broker = members.of(2);
  const all = stack.move();
  return {
    port,
    broker,
    settings: {
      allAckInSyncStateSet: false,
      minInSyncReplicas: 1,
      flushDiskType: "",
      brokerPermission: 0,
      spins: false,
    },
    controller: door.address,
    hang: () => broker.mark("hung"),
    refuseChanges: () => broker.mark("unfenceable"),
    demoting() {
      throw new Error("A member that a script looks after has no such state");
    },
    end: async () => broker.mark("gone"),
    // Clients are told whoever acts as master.
    route: (master) => {
      members.of(1).acting = master === shown;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
