import type { DecisionId, SetName, SiteName } from "./model.ts";

/** Where each record lies in the ledger, below its prefix. Names hold no slash. */

export const clusterKey = "cluster";
export const policyKey = "policy";
export const pauseKey = "pause";
export const historyKey = "history";

/** On the site's lease. */
export function siteKey(site: SiteName): string {
  return `sites/${site}`;
}

export function setKey(name: SetName): string {
  return `sets/${name}`;
}

export function questionKey(name: SetName): string {
  return `questions/${name}`;
}

export function idcKey(idc: string): string {
  return `idcs/${idc}`;
}

export function drainKey(name: SetName): string {
  return `drains/${name}`;
}

export function switchKey(name: SetName): string {
  return `switches/${name}`;
}

/** On the answering site's lease. */
export function answerKey(name: SetName, site: SiteName): string {
  return `answers/${name}/${site}`;
}

/** What goes when a set is removed. Its decisions stay: their epochs are not used again. */
export function keysOfSet(name: SetName, sites: readonly SiteName[]): string[] {
  const own = [setKey, questionKey, refusalKey, switchKey, drainKey, protectionKey];
  return [...own.map((keyOf) => keyOf(name)), ...sites.map((site) => answerKey(name, site))];
}

/** Beside the question, and gone with it. */
export function refusalKey(name: SetName): string {
  return `refusals/${name}`;
}

export function decisionId(name: SetName, epoch: number): DecisionId {
  return `${name}/${epoch}`;
}

export function decisionKey(id: DecisionId): string {
  return `decisions/${id}`;
}

export function protectionKey(name: SetName): string {
  return `protection/${name}`;
}

export function auditKey(site: SiteName, n: number): string {
  return `${auditFolder(site)}${n}`;
}

export function auditHeadKey(site: SiteName): string {
  return `${auditFolder(site)}head`;
}

/** All of a site's chain lies below it. */
export function auditFolder(site: SiteName): string {
  return `audit/${site}/`;
}

/** Written by a transaction that would change nothing else: only a write that was applied proves a quorum. */
export function proofKey(site: SiteName): string {
  return `proofs/${site}`;
}

export type ParsedKey =
  | { readonly kind: "cluster" | "policy" | "pause" | "history" }
  | { readonly kind: "site" | "proof" | "auditHead"; readonly site: SiteName }
  | { readonly kind: "set"; readonly name: SetName }
  | { readonly kind: "question" | "refusal" | "protection" | "switch" | "drain"; readonly set: SetName }
  | { readonly kind: "idc"; readonly idc: string }
  | { readonly kind: "answer"; readonly set: SetName; readonly site: SiteName }
  | { readonly kind: "decision"; readonly id: DecisionId; readonly set: SetName; readonly epoch: number }
  | { readonly kind: "audit"; readonly site: SiteName; readonly n: number };

/** undefined: none of the arbiter's (routers and replicators keep records beside them). */
export function parseKey(key: string): ParsedKey | undefined {
  const [folder = "", ...names] = key.split("/");
  if (names.includes("")) return undefined;
  const [first = "", second = "", third = ""] = names;
  const set = `${first}/${second}` as SetName;
  switch (`${folder} ${names.length}`) {
    case "cluster 0":
      return { kind: "cluster" };
    case "policy 0":
      return { kind: "policy" };
    case "pause 0":
      return { kind: "pause" };
    case "history 0":
      return { kind: "history" };
    case "sites 1":
      return { kind: "site", site: first };
    case "proofs 1":
      return { kind: "proof", site: first };
    case "sets 2":
      return { kind: "set", name: set };
    case "questions 2":
      return { kind: "question", set };
    case "refusals 2":
      return { kind: "refusal", set };
    case "protection 2":
      return { kind: "protection", set };
    case "idcs 1":
      return { kind: "idc", idc: first };
    case "drains 2":
      return { kind: "drain", set };
    case "switches 2":
      return { kind: "switch", set };
    case "answers 3":
      return { kind: "answer", set, site: third };
    case "decisions 3":
      return isNumber(third) ? { kind: "decision", id: `${set}/${third}`, set, epoch: Number(third) } : undefined;
    case "audit 2":
      if (second === "head") return { kind: "auditHead", site: first };
      return isNumber(second) ? { kind: "audit", site: first, n: Number(second) } : undefined;
    default:
      return undefined;
  }
}

/** In the one way of writing it, so that a key and what it says are one to one. */
function isNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,14})$/.test(text);
}
