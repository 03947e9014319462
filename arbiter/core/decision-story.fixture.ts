import type { Instant } from "#lib/clock.ts";
import { confirm } from "./confirm.ts";
import { decide } from "./decide.ts";
import type { DecisionInput } from "./decision.ts";
import type { TriedOutcome } from "./events.ts";
import {
  type BrokerEvidence,
  mostReported,
  onAsked,
  onClosed,
  onHeartbeat,
  onProbed,
  onStall,
  priorityOf,
  unheard,
  viewOf,
} from "./evidence.ts";
import { explainDecision } from "./explain.ts";
import type {
  AnswerRecord,
  BrokerId,
  BrokerView,
  OffsetReading,
  QuestionRecord,
  SetPolicy,
  SiteName,
} from "./model.ts";
import { usualPolicy } from "./policy-forms.ts";
import { timing } from "./timing.fixture.ts";

/**
 * Stories of a decision as plain text: what three sites hear of brokers 1 and 3 (idc1) and 2 (idc2) of C1/bs1, of which 1 is
 * master of epoch 7. A step is what happened, `----`, and what is told; `====` stands between steps. A line with a site in front
 * happens there, `all` stands for every site. `decide` tells what each site says, what that confirms, and what is decided;
 * `look` stops short of deciding; `explain` decides and tells it as idcctl does.
 */
export interface DecisionTeller {
  tell(happened: readonly string[]): string[];
}

const sites: readonly SiteName[] = ["idc1", "idc2", "witness"];
const ids: readonly BrokerId[] = [1, 2, 3];
/** Wall time at the story's 0 ms. */
const startWall = 1_764_000_000_000;

interface Told {
  now: number;
  readonly evidence: Map<string, BrokerEvidence>;
  readonly alone: Set<SiteName>;
  /** Sites that are not there: they answer nothing. */
  readonly gone: Set<SiteName>;
  question: (QuestionRecord & { readonly seenAt: number }) | null;
  readonly readings: Map<BrokerId, OffsetReading>;
  input: Pick<DecisionInput, "kind" | "inSync" | "policy" | "protection" | "gathered" | "failoversAt">;
  unconfirmed: readonly BrokerId[];
}

export function createDecisionTeller(): DecisionTeller {
  const told: Told = {
    now: 0,
    evidence: new Map(sites.flatMap((site) => ids.map((id) => [`${site} ${id}`, unheard(0 as Instant)]))),
    alone: new Set(),
    gone: new Set(),
    question: null,
    readings: new Map(),
    input: { kind: "failover", inSync: ids, policy: usualPolicy, protection: null, gathered: true, failoversAt: [] },
    unconfirmed: [],
  };
  return {
    tell(happened) {
      const answered = happened.filter((line) => !line.startsWith("#")).flatMap((line) => take(told, line));
      return answered.length > 0 ? answered : ["nothing"];
    },
  };
}

/** Each form of a line, and what it does. */
const forms: readonly (readonly [RegExp, (told: Told, ...found: string[]) => string[]])[] = [
  [/^at (\d+) ms$/, (told, ms) => done(() => (told.now = Number(ms)))],
  [
    /^(\S+) hears? (\d): epoch (\d+), offset (\d+)(?:, priority (\d+))?$/,
    (told, where, id, epoch, offset, priority = "0") =>
      at(told, where, id, (evidence, now) => {
        const beat = { connection: 1, epoch: Number(epoch), maxOffset: BigInt(offset), priority: Number(priority) };
        return onHeartbeat(evidence, beat, now);
      }),
  ],
  [/^(\S+): (\d) asks for a master$/, (told, where, id) => at(told, where, id, onAsked)],
  [
    /^(\S+): (\d) closes its connection$/,
    (told, where, id) => at(told, where, id, (evidence, now) => onClosed(evidence, 1, now)),
  ],
  [
    /^(\S+): a probe of (\d), sent (\d+) ms ago, (.*)$/,
    (told, where, id, ms, outcome) =>
      at(told, where, id, (evidence, now) =>
        onProbed(evidence, outcomeOf(outcome), (now - Number(ms)) as Instant, now),
      ),
  ],
  [/^(\S+) stood still$/, (told, where) => ids.flatMap((id) => at(told, where, String(id), onStall))],
  [/^(\S+) reaches? nobody else$/, (told, where) => done(() => each(where, (site) => told.alone.add(site)))],
  [/^(\S+) reaches? others$/, (told, where) => done(() => each(where, (site) => told.alone.delete(site)))],
  [/^(\S+) is gone$/, (told, where) => done(() => each(where, (site) => told.gone.add(site)))],
  [
    /^(\S+) asks whether (\d) is down$/,
    (told, site, id) => done(() => (told.question = askedBy(site, Number(id), told.now))),
  ],
  [
    /^(\d) is read at epoch (-?\d+), offset (\d+)$/,
    (told, id, epoch, offset) =>
      done(() => told.readings.set(Number(id), { epoch: Number(epoch), maxOffset: BigInt(offset) })),
  ],
  [/^(\d) cannot be read$/, (told, id) => done(() => told.readings.delete(Number(id)))],
  [/^in sync: ([\d, ]+)$/, (told, list) => change(told, { inSync: list.split(", ").map(Number) })],
  [/^unconfirmed: ([\d, ]+)$/, (told, list) => done(() => (told.unconfirmed = list.split(", ").map(Number)))],
  [/^policy (.*)$/, (told, text) => change(told, { policy: { ...told.input.policy, ...policyIn(text) } })],
  [
    /^protection (none|broker|idc)$/,
    (told, level) => change(told, { protection: { level: level as "none", why: "", at: startWall } }),
  ],
  [
    /^failed over at (.*) ms$/,
    (told, list) => change(told, { failoversAt: list.split(", ").map((ms) => startWall + Number(ms)) }),
  ],
  [/^still gathering$/, (told) => change(told, { gathered: false })],
  [/^gathered$/, (told) => change(told, { gathered: true })],
  [/^it is a (failover|restart)$/, (told, kind) => change(told, { kind: kind as "failover" })],
  [/^look$/, (told) => look(told)],
  [/^decide$/, (told) => [...look(told), ...verdictLines(told)]],
  [/^explain$/, explained],
];

function take(told: Told, line: string): string[] {
  for (const [form, act] of forms) {
    const found = form.exec(line);
    if (found !== null) return act(told, ...found.slice(1));
  }
  throw new Error(`Cannot read the line ${JSON.stringify(line)} of a story`);
}

function done(act: () => unknown): string[] {
  act();
  return [];
}

function change(told: Told, changes: Partial<Told["input"]>): string[] {
  told.input = { ...told.input, ...changes };
  return [];
}

function each(where: string, act: (site: SiteName) => void): void {
  for (const site of where === "all" ? sites : [where]) act(site);
}

function at(
  told: Told,
  where: string,
  id: string,
  act: (evidence: BrokerEvidence, now: Instant) => BrokerEvidence,
): string[] {
  each(where, (site) => {
    told.evidence.set(`${site} ${id}`, act(evidenceOf(told, site, Number(id)), told.now as Instant));
  });
  return [];
}

function evidenceOf(told: Told, site: SiteName, id: BrokerId): BrokerEvidence {
  const evidence = told.evidence.get(`${site} ${id}`);
  if (evidence === undefined) throw new Error(`There is no broker ${id}, or no site ${site}`);
  return evidence;
}

function outcomeOf(text: string): TriedOutcome {
  const answered = /^is answered: epoch (\d+), offset (\d+)(, not acting)?$/.exec(text);
  if (answered !== null) {
    const [, epoch, offset = "0", idle] = answered;
    return {
      kind: "answered",
      reading: { epoch: Number(epoch), maxOffset: BigInt(offset) },
      acting: idle === undefined,
    };
  }
  if (text === "is refused") return { kind: "refused", detail: "" };
  if (text === "times out") return { kind: "timedOut", detail: "" };
  return { kind: "failed", detail: text };
}

function askedBy(askedBySite: SiteName, master: BrokerId, now: number): Told["question"] {
  const at = startWall + now;
  return {
    id: "7.1",
    cluster: "C1",
    set: "bs1",
    epoch: 7,
    master,
    askedBy: askedBySite,
    restarted: false,
    at,
    seenAt: now,
  };
}

function policyIn(text: string): Partial<SetPolicy> {
  const entries = text.split(", ").map((part) => {
    const [key = "", ...value] = part.split(" ");
    return [
      key,
      key === "maxLostBytes"
        ? BigInt(value.join(""))
        : key === "preferIdcs"
          ? value
          : key === "cooldownMs"
            ? Number(value)
            : value[0],
    ];
  });
  return Object.fromEntries(entries) as Partial<SetPolicy>;
}

function viewAt(told: Told, site: SiteName, id: BrokerId, mustAct: boolean): BrokerView {
  return viewOf(evidenceOf(told, site, id), {
    now: told.now as Instant,
    timing,
    outsideAt: told.alone.has(site) ? null : (told.now as Instant),
    needsOutside: true,
    askedAt: told.question === null ? null : (told.question.seenAt as Instant),
    mustAct,
    restarted: false,
  });
}

function answersOf(told: Told): AnswerRecord[] {
  const { question } = told;
  if (question === null) return [];
  return sites
    .filter((site) => !told.gone.has(site))
    .map((site) => ({
      site,
      question: question.id,
      master: viewAt(told, site, question.master, true),
      replicas: Object.fromEntries(ids.map((id) => [id, viewAt(told, site, id, false)])),
      told: mostReported(evidenceOf(told, site, question.master)),
      at: startWall + told.now,
    }));
}

function look(told: Told): string[] {
  const lines = sites
    .filter((site) => !told.gone.has(site))
    .map((site) => {
      const { verdict, evidence } = viewAt(told, site, 1, true);
      return `${site}: 1 is ${verdict}: ${evidence}`;
    });
  if (told.question === null) return lines;
  const confirmation = confirm(told.question, sites, answersOf(told));
  switch (confirmation.kind) {
    case "open":
      return [...lines, "the question stays open"];
    case "confirmed":
      return [...lines, `confirmed${confirmation.positive ? ", positively" : ""}: ${confirmation.downAt.join(", ")}`];
    case "refuted":
      return [...lines, `refuted: ${confirmation.aliveAt.join(", ")}`];
  }
}

function inputOf(told: Told): DecisionInput {
  const answers = answersOf(told);
  const sitesThatSay = (id: BrokerId, ...wanted: string[]): SiteName[] =>
    answers.filter(({ replicas }) => wanted.includes(replicas[id]?.verdict ?? "unknown")).map(({ site }) => site);
  const { seenAt: _, ...question } = told.question ?? { seenAt: 0 };
  return {
    ...told.input,
    cluster: "C1",
    set: "bs1",
    epoch: 7,
    usedEpoch: 0,
    inSyncEpoch: 20,
    master: 1,
    sites,
    question: told.question === null ? null : (question as QuestionRecord),
    planned: null,
    answers,
    candidates: ids.map((id) => ({
      id,
      inSync: told.input.inSync.includes(id),
      confirmed: !told.unconfirmed.includes(id),
      aliveAt: sitesThatSay(id, "alive"),
      downAt: sitesThatSay(id, "silent", "dead"),
      reading: told.readings.get(id) ?? null,
      reported: mostReported(evidenceOf(told, "idc2", id)),
      drained: false,
      priority: priorityOf(evidenceOf(told, "idc2", id)),
      idc: id === 2 ? "idc2" : "idc1",
    })),
    acting: [],
    now: startWall + told.now,
    designated: null,
    forced: false,
    reason: "",
  };
}

function verdictLines(told: Told): string[] {
  const verdict = decide(inputOf(told));
  const rejected = verdict.rejected.map(({ id, reason, detail }) => `  not ${id}, ${reason}: ${detail}`);
  if (verdict.kind === "refuse") return [`refused, ${verdict.reason}: ${verdict.why}`, ...rejected];
  return [`elected: ${verdict.winner}, epoch ${verdict.epoch}`, `  ${verdict.why}`, ...rejected];
}

function explained(told: Told): string[] {
  const input = inputOf(told);
  const verdict = decide(input);
  if (verdict.kind === "refuse") return verdictLines(told);
  const effect = (ms: number, detail: string) => ({ site: "idc2", at: input.now + ms, detail });
  return explainDecision({
    id: `C1/bs1/${verdict.epoch}`,
    input,
    verdict,
    decidedBy: "idc2",
    at: input.now,
    effects: {
      demoted: effect(402, `broker ${input.master} did not answer in 400 ms`),
      promoted: effect(530, `broker ${verdict.winner} answered`),
    },
  });
}
