import type { AnswerRecord, QuestionRecord, SiteName, Verdict } from "./model.ts";

export type Confirmation =
  /** `positive`: a majority says dead, not merely silent. */
  | { readonly kind: "confirmed"; readonly downAt: readonly SiteName[]; readonly positive: boolean }
  | { readonly kind: "refuted"; readonly aliveAt: readonly SiteName[] }
  | { readonly kind: "open" };

/**
 * Is the master down? A majority of the recorded sites, not of the answers, must say so for this question (I2); "unknown" is
 * not down. Refuted only when a majority hears it and nobody says down.
 */
export function confirm(
  question: QuestionRecord,
  sites: readonly SiteName[],
  answers: readonly AnswerRecord[],
): Confirmation {
  const said = verdictsBySite(question, sites, answers);
  const sitesThatSay = (...verdicts: readonly Verdict[]): SiteName[] =>
    [...said].filter(([, verdict]) => verdicts.includes(verdict)).map(([site]) => site);
  const majority = majorityOf(sites);
  const downAt = sitesThatSay("silent", "dead");
  if (downAt.length >= majority) {
    return { kind: "confirmed", downAt, positive: sitesThatSay("dead").length >= majority };
  }
  const aliveAt = sitesThatSay("alive");
  return aliveAt.length >= majority && downAt.length === 0 ? { kind: "refuted", aliveAt } : { kind: "open" };
}

/** How many of the recorded sites a majority is. A site that is written twice votes once. */
export function majorityOf(sites: readonly SiteName[]): number {
  return Math.floor(new Set(sites).size / 2) + 1;
}

/** Of a site that answers twice the more cautious answer counts. */
const cautiousFirst: readonly Verdict[] = ["alive", "unknown", "silent", "dead"];

/** What each voting site answers to this question, in the order of the sites. */
function verdictsBySite(
  question: QuestionRecord,
  sites: readonly SiteName[],
  answers: readonly AnswerRecord[],
): ReadonlyMap<SiteName, Verdict> {
  const said = new Map<SiteName, Verdict>();
  for (const site of sites) {
    const own = answers.filter((answer) => answer.site === site && answer.question === question.id);
    const verdict = cautiousFirst.find((each) => own.some(({ master }) => master.verdict === each));
    if (verdict !== undefined) said.set(site, verdict);
  }
  return said;
}
