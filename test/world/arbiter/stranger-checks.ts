import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { SetReport } from "../../../arbiter/io/api-sets.ts";
import { inProject } from "../../integration/harness/project.ts";
import { everywhere, type House, isComplete, seconds, sets, settleMsMax } from "./house.ts";
import { mqadmin, readSet } from "./operators.ts";
import { half, nonsense, untilShownOut, watchMemory } from "./strangers.ts";

const crowdSize = 1_000;
const halves = 120;
/** A half frame may stand for 10 s, and half as long again. */
const shownOutMsMax = 20_000;
const watchedMs = 10_000;
/** For a thousand connections, 64 MiB of frames that are not whole, and garbage. All the halves are a gigabyte. */
const grownBytesMax = 400e6;

export async function strangersDisturbNobody(house: House): Promise<void> {
  const { world, stage, leader } = house;
  const before = await everywhere(house, sets.first, isComplete(3));
  const { pid, address: door } = leader;
  await using memory = watchMemory(pid);
  const program = inProject("test/world/clients/crowd.ts");
  const command = [process.execPath, program, ...door.split(":"), String(crowdSize)];
  await using crowd = world.run("clients", command);
  await crowd.waitForLine(new RegExp(`^open ${crowdSize}$`), { timeoutMs: settleMsMax });
  const visits = [...Object.values(nonsense), ...Array.from({ length: halves }, () => half)];
  const shownOut = Promise.all(
    visits.map((bytes) => untilShownOut(world.network, { from: "idc1", door, bytes, withinMs: shownOutMsMax })),
  );
  const seen: SetReport[] = [];
  for (const startedAt = performance.now(); performance.now() - startedAt < watchedMs; ) {
    seen.push(...(await Promise.all(stage.deciders.map((arbiter) => readSet(world, arbiter, sets.first)))));
    await delay(500);
  }
  const longestMs = Math.max(...(await shownOut));
  const among = await mqadmin(world, "clients", "getControllerMetaData", "-a", door);
  expect(among).toContain(`#ControllerLeaderAddress\t${door}`);
  expect(crowd.output()).not.toContain("closed");

  const grownBytes = memory.bytesMax - memory.bytesBefore;
  console.log(`${visits.length} shown out within ${seconds(longestMs)}; memory + ${(grownBytes / 1e6).toFixed(0)} MB`);
  expect(grownBytes).toBeLessThan(grownBytesMax);
  const masters = new Set(seen.map(({ master, epoch }) => `${master?.id} in ${epoch}`));
  expect([...masters]).toEqual([`${before.master?.id} in ${before.epoch}`]);
  const unheard = seen.flatMap(({ brokers }) => brokers.filter(({ unheardBy }) => unheardBy.length > 0));
  expect(unheard).toEqual([]);
  expect(stage.deciders.map(({ running }) => running)).toEqual([true, true, true]);
}
