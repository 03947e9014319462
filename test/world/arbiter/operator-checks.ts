import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { eventually } from "../../integration/harness/eventually.ts";
import { play } from "../failover/play.ts";
import { type Settings, serverAt } from "../failover/stage.ts";
import { inSyncMsUsual, lineOf, problemsOf } from "../failover/verdict.ts";
import { changeSettings } from "../rocketmq/status.ts";
import { everywhere, type House, isComplete, seconds, sets } from "./house.ts";
import { idcctl, mqadmin, readMetric, readSet } from "./operators.ts";

/** Settings are read every 15 s. */
const protectionMsMax = 30_000;
/** A site that another one has overtaken reads them again after a second: what it knew may be older. */
const settingsMsMax = 5_000;

export async function toolShows(house: House): Promise<void> {
  const { world, stage, leader, nameServers } = house;
  const { master, epoch, inSyncEpoch, brokers } = await everywhere(house, sets.first, isComplete(3));
  const [controllers, record, epochs] = await Promise.all([
    mqadmin(world, "clients", "getControllerMetaData", "-a", leader.address),
    mqadmin(world, "clients", "getSyncStateSet", "-a", leader.address, "-b", stage.set),
    mqadmin(world, "clients", "getBrokerEpoch", "-n", nameServers, "-b", stage.set),
  ]);
  expect(controllers).toContain("#ControllerLeaderId\tidc1");
  expect(controllers).toContain(`#ControllerLeaderAddress\t${leader.address}`);
  for (const { site, address } of stage.deciders) expect(controllers).toContain(`#Peer:\t${site}:${address}`);
  expect(record).toContain(`#MasterBrokerId\t${master?.id}\n#MasterAddr\t${master?.address}\n`);
  expect(record).toContain(`#MasterEpoch\t${epoch}\n#SyncStateSetEpoch\t${inSyncEpoch}\n#SyncStateSetNums\t3\n`);
  expect(epochs.match(new RegExp(`#brokerName\t${stage.set}`, "g"))).toHaveLength(3);
  for (const { id, address } of brokers) {
    expect(record).toMatch(new RegExp(`\nInSyncReplica:\t.*brokerId=${id}, brokerAddress='${address}', alive=true`));
    // The master gives itself 0.
    expect(epochs).toMatch(new RegExp(`#brokerAddr\t${address}\n#brokerId\t${id === master?.id ? 0 : id}\n#Epoch: `));
  }
}

export async function toolNamesMaster(house: House): Promise<void> {
  const { world, stage, leader } = house;
  const before = await everywhere(house, sets.first, isComplete(3));
  const next = before.brokers.find(({ role }) => role === "in-sync");
  const elect = (from: "clients" | "idc1", id: number | undefined): Promise<string> => {
    const named = ["-b", String(id), "-bn", stage.set, "-c", stage.cluster];
    return mqadmin(world, from, "electMaster", "-a", leader.address, ...named);
  };
  const [stranger, nobody] = await Promise.all([elect("clients", next?.id), elect("idc1", 9)]);
  expect(stranger).toMatch(/CODE: 16 .*not taken from 10\.4\.0\.1:\d+: controller\.adminCidrs/);
  expect(nobody).toMatch(/CODE: 2010 .*Broker hasn't been registered/);
  expect((await readSet(world, leader, sets.first)).epoch).toBe(before.epoch);

  const epoch = before.epoch + 1;
  expect(await elect("idc1", next?.id)).toContain(`#BrokerMasterAddr\t${next?.address}\n#MasterEpoch\t${epoch}`);
  const master = { id: next?.id, address: next?.address };
  await everywhere(house, sets.first, (set) => expect(set).toMatchObject({ phase: "held", master, epoch }));
  const { output } = await idcctl(world, leader, "decision", "explain", `${sets.first}/${epoch}`);
  expect(output).toContain("asked for by name over the controller protocol");
}

/** Longer than any failover takes: silence is noticed after 2.5 s. */
const silentMs = 8_000;

/** rpo: zero, and the set is not protected: its silent master may have acknowledged what nobody else has, and is waited for. */
async function staysThoughSilent(house: House): Promise<void> {
  const { world, stage, leader } = house;
  const before = await readSet(world, leader, sets.first);
  const frozen = serverAt(stage.brokers, before.master?.address ?? "");
  frozen.stop();
  try {
    const blocked = await everywhere(house, sets.first, (set) => {
      expect({ phase: set.phase, reason: set.blocked?.reason }).toEqual({ phase: "blocked", reason: "not-protected" });
    });
    expect(blocked.blocked?.why).toContain("the master is silent, not positively dead");
    await delay(silentMs);
    expect(await readSet(world, leader, sets.first)).toMatchObject({ phase: "blocked", epoch: before.epoch });
  } finally {
    frozen.cont();
  }
  await everywhere(house, sets.first, ({ phase, epoch, master }) =>
    expect({ phase, epoch, master: master?.id }).toEqual({
      phase: "held",
      epoch: before.epoch,
      master: before.master?.id,
    }),
  );
}

/** rpo: zero, and the set is protected: a silent master is replaced, and nothing that was acknowledged is lost. */
export async function silentIsReplaced({ stage }: House): Promise<void> {
  const outcome = await play(stage, "freeze", { settleMsMax: inSyncMsUsual });
  console.log(lineOf(outcome));
  expect(problemsOf(outcome)).toEqual([]);
}

export async function settingUnprotects(house: House): Promise<void> {
  const { world, stage, leader } = house;
  const isKept = { level: "idc", kept: true, why: "" };
  const { brokers } = await everywhere(house, sets.first, (set) => expect(set.protection).toMatchObject(isKept));
  const slave = brokers.find(({ role }) => role === "in-sync");
  const change = (settings: Settings): Promise<void> =>
    changeSettings(world.network, "clients", slave?.address ?? "", settings);

  await change({ minInSyncReplicas: 2, allAckInSyncStateSet: false });
  const offAt = performance.now();
  const why = `allAckInSyncStateSet is false at broker ${slave?.id}`;
  await everywhere(
    house,
    sets.first,
    ({ protection }) => expect(protection).toMatchObject({ level: "none", kept: false, why }),
    protectionMsMax,
  );
  console.log(`protection gone after ${seconds(performance.now() - offAt)}`);
  const settings = { allAckInSyncStateSet: false, minInSyncReplicas: 2 };
  const shown = async (): Promise<void> => {
    const off = await readSet(world, leader, sets.first);
    expect(off.brokers.find(({ id }) => id === slave?.id)).toMatchObject({ settings });
  };
  await eventually(shown, { withinMs: settingsMsMax });
  for (const arbiter of stage.deciders) {
    expect(await readMetric(world, arbiter, "idc_arbiter_set_protection", { set: sets.first, level: "none" })).toBe(1);
    expect(await readMetric(world, arbiter, "idc_arbiter_set_promise_kept", { set: sets.first })).toBe(0);
  }
  const { output } = await idcctl(world, leader, "set", "show", sets.first);
  expect(output).toContain("none, promised idc");
  expect(output).toContain(`${sets.first} is not protected as its policy promises: ${why}`);

  await staysThoughSilent(house);

  await change({ minInSyncReplicas: 1, allAckInSyncStateSet: true });
  const onAt = performance.now();
  await everywhere(house, sets.first, ({ protection }) => expect(protection).toMatchObject(isKept), protectionMsMax);
  console.log(`protection back after ${seconds(performance.now() - onAt)}`);
}
