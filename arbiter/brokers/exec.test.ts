import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import type { MasterInfo } from "../core/controller-messages.ts";
import { createScriptTurns } from "./exec/scripts.ts";
import { createExecPort } from "./exec.ts";
import { createFakeMembers } from "./testing/fake-member.ts";

/** What is the exec adapter's own; what every kind of broker keeps is in contract.test.ts. */

const options = { timeoutMs: 5_000, signal: new AbortController().signal };
const addresses = { 1: "10.1.0.1:6379", 2: "10.2.0.1:6379" };
const one = addresses[1];
const two = addresses[2];
const masterIs = (id: 1 | 2, epoch: number): MasterInfo => ({
  master: id,
  address: addresses[id],
  epoch,
  inSync: [id],
  inSyncEpoch: epoch,
});

type Changes = NonNullable<Parameters<typeof createFakeMembers>[1]>;

async function openStage(changes: Changes = {}, masterOf: () => MasterInfo | null = () => null) {
  await using stack = new AsyncDisposableStack();
  const members = stack.use(await createFakeMembers(addresses, changes));
  const port = stack.use(
    createExecPort({ cluster: members.cluster, turns: createScriptTurns(), masterOf, clock: systemClock }),
  );
  const all = stack.move();
  return { members, port, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A script that stands in for one of the fake member's. */
const sh = (text: string): string[] => ["/bin/sh", "-c", text];

test("the new master is promoted, the deposed one is fenced, a replica follows; each with the epoch", async () => {
  await using stage = await openStage();
  const { members, port } = stage;
  members.of(1).acting = true;
  const info = masterIs(2, 8);
  expect(await port.notify(one, { id: 1, info, deposed: true }, options)).toEqual({
    answered: true,
    detail: "fence said yes",
  });
  expect(await port.notify(two, { id: 2, info }, options)).toMatchObject({ answered: true });
  expect(await port.notify(one, { id: 1, info }, options)).toMatchObject({ answered: true });
  expect([members.of(1).log, members.of(2).log]).toEqual([["fence 8", "follow 8"], ["promote 8"]]);
  expect([members.of(1).acting, members.of(2).acting]).toEqual([false, true]);
});

test("a deposed master whose process is gone is fenced when its script says so, and a replica that is gone does not follow", async () => {
  await using stage = await openStage();
  stage.members.of(1).mark("gone");
  const info = masterIs(2, 8);
  expect(await stage.port.notify(one, { id: 1, info, deposed: true }, options)).toMatchObject({ answered: true });
  expect(await stage.port.notify(one, { id: 1, info }, options)).toMatchObject({ answered: false });
});

test("a fence that says no is no answer, and says why", async () => {
  await using stage = await openStage();
  const { members, port } = stage;
  members.of(1).acting = true;
  members.of(1).mark("unfenceable");
  const told = await port.notify(one, { id: 1, info: masterIs(2, 8), deposed: true }, options);
  expect(told).toEqual({ answered: false, detail: "fence said no: its power switch does not answer" });
  expect(members.of(1).acting).toBe(true);
});

test("an epoch below the member's changes nothing", async () => {
  await using stage = await openStage();
  const { members, port } = stage;
  members.of(2).epoch = 9;
  const told = await port.notify(two, { id: 2, info: masterIs(2, 8) }, options);
  expect(told).toEqual({
    answered: false,
    detail: "promote said that the member knows of a higher epoch: it knows of epoch 9",
  });
  expect(members.of(2).acting).toBe(false);
});

test("the same again, and from two sites at once, is said yes to", async () => {
  await using stage = await openStage();
  const { members, port } = stage;
  members.of(1).acting = true;
  await using other = createExecPort({
    cluster: members.cluster,
    turns: createScriptTurns(),
    masterOf: () => null,
    clock: systemClock,
  });
  const info = masterIs(2, 8);
  for (const to of [
    { id: 1, info, deposed: true },
    { id: 2, info },
  ]) {
    const address = to.id === 1 ? one : two;
    const told = await Promise.all([port.notify(address, to, options), other.notify(address, to, options)]);
    told.push(await port.notify(address, to, options));
    expect(told.map(({ answered }) => answered)).toEqual([true, true, true]);
  }
});

test("changes of one member come one after the other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-lane-"));
  await using stage = await openStage({
    scripts: { promote: ["/bin/sh", "-c", 'mkdir "$1/busy" || exit 10; sleep 0.1; rmdir "$1/busy"', "sh", folder] },
  });
  const info = masterIs(2, 8);
  const told = await Promise.all([1, 2, 3].map(() => stage.port.notify(two, { id: 2, info }, options)));
  await rm(folder, { recursive: true });
  expect(told.map(({ answered }) => answered)).toEqual([true, true, true]);
});

test("a change that takes longer than changeTimeoutMs is killed, and counts as no answer", async () => {
  await using stage = await openStage({ changeTimeoutMs: 200, scripts: { fence: sh("echo waiting >&2; sleep 1000") } });
  const told = await stage.port.notify(one, { id: 1, info: masterIs(2, 8), deposed: true }, options);
  expect(told).toEqual({ answered: false, detail: "fence was killed after 200 ms: waiting" });
});

test("without a script follow nobody has to be told", async () => {
  await using stage = await openStage({ scripts: { follow: undefined } });
  expect(await stage.port.notify(one, { id: 1, info: masterIs(2, 8) }, options)).toMatchObject({ answered: true });
  expect(stage.members.of(1).log).toEqual([]);
});

test("registering again is following the recorded master, and nothing for the master itself", async () => {
  await using stage = await openStage({}, () => masterIs(2, 8));
  await stage.port.reregister(one, options);
  await stage.port.reregister(two, options);
  expect([stage.members.of(1).log, stage.members.of(2).log]).toEqual([["follow 8"], []]);
});

test("two that act as master are no route", async () => {
  await using stage = await openStage();
  const { members, port } = stage;
  members.of(1).acting = true;
  expect(await port.routedMaster("C1", "bs1", options)).toBe(one);
  members.of(2).acting = true;
  expect(await port.routedMaster("C1", "bs1", options)).toBeNull();
});

test("there is no barrier to raise", async () => {
  await using stage = await openStage();
  const said = { ok: false, detail: "a cluster of kind exec has no barrier" };
  expect(await stage.port.raiseBarrier(one, { minInSyncReplicas: 1_000_001 }, options)).toEqual(said);
  expect(await stage.port.lowerBarrier(one, { minInSyncReplicas: 1, brokerPermission: 6 }, options)).toEqual(said);
});

test.each<[string, Changes, RegExp]>([
  ["ends with another code", { scripts: { probe: sh("echo no such host >&2; exit 3") } }, /ended with 3: no such host/],
  ["is ended by a signal", { scripts: { probe: sh("kill -TERM $$") } }, /was killed by SIGTERM/],
  ["is not there", { scripts: { probe: ["/no/such/script"] } }, /ENOENT/],
  ["writes no JSON", { scripts: { probe: sh("echo yes") } }, /no JSON object: "yes\\n"/],
  ["writes a list", { scripts: { probe: sh("echo '[]'") } }, /no JSON object/],
  ["does not say whether it acts", { scripts: { probe: sh("echo '{}'") } }, /gave nothing as acting/],
  ["writes too much", { scripts: { probe: sh("yes") }, outputBytesMax: 256 }, /more than outputBytesMax/],
  ["tells no offset", { scripts: { offsets: sh(`echo '{"epoch":7}'`) } }, /gave nothing as offset/],
  ["tells half an offset", { scripts: { offsets: sh(`echo '{"epoch":7,"offset":1.5}'`) } }, /gave 1.5 as offset/],
  ["tells no epoch", { scripts: { offsets: sh(`echo '{"offset":"1"}'`) } }, /gave nothing as epoch/],
  ["tells names", { scripts: { offsets: sh(`echo '{"epoch":7,"offset":1,"inSync":["a"]}'`) } }, /as inSync/],
])("a script that %s says nothing of the member", async (_, changes, message) => {
  await using stage = await openStage(changes);
  await expect(stage.port.probe(one, options)).rejects.toThrow(message);
  const told = await stage.port.canary(one, "bs1", options);
  expect(told).toEqual({ ok: false, detail: expect.stringMatching(message) });
});

test("offsets that say nothing came back leave a member that lives, and cannot be asked", async () => {
  await using stage = await openStage({ scripts: { offsets: sh("exit 11") } });
  expect(await stage.port.probe(one, options)).toMatchObject({ kind: "failed" });
});

test("an offset above 2^53 keeps every digit", async () => {
  await using stage = await openStage({ scripts: { offsets: sh(`echo '{"epoch":7,"offset":"90071992547409931"}'`) } });
  expect(await stage.port.probe(one, options)).toMatchObject({ reading: { maxOffset: 90_071_992_547_409_931n } });
});

test("a script reads who it is about, who else there is, the epoch and the master", async () => {
  await using stage = await openStage({ scripts: { promote: sh("cat >&2; exit 10") } });
  const told = await stage.port.notify(two, { id: 2, info: masterIs(2, 8) }, options);
  const members = [
    { id: 1, address: one },
    { id: 2, address: two },
  ];
  expect(JSON.parse(told.detail.slice("promote said no: ".length))).toEqual({
    schema: 1,
    script: "promote",
    cluster: "C1",
    set: "bs1",
    member: { id: 2, address: two },
    members,
    epoch: 8,
    master: { id: 2, address: two },
  });
});
