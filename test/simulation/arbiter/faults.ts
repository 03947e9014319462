import { setName } from "../../../arbiter/core/model.ts";
import type { OperatorRequest } from "../../../arbiter/core/operator-messages.ts";
import { type Site, sites } from "./net.ts";
import { cluster, set } from "./places.ts";
import type { World } from "./world.ts";

/** What may happen to the world, and what happens next is chance. Peace mends all of it. */

/** From its asking to its promotion. */
const switchMsUsual = 400;

/** One fault, or the end of one; often just while a switch is under way. */
export function strike(world: World): void {
  const { timeline, random } = world;
  if (!random.chance(0.3)) {
    strikeOnce(world);
    return;
  }
  world.switchMaster();
  if (random.chance(0.6)) timeline.after(random.int(1, switchMsUsual), () => strikeOnce(world));
}

/** Switches, while arbiters die, stand still, and come back. */
export function strikeArbiters(world: World): void {
  const { timeline, random } = world;
  if (random.chance(0.7)) world.switchMaster();
  timeline.after(random.int(1, switchMsUsual), () => {
    const site = random.pick(sites);
    const nth = random.int(0, 4);
    if (nth === 0) killOrStart(world, site);
    else if (nth === 1) stall(world, site, random.int(50, 6_000));
    else if (nth === 2) lag(world, site);
    else for (const process of world.processes.values()) process.start();
  });
}

export function makePeace(world: World): void {
  const { net, etcd, processes, brokers, note } = world;
  note("peace");
  net.heal();
  etcd.heal();
  for (const process of processes.values()) process.start();
  for (const broker of brokers) {
    broker.resume();
    broker.start();
  }
  let tries = 0;
  // Asked until it is done: a site may have no quorum yet.
  const permit = (): void => {
    tries += 1;
    if (tries === permitTries) return;
    world.timeline.after(permitEveryMs, permit);
    allowAll(world, sites[tries % sites.length] ?? "idc1");
  };
  permit();
}

const permitEveryMs = 1_000;
const permitTries = 8;

function allowAll(world: World, site: Site): void {
  if (world.etcd.entries.has("pause")) world.operate(site, { kind: "resume", reason: "" });
  if (world.etcd.entries.get("policy")?.text !== world.policies)
    world.operate(site, { kind: "applyPolicies", text: world.policies, reason: "" });
  world.operate(site, { kind: "unfreeze", set: setName(cluster, set), reason: "" });
}

function strikeOnce(world: World): void {
  const { random, brokers, note, net } = world;
  const site = random.pick(sites);
  const other = random.pick(sites);
  const broker = random.pickAny(brokers);
  const master = brokers.find(({ role, state }) => role === "master" && state === "up");
  const of = random.chance(0.5) ? (master ?? broker) : broker;
  if (of === undefined) return;
  switch (random.int(0, 15)) {
    case 0:
    case 1:
      note(`FAULT kill ${of.name}`);
      of.kill();
      return;
    case 2:
    case 3: {
      const down = random.pickAny(brokers.filter(({ state }) => state === "down"));
      note(`FAULT start ${down?.name}`);
      down?.start();
      return;
    }
    case 4:
      note(`FAULT kill and start ${of.name}`);
      of.kill();
      of.start();
      return;
    case 5:
      note(`FAULT freeze ${of.name}`);
      of.freeze();
      return;
    case 6:
      for (const one of brokers) one.resume();
      note("FAULT resume all");
      return;
    case 7:
      note(`FAULT cut ${site} -> ${other}`);
      if (site !== other) net.set(site, other, false);
      return;
    case 8:
      isolate(world, site);
      return;
    case 9:
      note("FAULT heal");
      net.heal();
      world.etcd.heal();
      return;
    case 10:
      killOrStart(world, site);
      return;
    case 11:
    case 12:
      stall(world, site, random.int(300, 6_000));
      return;
    case 13:
      strikeEtcd(world, site);
      return;
    case 14:
      lag(world, site);
      return;
    case 15:
      order(world, site);
  }
}

function isolate({ note, net }: World, site: Site): void {
  note(`FAULT cut around ${site}`);
  for (const one of sites) {
    if (one === site) continue;
    net.set(site, one, false);
    net.set(one, site, false);
  }
}

function killOrStart({ processes, note }: World, site: Site): void {
  const process = processes.get(site);
  note(`FAULT ${process?.isUp === true ? "kill" : "start"} arbiter ${site}`);
  if (process?.isUp === true) process.stop();
  else process?.start();
}

function stall({ processes, note }: World, site: Site, ms: number): void {
  note(`FAULT stall arbiter ${site} ${ms} ms`);
  processes.get(site)?.stall(ms);
}

/** A member stands still (two of them: no quorum for anybody), or answers of transactions that were applied are lost. */
function strikeEtcd({ etcd, note, random, timeline }: World, site: Site): void {
  if (random.chance(0.5)) {
    note(`FAULT etcd at ${site} ${etcd.isUp(site) ? "stands still" : "goes on"}`);
    etcd.setMember(site, !etcd.isUp(site));
    return;
  }
  note("FAULT answers of etcd are lost");
  etcd.setLostAnswers(0.3);
  timeline.after(random.int(500, 5_000), () => etcd.setLostAnswers(0.01));
}

/** As long as the ledger's client bears with it; or the watch begins anew. */
function lag({ etcd, note, random, timeline }: World, site: Site): void {
  if (random.chance(0.3)) {
    note(`FAULT watch of ${site} is compacted away`);
    etcd.breakWatch(site);
    return;
  }
  const ms = random.int(50, 1_500);
  note(`FAULT watch of ${site} lags ${ms} ms`);
  etcd.setLag(site, ms);
  timeline.after(random.int(1_000, 6_000), () => etcd.setLag(site, 0));
}

/** An operator pauses failover, or freezes the set, at any moment; and lets it go on soon after. */
function order(world: World, site: Site): void {
  const { note, random, timeline } = world;
  const name = setName(cluster, set);
  const request = random.pick<OperatorRequest>([
    { kind: "pause", reason: "", untilWall: null },
    { kind: "freeze", set: name, reason: "", untilWall: null },
    { kind: "applyPolicies", text: world.frozenPolicies, reason: "" },
  ]);
  note(`OPERATOR ${request.kind} at ${site}`);
  world.operate(site, request);
  timeline.after(random.int(500, 8_000), () => {
    note(`OPERATOR lets go on at ${site}`);
    allowAll(world, site);
  });
}
