import { expect, test } from "vitest";
import { createPaint } from "#lib/terminal.ts";
import { decide } from "../../arbiter/core/decide.ts";
import { answer, input, question } from "../../arbiter/core/decision.fixture.ts";
import type { DecisionInput, DecisionRecord } from "../../arbiter/core/decision.ts";
import { formatTimeline, timelineOf } from "./timeline.ts";

const faultAt = question.at - 40;
const seen = { fault: "kill -9 of broker 1", faultAt, lastMs: -3.4, movedMs: 130.2 };

function recordOf(answers: DecisionInput["answers"]): DecisionRecord {
  const of = input({ answers });
  const verdict = decide(of);
  if (verdict.kind === "refuse") throw new Error(verdict.why);
  const effect = (ms: number, detail: string) => ({ site: "idc2", at: faultAt + ms, detail });
  return {
    id: `C1/bs1/${verdict.epoch}`,
    input: of,
    verdict,
    decidedBy: "idc2",
    at: faultAt + 70,
    effects: { promoted: effect(95, "broker 2 answered"), demoted: effect(80, "broker 1 did not answer") },
  };
}

function told(answers: DecisionInput["answers"]): string[] {
  return formatTimeline(timelineOf(recordOf(answers), seen), createPaint(false)).split("\n");
}

const dead = (site: string, ms: number) =>
  answer(site, "dead", { at: faultAt + ms, master: { verdict: "dead", evidence: "refused a connection" } });

test("a failover is told in the order of time, from the last write before to the first one after", () => {
  expect(told([dead("idc1", 55), dead("idc2", 45), dead("witness", 62)])).toEqual([
    " -3 ms  clients  last write acknowledged by broker 1",
    "  0 ms           kill -9 of broker 1",
    " 40 ms  idc2     suspects broker 1, and asks every site: is it down?",
    " 45 ms  idc2     votes: dead, refused a connection",
    " 55 ms  idc1     votes: dead, refused a connection",
    " 55 ms           confirmed: 2 of 3 sites say that it is down",
    " 62 ms  witness  votes: dead, refused a connection",
    " 70 ms  idc2     decides, and commits to etcd: broker 2 is master of epoch 8",
    " 80 ms  idc2     demoted: broker 1 did not answer",
    " 95 ms  idc2     promoted: broker 2 answered",
    "130 ms  clients  first write acknowledged by broker 2",
  ]);
});

test("a site that had not answered, or does not know, is named and does not confirm", () => {
  const unknown = answer("idc1", "unknown", {
    at: faultAt + 43,
    master: { verdict: "unknown", evidence: "unheard for 40 ms" },
  });
  const lines = told([unknown, dead("idc2", 45), dead("witness", 62)]);
  expect(lines).toContain(" 43 ms  idc1     votes: unknown, unheard for 40 ms");
  expect(lines.indexOf(" 62 ms           confirmed: 2 of 3 sites say that it is down")).toBeGreaterThan(
    lines.indexOf(" 62 ms  witness  votes: dead, refused a connection"),
  );
  expect(told([dead("idc2", 45), dead("witness", 62)])).toContain(
    "     -  idc1     votes: had not answered when it was decided",
  );
});
