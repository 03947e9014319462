import { type IdcEntry, type IdcState, idcStates } from "./model.ts";

/**
 * What the router reads of the ledger's records. Fields that it does not know are left alone: arbiters may be of a newer version.
 * undefined: it cannot be read.
 */

export interface SetMaster {
  readonly epoch: number;
  /** host:port; null: there is none. */
  readonly master: string | null;
}

/** sets/<cluster>/<set>: {epoch, master: id | null, replicas: {id: {address}}} */
export function readSetMaster(text: string): SetMaster | undefined {
  const record = parse(text);
  const { epoch, master, replicas } = record ?? {};
  if (!isCount(epoch)) return undefined;
  if (master === null) return { epoch, master: null };
  const replica = isRecord(replicas) && isCount(master) ? replicas[String(master)] : undefined;
  const address = isRecord(replica) ? replica["address"] : undefined;
  return typeof address === "string" && address !== "" ? { epoch, master: address } : undefined;
}

/** idcs/<idc>: {state, weight?, epoch, reason?} */
export function readIdc(idc: string, text: string): IdcEntry | undefined {
  const { state, weight = 100, epoch, reason = "" } = parse(text) ?? {};
  const known: IdcState | undefined = idcStates.find((each) => each === state);
  if (known === undefined || !isCount(epoch) || typeof reason !== "string") return undefined;
  if (typeof weight !== "number" || weight < 0 || weight > 100) return undefined;
  return { idc, state: known, weight, epoch, reason };
}

/** cluster: {sites: [name]} */
export function readSites(text: string): readonly string[] | undefined {
  const { sites } = parse(text) ?? {};
  return Array.isArray(sites) && sites.every((site) => typeof site === "string") ? sites : undefined;
}

export interface Answer {
  readonly question: string;
  /** What the site says of the master: it is silent or dead. */
  readonly down: boolean;
}

/** answers/<cluster>/<set>/<site>: {question, master: {verdict}} */
export function readAnswer(text: string): Answer | undefined {
  const { question, master } = parse(text) ?? {};
  const verdict = isRecord(master) ? master["verdict"] : undefined;
  if (typeof question !== "string" || typeof verdict !== "string") return undefined;
  return { question, down: verdict === "silent" || verdict === "dead" };
}

export interface Question {
  readonly id: string;
  readonly epoch: number;
}

/** questions/<cluster>/<set>: {id, epoch} */
export function readQuestion(text: string): Question | undefined {
  const { id, epoch } = parse(text) ?? {};
  return typeof id === "string" && isCount(epoch) ? { id, epoch } : undefined;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
