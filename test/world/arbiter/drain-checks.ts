import { expect } from "vitest";
import { eventually } from "../../integration/harness/eventually.ts";
import { type Stage, serverAt, untilComplete } from "../failover/stage.ts";
import { idcctl, readSet } from "./operators.ts";

const set = "C1/bs1";
const heldMsMax = 60_000;

/** An IDC is drained and its master moves; wanted again, it goes home; and a broker that is to be upgraded is none until it may be. */
export async function drainsAndGoesHome(stage: Stage): Promise<void> {
  const { world, deciders, brokers } = stage;
  const [arbiter] = deciders;
  if (arbiter === undefined) throw new Error("arbiters decide on this stage");
  const run = (...args: readonly string[]) => idcctl(world, arbiter, ...args, "--reason", "a test");
  const siteOf = (address: string): string => serverAt(brokers, address).site;
  /** In sync as a whole, for every arbiter, and nothing is open. */
  const complete = async (): Promise<{ id: number; site: string }> => {
    const { masterAddress } = await untilComplete(stage);
    return await eventually(
      async () => {
        const reports = await Promise.all(deciders.map((decider) => readSet(world, decider, set)));
        for (const { phase, master, inSync, unconfirmed } of reports) {
          expect({ phase, address: master?.address, inSync: inSync.length, unconfirmed }).toEqual({
            phase: "held",
            address: masterAddress,
            inSync: brokers.length,
            unconfirmed: [],
          });
        }
        return { id: reports[0]?.master?.id ?? 0, site: siteOf(masterAddress) };
      },
      { withinMs: heldMsMax, everyMs: 200 },
    );
  };

  await complete();
  const drained = await run("idc", "drain", "idc1");
  expect(drained, drained.output).toMatchObject({ code: 0 });
  expect(await complete()).toMatchObject({ site: "idc2" });
  expect(await run("set", "switch", set, "--to", "idc1")).toMatchObject({
    code: 3,
    output: expect.stringContaining("drained"),
  });

  expect(await run("idc", "activate", "idc1")).toMatchObject({ code: 0 });
  const moved = await run("set", "rebalance", "--to-preferred", "--max-in-flight", "2");
  expect(moved, moved.output).toMatchObject({ code: 0, output: expect.stringContaining(`${set}: broker `) });
  const home = await complete();
  expect(home).toMatchObject({ site: "idc1" });

  const upgraded = await run("set", "drain-broker", `${set}/${home.id}`);
  expect(upgraded, upgraded.output).toMatchObject({ code: 0 });
  const after = await complete();
  expect(after.id).not.toBe(home.id);
  expect(await run("set", "switch", set, "--to", String(home.id))).toMatchObject({
    code: 3,
    output: expect.stringContaining(`broker ${home.id} is drained`),
  });
  expect(await run("set", "undrain-broker", `${set}/${home.id}`)).toMatchObject({ code: 0 });
}
