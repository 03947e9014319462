import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHistories } from "../history.ts";
import { decision, goodRun } from "./made.ts";
import { readEvidence } from "./read.ts";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "chaos-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const { about } = goodRun();

async function writeRun(folder: string): Promise<void> {
  await writeFile(join(folder, "run.json"), JSON.stringify(about));
  await using histories = await openHistories(folder);
  histories.addAt("faults", 10, { e: "begin", nth: 1, fault: "bridge", what: "", master: "a:1", planned: {} });
  histories.addAt("faults", 11, { e: "force", nth: 1, targets: ["idc1>idc2"], singleLink: true, keeps: true });
  histories.addAt("faults", 20, { e: "end", nth: 1 });
  histories.addAt("faults", 30, { e: "whole", nth: 1 });
  histories.addAt("faults", 40, { e: "calm" });
  histories.addAt("faults", 50, { e: "over", caughtUp: true });
  histories.addAt("producers", 1, { e: "send", id: "m1", q: 2, b: "a:1", p: "idc1-1" });
  histories.addAt("producers", 2, { e: "send", id: "m2", q: 3, b: "a:1", p: "idc1-1" });
  histories.addAt("producers", 9, { e: "answer", id: "m1", code: 0 });
  histories.addAt("consumers", 12, { e: "got", c: "c1", id: "m1", q: 2, o: 7, b: "a:1" });
  histories.addAt("stored", 60, { e: "stored", q: 2, o: 7, id: "m1" });
  histories.addAt("record", 3, { e: "master", by: "arbiter", epoch: 7, broker: "a:1", inSync: ["a:1"] });
  histories.addAt("routes", 4, { e: "route", by: "router", code: 0, master: null, brokers: [] });
  const { id, kind, epoch, epochBefore, answers, ...input } = decision();
  const votes = answers.map(({ verdict, ...answer }) => ({ ...answer, master: { verdict } }));
  const record = { input: { ...input, epoch: epochBefore, answers: votes } };
  histories.addAt("decisions", 70, { e: "decision", decision: { id, kind, epoch, record } });
}

test("what was written down is read as it was", async () => {
  await withFolder(async (folder) => {
    await writeRun(folder);
    const sent = { producer: "idc1-1", broker: "a:1" };
    expect(await readEvidence(folder)).toEqual({
      about,
      faults: [
        {
          nth: 1,
          fault: "bridge",
          master: "a:1",
          beginAt: 10,
          forceAt: 11,
          endAt: 20,
          wholeAt: 30,
          targets: ["idc1>idc2"],
          singleLink: true,
          keeps: true,
        },
      ],
      sends: [
        { ...sent, id: "m1", queue: 2, at: 1, answeredAt: 9, code: 0 },
        { ...sent, id: "m2", queue: 3, at: 2, answeredAt: undefined, code: undefined },
      ],
      got: [{ at: 12, consumer: "c1", id: "m1", queue: 2, offset: 7 }],
      stored: [{ id: "m1", queue: 2, offset: 7 }],
      record: [{ at: 3, by: "arbiter", epoch: 7, broker: "a:1" }],
      routes: [{ at: 4, by: "router", master: null, brokers: [] }],
      decisions: [decision()],
      calmAt: 40,
      overAt: 50,
      caughtUp: true,
    });
  });
});

test("a last line that was cut off is no line", async () => {
  await withFolder(async (folder) => {
    await writeRun(folder);
    await appendFile(join(folder, "producers.jsonl"), '{"at":99,"e":"se');
    expect((await readEvidence(folder)).sends).toHaveLength(2);
  });
});

test("a history is never written over", async () => {
  await withFolder(async (folder) => {
    await writeRun(folder);
    await expect(openHistories(folder)).rejects.toThrow("EEXIST");
  });
});
