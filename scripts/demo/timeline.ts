import type { Paint } from "#lib/terminal.ts";
import { majorityOf } from "../../arbiter/core/confirm.ts";
import { type DecisionRecord, effectNames } from "../../arbiter/core/decision.ts";
import type { AnswerRecord } from "../../arbiter/core/model.ts";

/** One line of a timeline. */
interface Moment {
  /** Since the fault; null: it did not happen, and stands where it could have. */
  readonly ms: number | null;
  readonly who: string;
  readonly what: string;
  readonly tone: "plain" | "down" | "decided" | "written";
}

/** What the demo saw itself. */
export interface Seen {
  /** "kill -9 of broker 1" */
  readonly fault: string;
  /** Wall time of the fault; one machine, one clock. */
  readonly faultAt: number;
  /** Of writes, since the fault; see GapReport. */
  readonly lastMs: number | null;
  readonly movedMs: number | null;
}

/** A failover as its decision record tells it, between what clients saw of it. In order of time; votes apart, as they may be missing. */
export function timelineOf(record: DecisionRecord, seen: Seen): readonly Moment[] {
  const { input, verdict, decidedBy, effects } = record;
  const { question, sites } = input;
  const since = (wall: number): number => wall - seen.faultAt;
  const answers = sites.map((site) => ({
    site,
    answer: input.answers.find((one) => one.site === site && one.question === question?.id),
  }));
  const down = answers.flatMap(({ answer }) => (answer !== undefined && isDown(answer) ? [answer.at] : [])).toSorted();
  const needed = majorityOf(sites);
  const confirmedAt = down[needed - 1];
  const moments: Moment[] = [
    { ms: seen.lastMs, who: "clients", what: `last write acknowledged by broker ${input.master}`, tone: "plain" },
    { ms: 0, who: "", what: seen.fault, tone: "down" },
    ...(question === null
      ? []
      : [
          plain(
            since(question.at),
            question.askedBy,
            `suspects broker ${question.master}, and asks every site: is it down?`,
          ),
        ]),
    ...answers.map(({ site, answer }) => voteOf(site, answer, since)),
    ...(confirmedAt === undefined
      ? []
      : [plain(since(confirmedAt), "", `confirmed: ${needed} of ${sites.length} sites say that it is down`)]),
    {
      ms: since(record.at),
      who: decidedBy,
      what: `decides, and commits to etcd: broker ${verdict.winner} is master of epoch ${verdict.epoch}`,
      tone: "decided",
    },
    ...effectNames.flatMap((name) => {
      const effect = effects[name];
      return effect === undefined ? [] : [plain(since(effect.at), effect.site, `${name}: ${effect.detail}`)];
    }),
    { ms: seen.movedMs, who: "clients", what: `first write acknowledged by broker ${verdict.winner}`, tone: "written" },
  ];
  const decidedMs = since(record.at);
  return moments.toSorted((one, other) => (one.ms ?? decidedMs) - (other.ms ?? decidedMs));
}

/** Lines for a terminal; the last column alone is coloured. */
export function formatTimeline(moments: readonly Moment[], paint: Paint): string {
  const widthMs = Math.max(...moments.map(({ ms }) => msText(ms).length));
  const widthWho = Math.max(...moments.map(({ who }) => who.length));
  const tones = { plain: (text: string) => text, down: paint.red, decided: paint.bold, written: paint.green };
  return moments
    .map(({ ms, who, what, tone }) => `${msText(ms).padStart(widthMs)}  ${who.padEnd(widthWho)}  ${tones[tone](what)}`)
    .join("\n");
}

function voteOf(site: string, answer: AnswerRecord | undefined, since: (wall: number) => number): Moment {
  if (answer === undefined)
    return { ms: null, who: site, what: "votes: had not answered when it was decided", tone: "plain" };
  const { verdict, evidence } = answer.master;
  return {
    ms: since(answer.at),
    who: site,
    what: `votes: ${verdict}, ${evidence}`,
    tone: isDown(answer) ? "down" : "plain",
  };
}

function isDown({ master }: AnswerRecord): boolean {
  return master.verdict === "dead" || master.verdict === "silent";
}

function plain(ms: number, who: string, what: string): Moment {
  return { ms, who, what, tone: "plain" };
}

function msText(ms: number | null): string {
  return ms === null ? "-" : `${Math.round(ms)} ms`;
}
