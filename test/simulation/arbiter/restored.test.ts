import { expect, test } from "vitest";
import { setName } from "../../../arbiter/core/model.ts";
import { decodeSet } from "../../../arbiter/core/records.ts";
import { sites } from "./net.ts";
import { cluster, set } from "./places.ts";
import { run } from "./run.ts";
import type { World } from "./world.ts";

/**
 * etcd is restored from a snapshot that is some failovers and switches old, while the brokers go on; one of them may restart just then.
 * Until an operator recovers the set nobody is told of a master, no epoch is decided twice, there is no second master, and in the end
 * nothing that was acknowledged is gone.
 */
const lives = process.env["CROSSIDC_FULL"] === "1" ? 100 : 10;
const testMsMax = 300_000;
const name = setName(cluster, set);

function strike(world: World): void {
  const { timeline, random, etcd, processes, brokers, note, judge, operate, switchMaster } = world;
  const restore = etcd.snapshot();
  note("FAULT snapshot");
  const master = brokers.find(({ role }) => role === "master");
  if (random.chance(0.7)) timeline.after(1_000, () => master?.kill());
  timeline.after(random.int(3_000, 8_000), () => master?.start());
  if (random.chance(0.7)) timeline.after(14_000, switchMaster);
  timeline.after(22_000, () => {
    for (const process of processes.values()) process.stop();
  });
  const restarting = random.chance(0.6) ? random.pickAny(brokers) : undefined;
  timeline.after(random.int(20_000, 24_000), () => restarting?.kill());
  timeline.after(random.int(24_000, 30_000), () => restarting?.start());
  timeline.after(23_500, () => {
    note("FAULT restore");
    restore();
    judge.restored();
    for (const process of processes.values()) timeline.after(random.int(0, 2_000), () => process.start());
  });
  const recover = (): void => {
    const text = etcd.entries.get(`sets/${name}`)?.text;
    if (text !== undefined && decodeSet(text).frozen === null) return;
    timeline.after(2_000, recover);
    operate(random.pick(sites), { kind: "recover", set: name, master: null, reason: "restored", force: false });
  };
  timeline.after(random.int(32_000, 36_000), recover);
}

test(
  `over ${lives} restores nobody is named master before a recovery, and nothing is lost by it`,
  () => {
    let recovered = 0;
    for (let seed = 1; seed <= lives; seed++) {
      const { epoch } = run(seed, { strike });
      if (epoch > 1_700_000_000) recovered += 1;
    }
    expect(recovered).toBe(lives);
  },
  testMsMax,
);
