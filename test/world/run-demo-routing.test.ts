import { expect } from "vitest";
import { runProcess } from "../integration/harness/process.ts";
import { expectShortStory } from "./demo-time.ts";
import { worldTest } from "./world-test.ts";

/** On a busy machine; about a minute and a half otherwise. */
const routingMsMax = 400_000;

worldTest(
  "./run demo routing kills the near brokers, draws where messages go, and everybody is home at its end",
  tellsRouting,
  routingMsMax,
);

async function tellsRouting(): Promise<void> {
  const { code, stdout, stderr } = await runProcess("./run", ["demo", "routing"], { timeoutMs: routingMsMax });
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
  expectShortStory(stdout);
  const titles = [...stdout.matchAll(/^\d+\. (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual([
    "Two IDCs, a broker set in each",
    "Messages stay at home",
    "The broker of IDC1 is killed",
    "It is started again",
    "What it came to",
  ]);
  const [, , home = "", away = "", back = "", end = ""] = stdout.split(/^\d+\. .*$/m);
  // One column for each client, a character for each message.
  expect(home).toMatch(/^ +\d+ s {2}█{5,} +░{5,}$/m);
  expect(home).toContain("So it sends to idc1: idc1 is near and well.");
  expect(away).toMatch(/^ +\d+ s {2}░{5,} +░{5,}$/m);
  expect(away).toContain("So it sends to idc2:");
  expect(back).toMatch(/^ +\d+ s {2}░{5,} +░{5,}$/m);
  expect(back).toMatch(/^ +\d+ s {2}█{5,} +░{5,}$/m);
  const rows = [...end.matchAll(/^ +(idc\d) +(\d+) +(\d+) +(\d+) +\S+ m?s$/gm)].map((row) => row.slice(1).map(Number));
  const [[, toOwn = 0, abroad = 0] = [], [, toOther, own = 0, failed] = []] = rows;
  expect(toOwn).toBeGreaterThan(100);
  expect(abroad).toBeGreaterThan(100);
  expect(own).toBeGreaterThan(200);
  expect({ toOther, failed }).toEqual({ toOther: 0, failed: 0 });
  expect(end.replace(/\s+/g, " ")).toMatch(/messages were acknowledged, and the consumer has read every one/);
  expect(stdout).toMatch(/Done after .*; nothing is left running\.\n$/);
  expect(stdout).not.toContain("\x1b");
}
