import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import zookeeper from "node-zookeeper-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, connectApplication } from "../harness/application.ts";
import { startProxy } from "../harness/proxy.ts";
import { readTransactions } from "../harness/transaction-log.ts";
import { startZooKeeper } from "../harness/zookeeper.ts";
import type { Daemon } from "./daemon.ts";
import { linkName, plantSource, releasedBrake, topicData } from "./link-file.ts";
import { openRoom, type Room, type RoomOptions, startWorld, type World } from "./room.ts";

/** 13 of the list of pitfalls in docs/pitfalls.md: ACLs, with `acl: copy`. */

type AclEntries = Awaited<ReturnType<Application["acl"]>>;

const appCredential = "app:app-secret";
const linkCredential = "replicator:secret";
const read = 1;
const admin = 16;
const all = 31;
const everybody = (perms: number) => ({ perms, scheme: "world", id: "anyone" });
const app = (perms: number) => ({ perms, scheme: "digest", id: digestOf(appCredential) });
const link = (perms: number) => ({ perms, scheme: "digest", id: digestOf(linkCredential) });
/** What an application gives a node that is its own, and shows to the link. */
const guarded = [app(all), link(read | admin)];
const guardedInTarget = [app(all), link(all)];

function digestOf(credential: string): string {
  const user = credential.slice(0, credential.indexOf(":"));
  return `${user}:${createHash("sha1").update(credential).digest("base64")}`;
}

function sorted(acl: AclEntries): AclEntries {
  return acl.toSorted((one, other) => (`${one.scheme}${one.id}` < `${other.scheme}${other.id}` ? -1 : 1));
}

/** A link that copies ACLs and has an identity on both sides. */
function aclOptions(world: World, options: RoomOptions = {}): RoomOptions {
  const auth = [{ scheme: "digest", credentialFile: join(world.folder, "link-credential") }];
  return {
    source: { auth, ...options.source },
    target: { auth, ...options.target },
    link: { acl: "copy", compareEveryMs: 3_600_000, deletes: releasedBrake, ...options.link },
  };
}

async function openAclRoom(world: World, options: RoomOptions = {}): Promise<Room> {
  await writeFile(join(world.folder, "link-credential"), `${linkCredential}\n`, { mode: 0o600 });
  const room = await openRoom(world, aclOptions(world, options));
  for (const { client } of [room.source, room.target]) client.addAuthInfo("digest", Buffer.from(appCredential));
  await plantSource(room.source);
  return room;
}

async function compare(daemon: Daemon): Promise<void> {
  const { counts } = await daemon.idle();
  await daemon.post(`/v1/links/${linkName}/compare`, {});
  await daemon.until((now) => {
    expect(now.counts["compares"]).toBeGreaterThan(counts["compares"] ?? 0);
    expect(now.idle).toBe(true);
  });
}

/** As a replicator does it: only if the ACL is still the one it saw. */
async function setAclAt({ client }: Application, path: string, acl: AclEntries, aversion: number): Promise<void> {
  const entries = acl.map(({ perms, scheme, id }) => new zookeeper.ACL(perms, new zookeeper.Id(scheme, id)));
  const answer = Promise.withResolvers<void>();
  client.setACL(path, entries, aversion, (error) =>
    error ? answer.reject(new Error(String(error))) : answer.resolve(),
  );
  await answer.promise;
}

/** What the target's server has done to this path, in order. */
async function changesOf(world: World, room: Room, path: string): Promise<string[]> {
  const log = await readTransactions(world.target.dataDir, { below: room.chroot });
  return log.flatMap(({ changes }) => changes.filter((change) => change.path === path).map(({ kind }) => kind));
}

describe.for([
  { source: "3.8", target: "3.9" },
  { source: "3.9", target: "3.8" },
] as const)("from $source to $target", (versions) => {
  let world: World;
  let room: Room;
  let daemon: Daemon;
  const aclOf = async (path: string) => sorted(await room.target.acl(path));
  const problems = async () => (await daemon.link()).problems.map(({ kind, path, detail }) => ({ kind, path, detail }));

  beforeAll(async () => {
    world = await startWorld(versions);
    room = await openAclRoom(world);
    await room.source.create("/zms/topic/there", topicData("rmq-idc1"), { acl: guarded });
    daemon = await room.start();
    await daemon.idle();
  });
  afterAll(async () => {
    await room?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  test("13: a node is created with its source's ACL, and the link keeps its own access", async () => {
    await room.source.create("/zms/topic/guarded", topicData("rmq-idc1"), { acl: guarded });
    await room.carried();
    for (const path of ["/zms/topic/there", "/zms/topic/guarded"]) {
      expect(await aclOf(path)).toEqual(sorted(guardedInTarget));
      expect(await changesOf(world, room, path)).toEqual(["create"]);
    }
    await using stranger = await connectApplication(world.target.address + room.chroot);
    await expect(stranger.get("/zms/topic/guarded")).rejects.toThrow("NO_AUTH");
    await room.source.set("/zms/topic/guarded", topicData("rmq-idc1", "more=1\n"));
    await room.carried();
    expect(await room.target.text("/zms/topic/guarded")).toBe(topicData("rmq-idc2", "more=1\n"));
    expect(await room.target.acl("/zms/topic/t1")).toEqual([everybody(all)]);
  });

  test("13: an ACL that is set later is found by the compare", async () => {
    await room.source.setAcl("/zms/topic/t1", guarded);
    await room.carried();
    await daemon.idle();
    expect(await aclOf("/zms/topic/t1")).toEqual([everybody(all)]);
    await compare(daemon);
    expect(await aclOf("/zms/topic/t1")).toEqual(sorted(guardedInTarget));
    expect(await changesOf(world, room, "/zms/topic/t1")).toEqual(["create", "setAcl"]);
  });

  test("13: rights are taken away before new data come, and granted after them", async () => {
    world.sourceLine.freeze("toClient");
    await room.source.setAcl("/zms/topic/t2", guarded);
    await room.source.set("/zms/topic/t2", topicData("rmq-idc1", "secret=1\n"));
    world.sourceLine.thaw();
    await room.carried();
    await daemon.idle();
    expect(await aclOf("/zms/topic/t2")).toEqual(sorted(guardedInTarget));
    world.sourceLine.freeze("toClient");
    await room.source.set("/zms/topic/t2", topicData("rmq-idc1"));
    await room.source.setAcl("/zms/topic/t2", [...guarded, everybody(read)]);
    world.sourceLine.thaw();
    await room.carried();
    await daemon.idle();
    expect(await aclOf("/zms/topic/t2")).toEqual(sorted([...guardedInTarget, everybody(read)]));
    expect(await changesOf(world, room, "/zms/topic/t2")).toEqual(["create", "setAcl", "set", "set", "setAcl"]);
  });

  test("13: an ACL that somebody changes in the target is set back, and kept in the journal", async () => {
    const { counts } = await daemon.idle();
    await room.target.setAcl("/zms/topic/there", [everybody(all), app(read)]);
    await compare(daemon);
    expect(await aclOf("/zms/topic/there")).toEqual(sorted(guardedInTarget));
    const after = (await daemon.link()).counts;
    expect(after).toMatchObject({
      aclsSet: (counts["aclsSet"] ?? 0) + 1,
      drift: (counts["drift"] ?? 0) + 1,
    });
    const { entries } = JSON.parse((await room.idcctl("drift", linkName, "-o", "json")).stdout);
    expect(entries).toMatchObject([{ did: "aclChanged", path: "/zms/topic/there" }]);
    expect((await room.idcctl("drift", linkName, "--show", entries[0].id)).stdout).toBe(
      `world:anyone:cdrwa\ndigest:${digestOf(appCredential)}:r\n`,
    );
  });

  test("13: a scheme that means something else in the target holds the path back, data included", async () => {
    const data = topicData("rmq-idc1");
    await room.source.create("/zms/topic/by-address", data, {
      acl: [everybody(read), { perms: all, scheme: "ip", id: "127.0.0.1" }],
    });
    await room.carried();
    expect(await problems()).toEqual([
      {
        kind: "acl",
        path: "/zms/topic/by-address",
        detail:
          "/zms/topic/by-address: its ACL grants ip:127.0.0.1:cdrwa, and ip is not among aclSchemes (world, digest)",
      },
    ]);
    expect(await room.target.stat("/zms/topic/by-address")).toBe(null);
    await room.source.setAcl("/zms/topic/by-address", [everybody(all)]);
    await compare(daemon);
    expect(await problems()).toEqual([]);
    expect(await room.target.text("/zms/topic/by-address")).toBe(topicData("rmq-idc2"));
  });

  test("13: an ACL that the source does not show in full, or not at all, is not guessed", async () => {
    const data = topicData("rmq-idc1");
    await room.source.create("/zms/topic/masked", data, { acl: [app(all), everybody(read)] });
    await room.source.create("/zms/topic/unreadable", data, { acl: [app(all)] });
    await compare(daemon);
    const held = await problems();
    expect(held.map(({ kind, path }) => `${kind} ${path}`).toSorted()).toEqual([
      "acl /zms/topic/masked",
      "unreadable /zms/topic/unreadable",
    ]);
    expect(held.find(({ kind }) => kind === "acl")?.detail).toContain("shown without digests (digest:app:x:cdrwa)");
    for (const path of ["/zms/topic/masked", "/zms/topic/unreadable"]) {
      expect(await room.target.stat(path)).toBe(null);
      await room.source.setAcl(path, guarded);
    }
    await compare(daemon);
    expect(await problems()).toEqual([]);
    expect(await aclOf("/zms/topic/masked")).toEqual(sorted(guardedInTarget));
  });

  test("13: verify, a dry run and explain show ACLs, and no digest", async () => {
    await room.source.setAcl("/zms/topic/t3", guarded);
    const { counts, differences, equal } = await daemon.verify();
    expect({ counts, equal }).toEqual({ counts: { create: 0, update: 0, delete: 0, acl: 1 }, equal: false });
    expect(differences).toMatchObject([
      {
        action: "acl",
        target: "/zms/topic/t3",
        acl: { before: ["world:anyone:cdrwa"], after: ["digest:app:x:cdrwa", "digest:replicator:x:cdrwa"] },
      },
    ]);
    const planned = (await room.run("--dry-run")).stdout;
    expect(planned).toContain("~ acl  /zms/topic/t3");
    expect(planned).toContain("0 to create, 0 to update, 0 to delete, 1 ACL to set");
    const explained = (await room.idcctl("explain", linkName, "/zms/topic/t3")).stdout;
    expect(explained).toContain("ACL in the target: digest:app:x:cdrwa, digest:replicator:x:cdrwa");
    await compare(daemon);
    expect((await daemon.verify()).equal).toBe(true);
    expect((await room.run("--dry-run")).stdout).toContain("Equal: 0 differences");
  });

  test("13: a restart finds everything equal and sets nothing", async () => {
    await daemon.idle();
    const written = async () => {
      const log = await readTransactions(world.target.dataDir, { below: room.chroot });
      return log.flatMap(({ changes }) => changes.filter(({ path }) => !path.startsWith("/crossidc"))).length;
    };
    const before = await written();
    await daemon.process.kill("SIGTERM");
    daemon = await room.start();
    await compare(daemon);
    expect((await daemon.idle()).counts).toMatchObject({ created: 0, updated: 0, deleted: 0, aclsSet: 0, refused: 0 });
    expect(await written()).toBe(before);
  });

  test("13: without an identity in the target only what is open to everybody is copied", async () => {
    await using other = await openAclRoom(world, { target: { auth: [] } });
    await other.source.create("/zms/topic/guarded", topicData("rmq-idc1"), { acl: guarded });
    const { stderr, code } = await other.once();
    expect(code).toBe(6);
    expect(stderr).toContain("1 paths held back");
    expect(await other.target.stat("/zms/topic/guarded")).toBe(null);
    expect(await other.target.text("/zms/topic/t1")).toBe(topicData("rmq-idc2"));
    expect((await other.run("--check")).stderr).toContain("give target.auth");
  });
});

describe("between two of 3.9", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ source: "3.9", target: "3.9" });
  });
  afterAll(async () => await world?.[Symbol.asyncDispose]());

  test("13: a scheme that the target's servers do not know is told as a matter of the ACL", async () => {
    const provider = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider";
    await using source = await startZooKeeper({ version: "3.9", jvmArgs: [`-Dzookeeper.authProvider.1=${provider}`] });
    await using sourceLine = await startProxy({ target: source.address });
    await using room = await openAclRoom(
      { ...world, source, sourceLine },
      { link: { aclSchemes: ["world", "digest", "sasl"] } },
    );
    const kerberos = [everybody(read), { perms: all, scheme: "sasl", id: "app" }];
    await room.source.create("/zms/topic/new", topicData("rmq-idc1"), { acl: kerberos });
    const daemon = await room.start();
    await daemon.idle();
    await room.source.setAcl("/zms/topic/t1", kerberos);
    await compare(daemon);
    const { problems, targetNodes } = await daemon.idle();
    expect(problems.map(({ kind, path, detail }) => ({ kind, path, detail }))).toEqual([
      { kind: "acl", path: "/zms/topic/new", detail: "The target refused to create /zms/topic/new: invalidAcl" },
      { kind: "acl", path: "/zms/topic/t1", detail: "The target refused to set the ACL of /zms/topic/t1: invalidAcl" },
    ]);
    // What travelled in the same batch has arrived.
    expect(targetNodes).toBeGreaterThan(10);
  });

  test("13: a replicator whose fence is gone sets no ACL", async () => {
    await using line = await startProxy({ target: world.target.address });
    await using room = await openAclRoom(world, { target: { servers: [line.address], sessionTimeoutMs: 60_000 } });
    const old = await room.start();
    await old.idle();
    line.freeze("toTarget");
    await room.source.setAcl("/zms/topic/t1", guarded);
    await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=1\n"));
    await old.until(({ pending }) => expect(pending).toBe(1));

    await room.source.setAcl("/zms/topic/t1", [everybody(all)]);
    // The old one's session stands: its place in the latch is taken away, or the next one would wait.
    await using operator = await connectApplication(world.target.address + room.chroot, { auth: linkCredential });
    const latch = `/crossidc/latches/${linkName}`;
    for (const place of await operator.children(latch)) await operator.remove(`${latch}/${place}`);
    const successor = await (await room.configure(aclOptions(world))).start();
    await successor.idle();
    expect(await room.target.text("/zms/topic/t1")).toBe(topicData("rmq-idc2", "seq=1\n"));
    const { aversion } = (await room.target.stat("/zms/topic/t1")) ?? {};
    line.thaw();
    expect((await old.stopped()).code).toBe("fenced");
    expect(await room.target.stat("/zms/topic/t1")).toMatchObject({ aversion });
    expect(await room.target.acl("/zms/topic/t1")).toEqual([everybody(all)]);
  });

  /** The one request that may slip through between the check of the fence and the setACL behind it: I5's exception. */
  test("13: a late setACL is refused where the owner has set the ACL since, and otherwise set right by his compare", async () => {
    await using room = await openAclRoom(world);
    const owner = await room.start();
    await owner.idle();
    const aversion = async () => (await room.target.stat("/zms/topic/t1"))?.aversion ?? -1;
    const seen = await aversion();
    await room.source.setAcl("/zms/topic/t1", guarded);
    await compare(owner);
    await using stale = await connectApplication(world.target.address + room.chroot, { auth: linkCredential });
    const setLate = (at: number) => setAclAt(stale, "/zms/topic/t1", [everybody(all)], at);
    await expect(setLate(seen)).rejects.toThrow("BAD_VERSION");
    expect(sorted(await room.target.acl("/zms/topic/t1"))).toEqual(sorted(guardedInTarget));

    await setLate(await aversion());
    expect(await room.target.acl("/zms/topic/t1")).toEqual([everybody(all)]);
    await compare(owner);
    expect(sorted(await room.target.acl("/zms/topic/t1"))).toEqual(sorted(guardedInTarget));
  });
});
