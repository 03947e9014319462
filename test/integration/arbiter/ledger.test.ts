import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readEtcdOptions } from "#config/clients.ts";
import { systemClock } from "#lib/clock.ts";
import { callTimeoutMs } from "#lib/etcd/members.ts";
import { silentLogger } from "#lib/log.ts";
import type { LedgerEntry } from "../../../arbiter/core/events.ts";
import { followAnewMsMax } from "../../../arbiter/io/etcd/follow.ts";
import { leaseTtlMs } from "../../../arbiter/io/etcd/lease.ts";
import { type EtcdLedger, type EtcdLedgerDeps, openEtcdLedger } from "../../../arbiter/io/etcd-ledger.ts";
import { type EtcdCluster, startEtcd } from "../harness/etcd.ts";
import { eventually } from "../harness/eventually.ts";
import { arbiterPassword, rootUser, startGuardedEtcd } from "./guarded-etcd.ts";

const { signal } = new AbortController();
/** A follower elects itself after 1 to 2 s of silence; what is on its way then may need its own time-out besides. */
const electionMsMax = 5_000;

function open(cluster: EtcdCluster, options: Partial<EtcdLedgerDeps> & { first?: string } = {}): EtcdLedger {
  const { first, ...rest } = options;
  const endpoints = first === undefined ? cluster.endpoints : startingWith(first, cluster.endpoints);
  return openEtcdLedger({
    etcd: { endpoints },
    prefix: "/crossidc/test/",
    site: "idc1",
    clock: systemClock,
    log: silentLogger,
    ...rest,
  });
}

function startingWith(first: string, endpoints: readonly string[]): string[] {
  return [first, ...endpoints.filter((endpoint) => endpoint !== first)];
}

const put = (key: string, text: string, revision?: bigint) => ({
  compares: revision === undefined ? [] : [{ key, revision }],
  puts: [{ key, text, onLease: false }],
  deletes: [],
});

/** What a listener knows by now, and how often it was told everything. */
function listen(ledger: EtcdLedger) {
  const known = new Map<string, LedgerEntry>();
  const state = { alls: 0, known, failure: undefined as unknown, revisions: [] as bigint[] };
  const stop = new AbortController();
  const following = ledger
    .follow(
      {
        all(entries) {
          state.alls += 1;
          known.clear();
          state.revisions.length = 0;
          for (const entry of entries) known.set(entry.key, entry);
        },
        changed(key, text, revision) {
          state.revisions.push(revision);
          if (text === null) known.delete(key);
          else known.set(key, { key, text, revision });
        },
      },
      { signal: stop.signal },
    )
    .catch((error: unknown) => {
      state.failure = error;
    });
  return {
    state,
    text: (key: string) => known.get(key)?.text,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      expect(state.failure).toBeUndefined();
      expect(state.revisions).toEqual(state.revisions.toSorted((a, b) => Number(a - b)));
    },
  };
}

/** Everything below the prefix but the proofs, by etcdctl. */
async function contents(cluster: EtcdCluster): Promise<Record<string, string>> {
  const lines = (await cluster.ctl("get", "--prefix", "/crossidc/test/")).split("\n");
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const key = (lines[index] ?? "").replace("/crossidc/test/", "");
    if (!key.startsWith("proofs/")) found[key] = lines[index + 1] ?? "";
  }
  return found;
}

const textsOf = (known: ReadonlyMap<string, LedgerEntry>) =>
  Object.fromEntries([...known].map(([key, { text }]) => [key, text]));

describe("one member", () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd({ size: 1 });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  beforeEach(async () => {
    await cluster.ctl("del", "--prefix", "/crossidc/");
  });

  test("a comparison with a text holds for that text alone, and not where nothing is", async () => {
    await using ledger = open(cluster);
    await ledger.commit(put("audit/idc1/head", "one", 0n), { signal });
    const onText = (text: string, key = "audit/idc1/head") => ({
      ...put("sets/C1/a", `after ${text}`),
      compares: [{ key, text }],
    });
    expect(await ledger.commit(onText("two"), { signal })).toMatchObject({
      kind: "outdated",
      entries: [{ key: "audit/idc1/head", text: "one" }],
    });
    expect(await ledger.commit(onText("", "audit/idc2/head"), { signal })).toEqual({
      kind: "outdated",
      entries: [],
      revision: expect.any(BigInt),
    });
    expect(await ledger.commit(onText("one"), { signal })).toMatchObject({ kind: "committed" });
    expect(await contents(cluster)).toEqual({ "audit/idc1/head": "one", "sets/C1/a": "after one" });
  });

  test("a transaction whose comparison no longer holds changes nothing, and says how it is now", async () => {
    await using ledger = open(cluster);
    const first = await ledger.commit(put("sets/C1/a", "one", 0n), { signal });
    if (first.kind !== "committed") throw new Error("not committed");
    const now = { key: "sets/C1/a", text: "one", revision: first.revision };

    const absent = { compares: [{ key: "sets/C1/a", revision: 0n }], puts: [], deletes: ["sets/C1/a"] };
    expect(await ledger.commit(absent, { signal })).toEqual({
      kind: "outdated",
      entries: [now],
      revision: first.revision,
    });
    const both = {
      ...put("sets/C1/b", "two", 0n),
      compares: [
        { key: "sets/C1/a", revision: first.revision },
        { key: "sets/C1/b", revision: 7n },
      ],
    };
    expect(await ledger.commit(both, { signal })).toEqual({
      kind: "outdated",
      entries: [now],
      revision: first.revision,
    });
    expect(await contents(cluster)).toEqual({ "sets/C1/a": "one" });

    const moved = { ...put("sets/C1/b", "two", 0n), deletes: ["sets/C1/a"] };
    expect(await ledger.commit(moved, { signal })).toMatchObject({ kind: "committed" });
    expect(await contents(cluster)).toEqual({ "sets/C1/b": "two" });
  });

  test("of two writers that compare the same revision, one wins, 100 times", async () => {
    await using one = open(cluster);
    await using two = open(cluster, { site: "idc2" });
    let revision = 0n;
    for (let round = 0; round < 100; round += 1) {
      const outcomes = await Promise.all([
        one.commit(put("sets/C1/a", `one ${round}`, revision), { signal }),
        two.commit(put("sets/C1/a", `two ${round}`, revision), { signal }),
      ]);
      const committed = outcomes.flatMap((outcome) => (outcome.kind === "committed" ? [outcome.revision] : []));
      const refused = outcomes.flatMap((outcome) => (outcome.kind === "outdated" ? outcome.entries : []));
      expect(committed).toHaveLength(1);
      expect(refused.map((entry) => entry.revision)).toEqual(committed);
      revision = committed[0] ?? 0n;
    }
  });

  test("a transaction that changes nothing is written all the same, and is told to nobody", async () => {
    await using ledger = open(cluster);
    await using heard = listen(ledger);
    const first = await ledger.commit({ compares: [], puts: [], deletes: [] }, { signal });
    const second = await ledger.commit({ compares: [], puts: [], deletes: [] }, { signal });
    if (first.kind !== "committed" || second.kind !== "committed") throw new Error("not committed");
    expect(second.revision).toBeGreaterThan(first.revision);
    await ledger.commit(put("pause", "x"), { signal });
    await eventually(() => expect(textsOf(heard.state.known)).toEqual({ pause: "x" }), { withinMs: 5_000 });
  });

  test("more operations than etcd takes are a fault of ours", async () => {
    await using ledger = open(cluster);
    const puts = Array.from({ length: 101 }, (_, n) => ({ key: `k${n}`, text: "", onLease: false }));
    await expect(ledger.commit({ compares: [], puts, deletes: [] }, { signal })).rejects.toThrow("at most 100 writes");
    await ledger.commit({ compares: [], puts: puts.slice(1), deletes: [] }, { signal });
    expect(Object.keys(await contents(cluster))).toHaveLength(100);
  });

  test("a listener is told everything, however much it is, and then each change in order", async () => {
    await using ledger = open(cluster);
    for (let from = 0; from < 1_200; from += 100) {
      const puts = Array.from({ length: 100 }, (_, n) => ({ key: `k/${from + n}`, text: "é", onLease: false }));
      await ledger.commit({ compares: [], puts, deletes: [] }, { signal });
    }
    await using heard = listen(ledger);
    await eventually(() => expect(heard.state.known.size).toBe(1_200), { withinMs: 5_000 });
    await ledger.commit({ ...put("k/0", "new"), deletes: ["k/1", "k/2"] }, { signal });
    await eventually(() => expect(heard.state.known.size).toBe(1_198), { withinMs: 5_000 });
    expect(textsOf(heard.state.known)).toEqual(await contents(cluster));
    expect(heard.state.alls).toBe(1);
    expect((await ledger.list("k/", { limit: 1, signal })).map(({ key }) => key)).toEqual(["k/0"]);
  });

  test("keys on the lease stay while the site lives, and go with it", async () => {
    const site = open(cluster);
    await using other = open(cluster, { site: "idc2" });
    await using heard = listen(other);
    await site.commit({ ...put("x", "y"), puts: [{ key: "sites/idc1", text: "here", onLease: true }] }, { signal });
    await systemClock.sleep(leaseTtlMs + 2_500, { signal });
    expect(heard.text("sites/idc1")).toBe("here");
    await site[Symbol.asyncDispose]();
    await eventually(() => expect(heard.text("sites/idc1")).toBeUndefined(), { withinMs: 2_000 });
  });

  test("a lease that is lost takes its keys, and the next put makes a new one", async () => {
    await using ledger = open(cluster);
    await using heard = listen(ledger);
    const beat = (text: string) =>
      ledger.commit({ ...put("x", ""), puts: [{ key: "sites/idc1", text, onLease: true }] }, { signal });
    await beat("one");
    const leases = async () => (await cluster.ctl("lease", "list")).split("\n").slice(1).filter(Boolean);
    const [lease = ""] = await leases();
    await eventually(() => expect(heard.text("sites/idc1")).toBe("one"), { withinMs: 5_000 });
    await cluster.ctl("lease", "revoke", lease);
    await eventually(() => expect(heard.text("sites/idc1")).toBeUndefined(), { withinMs: 5_000 });
    expect(await beat("two")).toMatchObject({ kind: "committed" });
    await eventually(() => expect(heard.text("sites/idc1")).toBe("two"), { withinMs: 5_000 });
    expect(await leases()).toEqual([expect.not.stringMatching(lease)]);
  });

  test("the oldest decisions are deleted, history is compacted, and listeners go on", async () => {
    await using ledger = open(cluster);
    await using heard = listen(ledger);
    for (const set of ["a", "b"]) {
      for (let epoch = 1; epoch <= 12; epoch += 1) {
        await ledger.commit(put(`decisions/C1/${set}/${epoch}`, "{}"), { signal });
      }
    }
    // One that is further back than the revisions which are kept would have to read everything again.
    await eventually(() => expect(heard.state.known.size).toBe(24), { withinMs: 5_000 });
    const tidied = await ledger.tidy({ signal, keepPerSet: 2, keepRevisions: 10n });
    expect(tidied.deleted).toBe(20);
    expect(tidied.compactedTo).toBeGreaterThan(0n);
    const kept = ["a/11", "a/12", "b/11", "b/12"].map((name) => `decisions/C1/${name}`);
    await eventually(() => expect([...heard.state.known.keys()].sort()).toEqual(kept), { withinMs: 5_000 });
    expect(await ledger.tidy({ signal, keepPerSet: 2, keepRevisions: 100n })).toEqual({
      deleted: 0,
      compactedTo: null,
    });
    await ledger.commit(put("pause", "x"), { signal });
    await eventually(() => expect(heard.text("pause")).toBe("x"), { withinMs: 5_000 });
    expect(heard.state.alls).toBe(1);
  });

  test("a listener's own fault comes out of follow", async () => {
    await using ledger = open(cluster);
    const fault = new Error("a fault");
    const on = {
      all() {
        throw fault;
      },
      changed() {},
    };
    await expect(ledger.follow(on, { signal })).rejects.toBe(fault);
  });
});

describe("three members", () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd({ size: 3 });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  beforeEach(async () => {
    await cluster.ctl("del", "--prefix", "/crossidc/");
  });

  /** Writes a beat each 250 ms, as a site does, and gives the longest time without a committed one. */
  function beating(ledger: EtcdLedger) {
    const stop = new AbortController();
    let lastAt = performance.now();
    let longestMs = 0;
    const inFlight = new Set<Promise<void>>();
    const run = async () => {
      for (let beat = 1; !stop.signal.aborted; beat += 1) {
        const puts = [{ key: "sites/idc1", text: String(beat), onLease: true }];
        const one = ledger.commit({ compares: [], puts, deletes: [] }, { signal }).then(
          () => {
            longestMs = Math.max(longestMs, performance.now() - lastAt);
            lastAt = performance.now();
          },
          () => {},
        );
        inFlight.add(one);
        void one.finally(() => inFlight.delete(one));
        await systemClock.sleep(250, { signal: stop.signal }).catch(() => {});
      }
      await Promise.all(inFlight);
    };
    const running = run();
    return {
      async longestMs(): Promise<number> {
        stop.abort();
        await running;
        return longestMs;
      },
    };
  }

  const follower = async () => {
    const leader = await cluster.leader();
    const found = cluster.members.find((member) => member !== leader);
    if (found === undefined) throw new Error("no follower");
    return found;
  };

  test.each(["paused", "killed"] as const)("a %s follower costs at most one time-out", async (how) => {
    const member = await follower();
    await using ledger = open(cluster, { first: member.endpoint });
    await using heard = listen(ledger);
    await eventually(() => expect(heard.state.alls).toBe(1), { withinMs: 5_000 });
    const beats = beating(ledger);
    await systemClock.sleep(500, { signal });
    try {
      if (how === "paused") member.stop();
      else await member.kill();
      await systemClock.sleep(3_000, { signal });
      const longestMs = await beats.longestMs();
      console.log(`etcd follower ${how}: longest time without a commit ${Math.round(longestMs)} ms`);
      expect(longestMs).toBeLessThan(callTimeoutMs + 1_000);
      await ledger.commit(put("sets/C1/a", how), { signal });
      await eventually(() => expect(heard.text("sets/C1/a")).toBe(how), { withinMs: followAnewMsMax });
      expect(heard.state.alls).toBeGreaterThan(1);
    } finally {
      if (how === "paused") member.cont();
      else member.start();
      await cluster.ready();
    }
  });

  test.each(["paused", "killed"] as const)("a %s leader costs an election", async (how) => {
    const member = await cluster.leader();
    await using ledger = open(cluster, { first: member.endpoint });
    await ledger.commit(put("sets/C1/a", "before"), { signal });
    const beats = beating(ledger);
    try {
      if (how === "paused") member.stop();
      else await member.kill();
      await systemClock.sleep(electionMsMax, { signal });
      const longestMs = await beats.longestMs();
      console.log(`etcd leader ${how}: longest time without a commit ${Math.round(longestMs)} ms`);
      expect(longestMs).toBeLessThan(electionMsMax);
    } finally {
      if (how === "paused") member.cont();
      else member.start();
      await cluster.ready();
    }
  });

  test.each(["paused", "killed"] as const)(
    "with all members %s a commit fails in time, and works again after",
    async (how) => {
      await using ledger = open(cluster);
      await using heard = listen(ledger);
      await ledger.commit(put("sets/C1/a", "before"), { signal });
      try {
        for (const member of cluster.members) {
          if (how === "paused") member.stop();
          else await member.kill();
        }
        for (let tries = 0; tries < 4; tries += 1) {
          const startedAt = performance.now();
          const commit = ledger.commit(put("sets/C1/b", "meanwhile"), { signal });
          await expect(commit).rejects.toMatchObject({ code: "ARB_LEDGER_UNANSWERED" });
          expect(performance.now() - startedAt).toBeLessThan(callTimeoutMs + 500);
        }
      } finally {
        for (const member of cluster.members) {
          if (how === "paused") member.cont();
          else member.start();
        }
      }
      await cluster.ready();
      await eventually(() => ledger.commit(put("sets/C1/a", "after"), { signal }), { withinMs: 5_000 });
      await eventually(() => expect(heard.text("sets/C1/a")).toBe("after"), { withinMs: 2 * followAnewMsMax });
      expect(textsOf(heard.state.known)).toEqual(await contents(cluster));
    },
  );

  test("without a quorum not even a comparison is answered, as it is where nothing is written along with it", async () => {
    const leader = await cluster.leader();
    const others = cluster.members.filter((member) => member !== leader);
    await using ledger = open(cluster, { first: leader.endpoint });
    await ledger.commit(put("sets/C1/a", "before"), { signal });
    for (const member of others) await member.kill();
    try {
      const check = { compares: [{ key: "sets/C1/a", revision: 0n }], puts: [], deletes: [] };
      await expect(ledger.commit(check, { signal })).rejects.toMatchObject({ code: "ARB_LEDGER_UNANSWERED" });
      const compare = [{ key: Buffer.from("x").toString("base64"), target: "MOD", result: "EQUAL", mod_revision: "0" }];
      const answer = await fetch(`http://${leader.endpoint}/v3/kv/txn`, {
        method: "POST",
        body: JSON.stringify({ compare }),
        signal: AbortSignal.timeout(callTimeoutMs),
      });
      expect(await answer.json()).toMatchObject({ succeeded: true });
    } finally {
      for (const member of others) member.start();
      await cluster.ready();
    }
  });

  test("a signal ends the wait for an answer at once", async () => {
    await using ledger = open(cluster);
    for (const member of cluster.members) member.stop();
    try {
      const stopping = new AbortController();
      const reason = new Error("stopped");
      const commit = ledger.commit(put("sets/C1/a", "x"), { signal: stopping.signal });
      stopping.abort(reason);
      await expect(commit).rejects.toBe(reason);
    } finally {
      for (const member of cluster.members) member.cont();
      await cluster.ready();
    }
  });

  test("a listener misses nothing while members are paused, killed and started again", async () => {
    await using writer = open(cluster, { site: "idc2" });
    await using ledger = open(cluster);
    await using heard = listen(ledger);
    await eventually(() => expect(heard.state.alls).toBe(1), { withinMs: 5_000 });
    const stop = new AbortController();
    let written = 0;
    const writing = (async () => {
      for (let n = 0; !stop.signal.aborted; n += 1) {
        const transaction = { ...put(`sets/C1/${n % 40}`, String(n)), deletes: [`sets/C1/${(n + 20) % 40}`] };
        await writer.commit(transaction, { signal }).then(
          () => {
            written += 1;
          },
          () => {},
        );
        await systemClock.sleep(10, { signal });
      }
    })();
    for (const member of cluster.members) {
      member.stop();
      await systemClock.sleep(2_500, { signal });
      member.cont();
      await cluster.ready();
      await member.kill();
      member.start();
      await cluster.ready();
    }
    stop.abort();
    await writing;
    expect(written).toBeGreaterThan(100);
    const final = await contents(cluster);
    await eventually(() => expect(textsOf(heard.state.known)).toEqual(final), { withinMs: followAnewMsMax });
    console.log(`${written} transactions written, everything told ${heard.state.alls} times`);
  });

  test("health names every member, and the one that is down", async () => {
    await using ledger = open(cluster);
    const leader = await cluster.leader();
    const health = await ledger.health({ signal });
    expect(health.alarms).toEqual([]);
    expect(health.clusterId).toMatch(/^\d+$/);
    expect(health.members.map(({ endpoint }) => endpoint)).toEqual(cluster.endpoints);
    expect(health.members.filter(({ isLeader }) => isLeader).map(({ endpoint }) => endpoint)).toEqual([
      leader.endpoint,
    ]);
    for (const member of health.members) {
      expect(member).toMatchObject({ ok: true, detail: "", version: expect.stringMatching(/^3\./) });
      expect(member.dbBytes).toBeGreaterThan(0n);
    }
    const member = await follower();
    await member.kill();
    try {
      const after = await ledger.health({ signal });
      expect(after.members.find(({ endpoint }) => endpoint === member.endpoint)).toMatchObject({
        ok: false,
        detail: expect.stringContaining("ECONNREFUSED"),
      });
    } finally {
      member.start();
      await cluster.ready();
    }
  });
});

describe("another etcd than before", () => {
  test("a snapshot restored into a new cluster is told anew, and under another cluster id", async () => {
    await using cluster = await startEtcd({ size: 1 });
    await using ledger = open(cluster);
    await using heard = listen(ledger);
    await ledger.commit(put("sets/C1/a", "old"), { signal });
    const snapshot = join(cluster.folder, "snapshot");
    await cluster.ctl("snapshot", "save", snapshot);
    await ledger.commit(put("sets/C1/a", "new"), { signal });
    await eventually(() => expect(heard.text("sets/C1/a")).toBe("new"), { withinMs: 5_000 });
    const before = await ledger.health({ signal });
    const alls = heard.state.alls;
    await cluster.restore(snapshot, "another");
    await eventually(() => expect(heard.text("sets/C1/a")).toBe("old"), { withinMs: 2 * followAnewMsMax });
    expect(heard.state.alls).toBeGreaterThan(alls);
    expect((await ledger.health({ signal })).clusterId).not.toBe(before.clusterId);
  });

  test("one restored under its old id went back: no answer out of it counts before it was read anew", async () => {
    await using cluster = await startEtcd({ size: 1 });
    const logged: string[] = [];
    const log = { ...silentLogger, error: (_fields: object, sentence: string) => void logged.push(sentence) };
    await using ledger = open(cluster, { log });
    await using heard = listen(ledger);
    await ledger.commit(put("sets/C1/a", "old"), { signal });
    const snapshot = join(cluster.folder, "snapshot");
    await cluster.ctl("snapshot", "save", snapshot);
    for (let n = 0; n < 50; n += 1) await ledger.commit(put("sets/C1/a", "new"), { signal });
    await eventually(() => expect(heard.text("sets/C1/a")).toBe("new"), { withinMs: 5_000 });
    const { clusterId } = await ledger.health({ signal });
    await cluster.restore(snapshot, "crossidc-test");
    expect((await ledger.health({ signal })).clusterId).toBe(clusterId);
    await eventually(() => expect(heard.text("sets/C1/a")).toBe("old"), { withinMs: 2 * followAnewMsMax });
    expect(logged).toEqual(["etcd was restored or replaced"]);
    await ledger.commit(put("sets/C1/a", "newer"), { signal });
    await eventually(() => expect(heard.text("sets/C1/a")).toBe("newer"), { withinMs: 5_000 });
  });

  test("a full etcd refuses, and health names the alarm", async () => {
    await using cluster = await startEtcd({ size: 1, args: ["--quota-backend-bytes", String(1024 * 1024)] });
    await using ledger = open(cluster);
    const text = "x".repeat(100_000);
    const fill = async () => {
      for (let n = 0; n < 100; n += 1) await ledger.commit(put(`k/${n}`, text), { signal });
    };
    await expect(fill()).rejects.toMatchObject({
      code: "ARB_LEDGER_REFUSED",
      hint: expect.stringContaining("etcd is full"),
    });
    expect((await ledger.health({ signal })).alarms).toEqual([expect.stringContaining("NOSPACE")]);
  });
});

describe("with certificates and a user", () => {
  test("it is spoken to, also after a change of rights, and a wrong password is named", async () => {
    await using guarded = await startGuardedEtcd("/crossidc/test/");
    const { cluster } = guarded;
    const optionsWith = async (password: string) =>
      readEtcdOptions(await guarded.configWith(password), { credentialsDirectory: undefined });
    const refused = (to: EtcdLedger, hint: unknown) =>
      eventually(
        () => expect(to.commit(put("x", "y"), { signal })).rejects.toMatchObject({ code: "ARB_LEDGER_REFUSED", hint }),
        { withinMs: 10_000 },
      );
    const etcd = await optionsWith(arbiterPassword);
    await using ledger = open(cluster, { etcd });
    await using heard = listen(ledger);
    const beat = { compares: [], puts: [{ key: "sites/idc1", text: "here", onLease: true }], deletes: [] };
    // The first call pays for the handshake and for the token: more than its time-out on a busy machine.
    await eventually(() => ledger.commit(beat, { signal }), { withinMs: 10_000 });
    await eventually(() => expect(heard.text("sites/idc1")).toBe("here"), { withinMs: 5_000 });

    // Every change of rights makes the tokens handed out before it useless.
    await cluster.ctl("--user", rootUser, "role", "add", "another");
    await eventually(() => ledger.commit(put("sets/C1/a", "after"), { signal }), { withinMs: 10_000 });
    await eventually(() => expect(heard.text("sets/C1/a")).toBe("after"), { withinMs: 2 * followAnewMsMax });
    expect((await ledger.health({ signal })).members).toMatchObject([{ ok: true }]);

    await using elsewhere = open(cluster, { etcd, prefix: "/other/" });
    await refused(elsewhere, expect.stringContaining("rights below the prefix"));
    await using stranger = open(cluster, { etcd: await optionsWith("guess") });
    await refused(stranger, "Check etcd.userFile");
    await using plain = open(cluster, { etcd: { endpoints: cluster.endpoints } });
    await expect(plain.commit(put("x", "y"), { signal })).rejects.toMatchObject({ code: "ARB_LEDGER_UNANSWERED" });
  });
});
