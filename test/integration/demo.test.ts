import { expect, test } from "vitest";
import { runProcess, startProcess } from "./harness/process.ts";

const storyMsMax = 120_000;
const startMsMax = 60_000;

/** Network namespaces cannot be made; nothing else is different. */
function withoutRights(...args: readonly string[]) {
  const command = ["./run", "demo", ...args];
  const [first = "", ...rest] =
    process.getuid?.() === 0 ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all", ...command] : command;
  return runProcess(first, rest, { timeoutMs: storyMsMax });
}

const refusal = /network namespaces cannot be made|\/dev\/net\/tun cannot be opened/;

test("./run demo tells the story of replication in less than two minutes, and why it tells no other", {
  timeout: 150_000,
}, async () => {
  const { code, stdout, stderr } = await withoutRights();
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
  const titles = [...stdout.matchAll(/^\d+\. (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual([
    "Two IDCs",
    "IDC1 has been in business for years",
    "The replicator starts in IDC2",
    "The same names, each IDC's own brokers",
    "Changes, one by one",
    "A burst",
    "The replicator is killed",
    "An accident in IDC1",
    "The backup is restored",
    "Is IDC2 right, after all this?",
    "How long it took",
  ]);
  expect(stdout).toContain("clusterName=rmq-order-idc1            clusterName=rmq-order-idc2");
  expect(stdout).toContain("delete brake engaged (tooManyDeletes): 1000 deletes wait");
  expect(stdout).toContain("Equal: 0 differences");
  expect(stdout).toMatch(/^ +group suspended, in a burst +2000 +[\d.]+ ms/m);
  expect(stdout).toMatch(/Done after .*; nothing is left running\.\n/);
  expect(stdout.split("The stories of failover and routing are left out.")[1]?.replace(/\s+/g, " ")).toMatch(refusal);
  // Neither colours nor progress where nobody sees them.
  expect(stdout).not.toContain("\x1b");
  expect(stdout).not.toContain("\r");
});

test("Ctrl-C half way ends everything, and is no success", { timeout: 90_000 }, async () => {
  await using demo = startProcess("./run", ["demo", "replication"]);
  await demo.waitForLine(/The replicator starts in IDC2/, { timeoutMs: startMsMax });
  expect(await demo.kill("SIGINT")).toEqual({ code: 1, signal: null });
  expect(demo.output("stdout")).toMatch(/Stopped half way after .*; nothing is left running\.\n$/);
});

test.for(["failover", "routing"])(
  "the story of %s alone is refused with code 3 by who may not make sites",
  async (story) => {
    const { code, stdout, stderr } = await withoutRights(story);
    expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: "", stderr: expect.stringMatching(refusal) });
  },
);

test("a story that nobody knows, and a set to stay with, are refused with code 2", async () => {
  for (const [args, why] of [
    [["fable"], 'no story "fable"'],
    [["failover", "--stay"], "./run world up arbiter"],
  ] as const) {
    const { code, stdout, stderr } = await runProcess("./run", ["demo", ...args], { timeoutMs: startMsMax });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(why);
  }
});
