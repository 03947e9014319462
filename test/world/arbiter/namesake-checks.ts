import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { SetReport } from "../../../arbiter/io/api-sets.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { addressesOf, serverAt } from "../failover/stage.ts";
import { everywhere, type House, isComplete, seconds, sets, settleMsMax } from "./house.ts";
import { idcctl, mqadmin, readMetric, readSet } from "./operators.ts";

/** A broker whose place is taken beats each second; the other one asks again after 5 s. */
const freezeMsMax = 30_000;

/** Two brokers with one id. Leaves the second cluster's set with two of its three replicas. */
export async function copiedDisk(house: House): Promise<void> {
  const { world, stage, leader } = house;
  const brokers = await house.second();
  const untouched = await everywhere(house, sets.first, isComplete(3));
  const before = await everywhere(house, sets.second, isComplete(3));
  const [owner, copy] = slavesOf(before).map(({ id, address }) => ({ id, server: serverAt(brokers, address) }));
  if (owner === undefined || copy === undefined) throw new Error("the set has two slaves");
  const clean = (from: "clients" | "idc1"): Promise<string> => {
    const named = ["-b", String(copy.id), "-bn", stage.set, "-c", "C2"];
    return mqadmin(world, from, "cleanBrokerMetadata", "-a", leader.address, ...named);
  };
  const [stranger, living] = await Promise.all([clean("clients"), clean("idc1")]);
  expect(stranger).toMatch(/CODE: 16 .*controller\.adminCidrs/);
  expect(living).toMatch(new RegExp(`CODE: 2009 .*Broker ${copy.id} of ${stage.set} is alive`));
  await copy.server.kill();
  await eventually(async () => expect(await clean("idc1")).toMatch(/clear broker .* success/), {
    withinMs: settleMsMax,
  });
  await everywhere(house, sets.second, (set) => expect(set.brokers.map(({ id }) => id)).not.toContain(copy.id));

  await copyFile(identityOf(owner.server), identityOf(copy.server));
  await copy.server.launch();
  const launchedAt = performance.now();
  const isFrozen = ({ frozen }: SetReport) => expect(frozen?.code).toBe("duplicate-id");
  const told = await everywhere(house, sets.second, isFrozen, freezeMsMax);
  console.log(`frozen ${seconds(performance.now() - launchedAt)} after the copy's start`);
  for (const { server } of [owner, copy]) expect(told.why).toContain(server.address);
  expect(told).toMatchObject({ master: before.master, epoch: before.epoch });
  for (const arbiter of stage.deciders) {
    const labels = { set: sets.second, code: "duplicate-id" };
    expect(await readMetric(world, arbiter, "idc_arbiter_set_frozen", labels)).toBe(1);
  }
  const listed = await idcctl(world, leader, "set", "list");
  expect(listed.code).toBe(6);
  expect(listed.output).toContain(`${sets.second} is frozen (duplicate-id)`);
  const { master, epoch } = untouched;
  expect(await readSet(world, leader, sets.first)).toMatchObject({ phase: "held", master, epoch, frozen: null });

  await copy.server.kill();
  const thawed = await idcctl(world, leader, "set", "unfreeze", sets.second, "--reason", "the copy is off");
  expect(thawed).toMatchObject({ code: 0 });
}

/** Two sets of one name, in two clusters, of which one has just been thawed. Leaves both without their masters. */
export async function setsOfOneName(house: House): Promise<void> {
  const { world, stage, leader } = house;
  const asked = await mqadmin(world, "clients", "getSyncStateSet", "-a", leader.address, "-b", stage.set);
  expect(asked).toMatch(/CODE: 2008 .*C1\/bs1 or C2\/bs1/);
  const both = [
    { set: sets.first, brokers: stage.brokers, before: await everywhere(house, sets.first, isComplete(3)) },
    { set: sets.second, brokers: await house.second(), before: await everywhere(house, sets.second, isComplete(2)) },
  ];
  for (const { brokers, before } of both) {
    for (const { address } of before.brokers) expect(addressesOf(brokers)).toContain(address);
  }
  const masters = both.map(({ brokers, before }) => serverAt(brokers, before.master?.address ?? ""));
  await Promise.all(masters.map((master) => master.kill()));
  for (const { set, before } of both) {
    await everywhere(house, set, (now) => {
      expect(now).toMatchObject({ epoch: before.epoch + 1, frozen: null });
      expect(slavesOf(before)).toContainEqual(now.master);
      expect(placesOf(now)).toEqual(placesOf(before));
    });
  }
}

function slavesOf({ brokers, master }: SetReport): { readonly id: number; readonly address: string }[] {
  return placesOf({ brokers }).filter(({ id }) => id !== master?.id);
}

function placesOf({ brokers }: Pick<SetReport, "brokers">): { readonly id: number; readonly address: string }[] {
  return brokers.map(({ id, address }) => ({ id, address }));
}

function identityOf({ dataDir }: { readonly dataDir: string }): string {
  return join(dataDir, "brokerIdentity");
}
