import { expect } from "vitest";
import { runProcess } from "../integration/harness/process.ts";
import { worldTest } from "./world-test.ts";

/** On a busy machine; three and a half minutes otherwise. */
const failoverMsMax = 600_000;
const replicationMsMax = 120_000;

worldTest(
  "./run demo failover kills a master and freezes another, and nothing is lost",
  async () => {
    const { code, stdout, stderr } = await runProcess("./run", ["demo", "failover"], { timeoutMs: failoverMsMax });
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
    const titles = [...stdout.matchAll(/^\d+\. (.*)$/gm)].map(([, title]) => title);
    expect(titles).toEqual([
      "Three sites, one broker set",
      "The master is killed",
      "The killed broker is started again",
      "The master hangs",
      "The hung broker goes on, and still believes that it is master",
      "What it came to",
    ]);
    const [, , deadMaster = "", , hungMaster = ""] = stdout.split(/^\d+\. .*$/m);
    for (const told of [deadMaster, hungMaster]) {
      for (const site of ["idc1", "idc2", "witness"]) expect(told).toMatch(new RegExp(`${site} +votes: `));
      expect(told).toMatch(/confirmed: 2 of 3 sites say that it is down/);
      expect(told).toMatch(/Decision C1\/bs1\/\d+: broker \d is master of epoch \d+/);
    }
    expect(deadMaster.match(/votes: dead, refused a connection/g)?.length).toBeGreaterThanOrEqual(2);
    expect(hungMaster.match(/votes: silent, unheard for/g)?.length).toBeGreaterThanOrEqual(2);

    const rows = [...stdout.matchAll(/^ +The master (?:is killed|hangs) .*?(\d+) -> (\d+) .* s +(\d+) +(\d+) +(\d+) /gm)];
    const figures = rows.map((row) => row.slice(1).map(Number));
    expect(figures).toHaveLength(2);
    for (const [before = 0, after = 0, acked, lost, stale] of figures) {
      expect(after).toBeGreaterThan(before);
      expect(acked).toBeGreaterThanOrEqual(5_000);
      expect({ lost, stale }).toEqual({ lost: 0, stale: 0 });
    }
    expect(stdout).toMatch(/Done after .*; nothing is left running\.\n$/);
    expect(stdout).not.toContain("\x1b");
    expect(stdout).not.toContain("\r");
  },
  failoverMsMax,
);

worldTest(
  "who may not make sites gets the story of replication, and the reason why there is no other",
  async () => {
    const asNobody = (...args: readonly string[]) =>
      runProcess("setpriv", ["--inh-caps=-all", "--bounding-set=-all", "./run", "demo", ...args], {
        timeoutMs: replicationMsMax,
      });
    const refusal = /network namespaces cannot be made|\/dev\/net\/tun cannot be opened/;
    const failover = await asNobody("failover");
    expect(failover).toMatchObject({ code: 3, stdout: "", stderr: expect.stringMatching(refusal) });

    const both = await asNobody();
    expect(both, both.stderr).toMatchObject({ code: 0, stderr: "" });
    expect(both.stdout).toMatch(/^1\. Two IDCs$/m);
    expect(both.stdout).toMatch(/The failover story is left out\. /);
    expect(both.stdout.replace(/\s+/g, " ")).toMatch(refusal);
  },
  replicationMsMax,
);
