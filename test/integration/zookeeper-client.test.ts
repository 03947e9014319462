import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { createZooKeeper } from "#lib/zookeeper/client.ts";
import type { ZooKeeperOptions } from "#lib/zookeeper/options.ts";
import type { Acl, SessionState, WatchEvent, ZooKeeper, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { connectApplication } from "./harness/application.ts";
import { makeCertificates } from "./harness/certificates.ts";
import { startEnsemble } from "./harness/ensemble.ts";
import { eventually } from "./harness/eventually.ts";
import { freePort } from "./harness/ports.ts";
import { startProxy } from "./harness/proxy.ts";
import { startZooKeeper, type ZooKeeperServer } from "./harness/zookeeper.ts";

const waitMsMax = 20_000;
const anyone: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
const creator: readonly Acl[] = [{ perms: 31, scheme: "auth", id: "" }];

/** The class path that Debian's jar names lacks three of Netty's parts, and all of them must come from one loader. */
const debianNetty = `-Xbootclasspath/a:${[
  "buffer",
  "codec",
  "common",
  "handler",
  "resolver",
  "transport",
  "transport-native-epoll",
  "transport-native-unix-common",
]
  .map((part) => `/usr/share/java/netty-${part}.jar`)
  .join(":")}`;

interface Party extends AsyncDisposable {
  readonly zk: ZooKeeper;
  readonly states: readonly SessionState[];
  readonly events: readonly WatchEvent[];
  /** For requests that a test expects an answer to. */
  readonly within: { readonly signal: AbortSignal };
  /** The client's own signal. */
  readonly life: AbortController;
}

/** A client of ours, not yet connected. */
function start(servers: readonly string[], options: Partial<ZooKeeperOptions> = {}): Party {
  const states: SessionState[] = [];
  const events: WatchEvent[] = [];
  const life = new AbortController();
  const zk = createZooKeeper({
    servers,
    sessionTimeoutMs: 4_000,
    connectTimeoutMs: 2_000,
    auth: [],
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    signal: life.signal,
    onState: (state) => states.push(state),
    onWatch: (event) => events.push(event),
    ...options,
  });
  const within = { signal: AbortSignal.timeout(60_000) };
  return { zk, states, events, within, life, [Symbol.asyncDispose]: () => zk.close() };
}

async function connect(servers: readonly string[], options: Partial<ZooKeeperOptions> = {}): Promise<Party> {
  const party = start(servers, options);
  await party.zk.connected(party.within);
  return party;
}

function until(check: () => void | Promise<void>): Promise<void> {
  return eventually(check, { withinMs: waitMsMax, everyMs: 5 });
}

const seen = (events: readonly WatchEvent[]) => events.map(({ kind, path }) => `${kind} ${path}`);
const told = (states: readonly SessionState[]) =>
  states.map((state) => (state.kind === "connected" ? `connected resumed=${state.resumed}` : state.kind));

/** Resolves when there was an outage and it is over. */
async function reconnected({ zk, states, within }: Party): Promise<void> {
  await until(() => expect(states.some((state) => state.kind === "connecting")).toBe(true));
  await zk.connected(within);
}

describe.for(["3.8", "3.9"] as const)("a ZooKeeper %s server", (version) => {
  let server: ZooKeeperServer;
  beforeAll(async () => {
    server = await startZooKeeper({ version });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  test("what we write an application reads, and what it writes we read", async () => {
    await using application = await connectApplication(server.address);
    await using party = await connect([server.address]);
    const { zk, within } = party;
    await zk.create("/both", Buffer.from("ours"), { acl: anyone, ...within });
    await zk.create("/both/null", null, { acl: anyone, ...within });
    await zk.create("/both/empty", Buffer.alloc(0), { acl: anyone, ...within });
    expect(await application.text("/both")).toBe("ours");
    expect(await application.children("/both")).toEqual(["empty", "null"]);

    await application.set("/both", "theirs");
    await application.create("/both/ünïcode-名前", "x");
    const { data, stat } = await zk.getData("/both", within);
    expect(Buffer.from(data ?? []).toString()).toBe("theirs");
    expect(stat).toMatchObject({ version: 1, dataLength: 6, numChildren: 3, ephemeralOwner: 0n });
    expect([...(await zk.getChildren("/both", within)).children].sort()).toEqual(["empty", "null", "ünïcode-名前"]);
    expect((await zk.getData("/both/null", within)).data).toBeNull();
    expect((await zk.getData("/both/empty", within)).data).toEqual(new Uint8Array());
    expect(await application.stat("/both")).toMatchObject({ mzxid: stat.mzxid, czxid: stat.czxid, version: 1 });
  });

  test("every request is answered or refused with the server's reason", async () => {
    await using party = await connect([server.address]);
    const { zk, within } = party;
    const created = await zk.create("/each", null, { acl: anyone, ...within });
    expect(created).toMatchObject({ path: "/each", stat: { version: 0, czxid: zk.lastZxid } });
    expect(await zk.setData("/each", Buffer.from("1"), 0, within)).toMatchObject({ version: 1, mzxid: zk.lastZxid });
    await expect(zk.setData("/each", Buffer.from("2"), 0, within)).rejects.toThrow(
      "Cannot set /each at version 0: badVersion (-103)",
    );
    expect(await zk.exists("/each", within)).toMatchObject({ version: 1 });
    expect(await zk.exists("/none", within)).toBeNull();
    expect(await zk.getAcl("/each", within)).toMatchObject({ acl: anyone, stat: { aversion: 0 } });
    expect(await zk.setAcl("/each", [{ perms: 1, scheme: "world", id: "anyone" }], 0, within)).toMatchObject({
      aversion: 1,
    });
    await expect(zk.setData("/each", null, -1, within)).rejects.toThrow("noAuth (-102)");
    await expect(zk.getData("/none", within)).rejects.toThrow("Cannot read /none: noNode (-101)");
    await expect(zk.create("/each", null, { acl: anyone, ...within })).rejects.toThrow("nodeExists (-110)");
    await expect(zk.create("/acl", null, { acl: [], ...within })).rejects.toThrow("invalidAcl (-114)");
    await expect(zk.delete("/none", -1, within)).rejects.toThrow("Cannot delete /none at version -1: noNode (-101)");
    await zk.delete("/each", 1, within);
    await zk.sync("/", within);
    expect(await zk.whoAmI(within)).toContainEqual({ scheme: "ip", id: "127.0.0.1" });
  });

  test("ephemeral and sequential nodes get their owner and their number, and go with the session", async () => {
    await using application = await connectApplication(server.address);
    const party = await connect([server.address]);
    const { zk, within, states } = party;
    const node = { acl: anyone, ephemeral: true, sequential: true, ...within };
    const { path, stat } = await zk.create("/latch-", null, node);
    expect(path).toMatch(/^\/latch-\d{10}$/);
    expect(states[0]).toMatchObject({ sessionId: stat.ephemeralOwner });
    await zk.close();
    expect(await application.stat(path)).toBeNull();
  });

  test("a multi is applied whole or refused whole, with the operation that caused it", async () => {
    await using party = await connect([server.address]);
    const { zk, within } = party;
    const applied = await zk.multi(
      [
        { kind: "create", path: "/multi", data: null, acl: anyone },
        { kind: "create", path: "/multi/n-", data: Buffer.from("1"), acl: anyone, sequential: true },
        { kind: "set", path: "/multi", data: Buffer.alloc(0), version: 0 },
        { kind: "check", path: "/multi", version: 1 },
        { kind: "delete", path: "/multi/n-0000000000", version: 0 },
      ],
      within,
    );
    expect(applied).toMatchObject({
      kind: "applied",
      zxid: zk.lastZxid,
      results: [
        { kind: "create", path: "/multi" },
        { kind: "create", path: "/multi/n-0000000000" },
        { kind: "set", stat: { version: 1 } },
        { kind: "check" },
        { kind: "delete" },
      ],
    });
    const refused = await zk.multi(
      [
        { kind: "set", path: "/multi", data: Buffer.from("lost"), version: 1 },
        { kind: "check", path: "/multi", version: 9 },
        { kind: "delete", path: "/multi", version: -1 },
      ],
      within,
    );
    expect(refused).toEqual({ kind: "refused", failedAt: 1, code: -103 });
    expect((await zk.getData("/multi", within)).data).toEqual(new Uint8Array());
  });

  test("in a multiRead each answer stands alone", async () => {
    await using party = await connect([server.address]);
    const { zk, within } = party;
    await zk.create("/read", Buffer.from("r"), { acl: anyone, ...within });
    await zk.create("/read/child", null, { acl: anyone, ...within });
    const { results, zxid } = await zk.multiRead(
      [
        { kind: "data", path: "/read" },
        { kind: "data", path: "/none" },
        { kind: "children", path: "/read" },
        { kind: "children", path: "/none" },
        { kind: "data", path: "/read/child" },
      ],
      within,
    );
    expect(results).toMatchObject([
      { kind: "data", data: new Uint8Array(Buffer.from("r")), stat: { numChildren: 1 } },
      { kind: "error", code: -101 },
      { kind: "children", children: ["child"] },
      { kind: "error", code: -101 },
      { kind: "data", data: null },
    ]);
    expect(zxid).toBe(zk.lastZxid);
  });

  test("below a chroot all paths of requests, answers and events are our own", async () => {
    await using application = await connectApplication(server.address);
    await application.mkdirp("/chroot/dc1");
    await application.mkdirp("/chroot/dc10");
    await using party = await connect([server.address], { chroot: "/chroot/dc1" });
    const { zk, within, events } = party;
    await zk.addWatch("/", { recursive: true, ...within });
    const created = await zk.create("/a", null, { acl: anyone, ...within });
    const outcome = await zk.multi([{ kind: "create", path: "/a/b", data: null, acl: anyone }], within);
    expect(created.path).toBe("/a");
    expect(outcome).toMatchObject({ results: [{ path: "/a/b" }] });
    await application.create("/chroot/dc10/outside");
    await application.set("/chroot/dc1", "root");
    await zk.sync("/", within);
    expect(seen(events)).toEqual(["created /a", "created /a/b", "dataChanged /"]);
    expect((await zk.getChildren("/", within)).children).toEqual(["a"]);
    expect(await application.children("/chroot/dc1/a")).toEqual(["b"]);
  });

  test("a persistent watch tells of the node and its children, a recursive one of everything below", async () => {
    await using application = await connectApplication(server.address);
    await using party = await connect([server.address]);
    const { zk, within, events } = party;
    await zk.addWatch("/flat", { recursive: false, ...within });
    await zk.addWatch("/deep", { recursive: true, ...within });
    for (const root of ["/flat", "/deep"]) {
      await application.create(root);
      await application.create(`${root}/child`);
      await application.set(`${root}/child`, "x");
      await application.set(root, "x");
      await application.removeAll(root);
    }
    await zk.sync("/", within);
    expect(seen(events)).toEqual([
      "created /flat",
      "childrenChanged /flat",
      "dataChanged /flat",
      "childrenChanged /flat",
      "deleted /flat",
      "created /deep",
      "created /deep/child",
      "dataChanged /deep/child",
      "dataChanged /deep",
      "deleted /deep/child",
      "deleted /deep",
    ]);
    const zxids = new Set(events.map(({ zxid }) => typeof zxid));
    expect(zxids).toEqual(new Set([version === "3.8" ? "undefined" : "bigint"]));
  });

  test("a session goes on over a cut connection, with its ephemerals and its watches", async () => {
    await using application = await connectApplication(server.address);
    await using proxy = await startProxy({ target: server.address });
    await using party = await connect([proxy.address]);
    const { zk, within, events, states } = party;
    await zk.create("/resume", null, { acl: anyone, ...within });
    await zk.create("/resume/mine", null, { acl: anyone, ephemeral: true, ...within });
    await zk.addWatch("/resume", { recursive: true, ...within });
    proxy.dropConnections();
    await reconnected(party);
    await application.set("/resume", "after");
    await zk.sync("/", within);
    expect(told(states)).toEqual(["connected resumed=false", "connecting", "connected resumed=true"]);
    expect(seen(events)).toEqual(["dataChanged /resume"]);
    expect(await application.children("/resume")).toEqual(["mine"]);
  });

  test("an expired session is replaced by a new one with its watches, but not its ephemerals", async () => {
    await using application = await connectApplication(server.address);
    await using proxy = await startProxy({ target: server.address });
    await using party = await connect([proxy.address], { sessionTimeoutMs: 600 });
    const { zk, within, events, states } = party;
    await zk.create("/expiry", null, { acl: anyone, ...within });
    await zk.create("/expiry/mine", null, { acl: anyone, ephemeral: true, ...within });
    await zk.addWatch("/expiry", { recursive: true, ...within });
    await proxy.cut();
    await until(async () => expect(await application.stat("/expiry/mine")).toBeNull());
    await proxy.heal();
    await zk.connected(within);
    await application.set("/expiry", "after");
    await zk.sync("/", within);
    expect(told(states).at(-1)).toBe("connected resumed=false");
    expect(seen(events)).toEqual(["dataChanged /expiry"]);
    const ids = states.flatMap((state) => (state.kind === "connected" ? [state.sessionId] : []));
    expect(new Set(ids).size).toBe(2);
  });

  test("a session with nothing to do stays alive by its pings", async () => {
    await using party = await connect([server.address], { sessionTimeoutMs: 600 });
    await delay(2_000);
    expect(told(party.states)).toEqual(["connected resumed=false"]);
  });

  test("a session that only receives events stays alive by its pings", async () => {
    await using application = await connectApplication(server.address);
    await using party = await connect([server.address], { sessionTimeoutMs: 600 });
    const { zk, within, events, states } = party;
    await application.create("/stream");
    await zk.addWatch("/stream", { recursive: true, ...within });
    const endAt = performance.now() + 2_000;
    let sets = 0;
    for (; performance.now() < endAt; sets += 1) {
      await application.set("/stream", String(sets));
      await delay(25);
    }
    await until(() => expect(events).toHaveLength(sets));
    expect(told(states)).toEqual(["connected resumed=false"]);
  });

  test("a frozen server is noticed after two thirds of the session timeout, and used again once it wakes", async () => {
    await using frozen = await startZooKeeper({ version });
    const sessionTimeoutMs = 3_000;
    await using party = await connect([frozen.address], { sessionTimeoutMs, connectTimeoutMs: 500 });
    const { zk, within, states } = party;
    frozen.stop();
    const frozenAt = performance.now();
    await expect(zk.getData("/", within)).rejects.toThrow("connectionLoss (-4): the server was silent for");
    const noticedMs = performance.now() - frozenAt;
    expect(states.at(-1)?.kind).toBe("connecting");
    // What was heard last may be a third of the timeout older than the freeze.
    expect(noticedMs).toBeGreaterThan(sessionTimeoutMs / 3 - 100);
    expect(noticedMs).toBeLessThan((sessionTimeoutMs * 2) / 3 + 500);
    await expect(zk.getData("/", within)).rejects.toThrow("not connected");
    frozen.cont();
    await zk.connected(within);
  });

  test("a node that only we may read is readable right after every reconnect", async () => {
    await using proxy = await startProxy({ target: server.address });
    const auth = [{ scheme: "digest", credential: Buffer.from("replicator:secret") }];
    await using party = await connect([proxy.address], { auth });
    await using other = await connect([server.address]);
    const { zk, within } = party;
    await zk.create("/secret", Buffer.from("s"), { acl: creator, ...within });
    await zk.addWatch("/secret", { recursive: true, ...within });
    await expect(other.zk.getData("/secret", within)).rejects.toThrow("noAuth (-102)");
    for (let round = 0; round < 5; round += 1) {
      const dropped = party.states.length;
      proxy.dropConnections();
      await until(() => expect(party.states.length).toBeGreaterThan(dropped));
      await zk.connected(within);
      await zk.setData("/secret", Buffer.from(String(round)), round, within);
    }
    // The server drops events of nodes the session may not read: the watch, too, came after the credentials.
    expect(seen(party.events)).toEqual(Array.from({ length: 5 }, () => "dataChanged /secret"));
    expect(await zk.whoAmI(within)).toContainEqual({ scheme: "digest", id: "replicator" });
  });

  test("credentials of a scheme the server lacks close the client with that reason", async () => {
    await using party = start([server.address], { auth: [{ scheme: "nix", credential: Buffer.from("x") }] });
    await expect(party.zk.connected(party.within)).rejects.toThrow("authenticate by scheme nix: authFailed (-115)");
    expect(party.states).toMatchObject([{ kind: "closed", reason: expect.stringContaining("authFailed") }]);
  });

  test("a dead server in the list is passed over", async () => {
    const [dead, alsoDead] = [await freePort(), await freePort()];
    await using party = start([`127.0.0.1:${dead}`, `127.0.0.1:${alsoDead}`, server.address]);
    await party.zk.connected(party.within);
    expect(party.zk.state).toMatchObject({ server: server.address });
  });

  test("when its server dies, a session goes on at another of the ensemble with its ephemerals and its watches", async () => {
    await using ensemble = await startEnsemble({ version, size: 3 });
    await using party = await connect(ensemble.connect, { sessionTimeoutMs: 6_000 });
    const { zk, within, events, states } = party;
    await zk.create("/ensemble", null, { acl: anyone, ...within });
    await zk.create("/ensemble/mine", null, { acl: anyone, ephemeral: true, ...within });
    await zk.addWatch("/ensemble", { recursive: true, ...within });
    const [state] = states;
    const served = ensemble.servers.find(({ address }) => state?.kind === "connected" && state.server === address);
    await served?.kill();
    await reconnected(party);
    await zk.setData("/ensemble", Buffer.from("after"), 0, within);
    expect(seen(events)).toEqual(["dataChanged /ensemble"]);
    expect((await zk.getChildren("/ensemble", within)).children).toEqual(["mine"]);
    expect(states.at(-1)).toMatchObject({ kind: "connected", resumed: true });
    expect(states.at(-1)).not.toMatchObject({ server: served?.address });
  });

  test("a server that is behind what we have seen refuses us, and the state says so", async () => {
    await using party = start([server.address], { lastZxidSeen: 0x7fff_0000_0000n as Zxid });
    await until(() =>
      expect(party.states[0]).toMatchObject({
        kind: "connecting",
        reason: expect.stringContaining("perhaps its zxid is behind ours (0x7fff00000000)"),
      }),
    );
    expect(told(party.states)).not.toContain("connected resumed=false");
  });

  test("thousands of watches with long paths are set again in packets the server takes", async () => {
    await using proxy = await startProxy({ target: server.address });
    await using party = await connect([proxy.address], { sessionTimeoutMs: 10_000 });
    const { zk, within, events } = party;
    const paths = Array.from({ length: 3_000 }, (_, i) => `/long-${"x".repeat(600)}-${i}`);
    await Promise.all(paths.map((path, i) => zk.addWatch(path, { recursive: i % 2 === 0, ...within })));
    proxy.dropConnections();
    await reconnected(party);
    expect(await server.fourLetter("wchs")).toContain("Total watches:3000");
    const [first, last] = [paths.at(0) ?? "", paths.at(-1) ?? ""];
    for (const path of [first, last]) await zk.create(path, null, { acl: anyone, ...within });
    expect(seen(events)).toEqual([`created ${first}`, `created ${last}`]);
  });

  test("a request too large for the server is refused before it is sent; the largest allowed passes", async () => {
    await using party = await connect([server.address]);
    const { zk, within, states } = party;
    await expect(zk.create("/large", Buffer.alloc(1_048_575), { acl: anyone, ...within })).rejects.toMatchObject({
      code: "ZK_REQUEST_TOO_LARGE",
      message: expect.stringMatching(
        /^Cannot create \/large: the request takes at least 10\d{5} bytes, and 1047551 are/,
      ),
    });
    const overheadBytes = 8 + 10 + 4 + 31 + 4;
    await zk.create("/large", Buffer.alloc(1_047_551 - overheadBytes), { acl: anyone, ...within });
    expect(told(states)).toEqual(["connected resumed=false"]);
  });

  test("ten thousand requests at once are answered in order, with no more in flight than allowed", async () => {
    await using party = await connect([server.address], { limits: { requestsInFlightMax: 64 } });
    const { zk, within } = party;
    await zk.create("/pipeline", null, { acl: anyone, ...within });
    const order: number[] = [];
    const versions = await Promise.all(
      Array.from({ length: 10_000 }, async (_, i) => {
        const stat =
          i % 10 === 0
            ? await zk.setData("/pipeline", Buffer.from(`${i}`), -1, within)
            : await zk.exists("/pipeline", within);
        order.push(i);
        return stat?.version;
      }),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(versions).toEqual(Array.from({ length: 10_000 }, (_, i) => Math.floor(i / 10) + 1));
  });

  test("sixty thousand children arrive in one answer", async () => {
    await using party = await connect([server.address], { sessionTimeoutMs: 20_000 });
    const { zk, within } = party;
    await zk.create("/many", null, { acl: anyone, ...within });
    const names = Array.from({ length: 60_000 }, (_, i) => `child-${String(i).padStart(20, "0")}`);
    const batches: Promise<unknown>[] = [];
    for (let i = 0; i < names.length; i += 1_000) {
      const ops = names
        .slice(i, i + 1_000)
        .map((name) => ({ kind: "create" as const, path: `/many/${name}`, data: null, acl: anyone }));
      batches.push(zk.multi(ops, within));
    }
    await Promise.all(batches);
    const { children, stat } = await zk.getChildren("/many", within);
    expect(stat.numChildren).toBe(60_000);
    expect([...children].sort()).toEqual(names);
  });

  test("close lets what is in flight arrive, then the session is gone at the server", async () => {
    await using application = await connectApplication(server.address);
    await application.create("/flush");
    const { zk, within, states } = await connect([server.address]);
    const writes = Array.from({ length: 500 }, (_, i) =>
      zk.create(`/flush/${i}`, null, { acl: anyone, ephemeral: i === 0, ...within }),
    );
    const [settled] = await Promise.all([Promise.allSettled(writes), zk.close()]);
    expect(settled.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(await application.children("/flush")).toHaveLength(499);
    expect(told(states)).toEqual(["connected resumed=false", "closed"]);
  });

  test("a client whose signal is aborted ends its session at the server too", async () => {
    await using application = await connectApplication(server.address);
    const { zk, within, life } = await connect([server.address]);
    await zk.create("/aborted", null, { acl: anyone, ephemeral: true, ...within });
    life.abort();
    await zk.close();
    expect(await application.stat("/aborted")).toBeNull();
  });

  test("over TLS, both sides show certificates, and one of another name is refused", async () => {
    await using certificates = await makeCertificates();
    const securePort = await freePort();
    await using secure = await startZooKeeper({
      version,
      jvmArgs: version === "3.8" ? [debianNetty] : [],
      config: {
        serverCnxnFactory: "org.apache.zookeeper.server.NettyServerCnxnFactory",
        secureClientPort: String(securePort),
        secureClientPortAddress: "127.0.0.1",
        "ssl.keyStore.location": certificates.files.server,
        "ssl.keyStore.type": "PEM",
        "ssl.trustStore.location": certificates.files.ca,
        "ssl.trustStore.type": "PEM",
      },
    });
    const address = `127.0.0.1:${securePort}`;
    const connectTimeoutMs = 10_000;
    await using party = await connect([address], { tls: certificates.client, connectTimeoutMs });
    await party.zk.create("/tls", Buffer.alloc(100_000, 7), { acl: anyone, ...party.within });
    const { data } = await party.zk.getData("/tls", party.within);
    expect(Buffer.compare(data ?? new Uint8Array(), Buffer.alloc(100_000, 7))).toBe(0);
    expect(await secure.fourLetter("srvr")).toContain("Mode: standalone");

    await using named = start([address], {
      tls: { ...certificates.client, serverName: "elsewhere.example" },
      connectTimeoutMs,
    });
    await until(() => expect(named.states[0]).toMatchObject({ reason: expect.stringContaining("elsewhere.example") }));
    const { ca } = certificates.client;
    await using nameless = start([address], { tls: { ca }, connectTimeoutMs });
    await until(() =>
      expect(nameless.states[0]).toMatchObject({ reason: expect.stringMatching(/alert .*certificate/) }),
    );
  });
});
