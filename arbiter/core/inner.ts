import { assert } from "#lib/assert.ts";
import type { Instant } from "#lib/clock.ts";
import type { Binding } from "./asks.ts";
import { type Audited, keysOfActs } from "./audited.ts";
import { idsOf } from "./brokers.ts";
import type { ArbiterOptions, Context, Ending, Moment } from "./context.ts";
import type { Command, ConnectionId, LedgerEntry, Token, Transaction } from "./events.ts";
import { isExpired } from "./expiry.ts";
import { isThere, sitesInTurn } from "./leader.ts";
import { type Mirror, newMirror } from "./mirror.ts";
import type { Revision, SiteName } from "./model.ts";
import { defaultPolicies, policyOf } from "./policy.ts";
import { isRestored } from "./restored.ts";
import { isScripted } from "./scripted.ts";
import type { SetView } from "./set-view.ts";
import { probesPerWindowMax, sendWindowMs, settingsPerWindowMax, stallDrainMs } from "./timing.ts";

/** What the core keeps between two steps, and the context that its parts see of it. */

/** Sets in memory, those included that brokers speak of and the ledger does not know. */
export const setsMax = 10_000;

export interface ArbiterState {
  readonly mirror: Mirror;
  readonly bindings: ReadonlyMap<ConnectionId, Binding>;
  /** When the last completed write was sent. */
  readonly quorumAt: Instant | null;
  readonly outsideAt: Instant | null;
  /** The last time that this process stood still; null: never. */
  readonly stall: Stall | null;
}

interface Stall {
  /** The last step before it, and the first after it. */
  readonly since: Instant;
  readonly until: Instant;
}

export interface Inner extends ArbiterState {
  readonly bindings: Map<ConnectionId, Binding>;
  quorumAt: Instant | null;
  outsideAt: Instant | null;
  stall: Stall | null;
  /** The mirror has all that was in the ledger then; null: not known since the last stall. */
  currentAt: Instant | null;
  /** Own writes that the watch still has to tell of, oldest first, and when they were sent. */
  untold: readonly { readonly revision: Revision; readonly sentAt: Instant }[];
  beat: number;
  beatSentAt: Instant | null;
  beating: boolean;
  proving: boolean;
  /** The ledger's history is being written down. */
  noting: boolean;
  sitesProbedAt: Instant | null;
  /** What nobody waits for: since when it is counted, and how much there was. */
  sent: { readonly since: Instant; probes: number; masterProbes: number; readings: number } | null;
  /** When masters away from home were last looked at. */
  returnsAt: Instant | null;
  steppedAt: Instant | null;
  /** What all sets depend on, and since when it is so: see rest.ts. */
  world: { readonly is: readonly unknown[]; readonly since: Instant };
  tokens: number;
  readonly commits: Map<
    Token,
    {
      readonly transaction: Transaction;
      readonly sentAt: Instant;
      /** `entries`: of an outdated one, what was found. */
      readonly then: (ending: Ending, context: Context, entries: readonly LedgerEntry[]) => void;
    }
  >;
  readonly audited: { waiting: Audited[]; inFlight: boolean };
}

export function newInner(): Inner {
  return {
    mirror: newMirror(),
    bindings: new Map(),
    quorumAt: null,
    outsideAt: null,
    stall: null,
    currentAt: null,
    untold: [],
    beat: 0,
    beatSentAt: null,
    beating: false,
    proving: false,
    noting: false,
    sitesProbedAt: null,
    sent: null,
    returnsAt: null,
    steppedAt: null,
    world: { is: [], since: 0 as Instant },
    tokens: 0,
    commits: new Map(),
    audited: { waiting: [], inFlight: false },
  };
}

/** What arrives now may have waited through the last stall. */
export function isDraining({ stall }: ArbiterState, now: Instant): boolean {
  return stall !== null && now - stall.until <= stallDrainMs;
}

const untoldMax = 100;

/** An own write was applied, when the mirror was complete up to it, or as soon as the watch has told as much. */
export function noteWrite(state: Inner, revision: Revision, sentAt: Instant): void {
  if (state.stall !== null && sentAt < state.stall.until) return;
  state.untold = [...state.untold, { revision, sentAt }].slice(-untoldMax);
  noteTold(state);
}

export function noteTold(state: Inner): void {
  if (state.untold.length === 0) return;
  const { toldTo } = state.mirror;
  for (const { revision, sentAt } of state.untold)
    if (revision <= toldTo && sentAt > (state.currentAt ?? Number.NEGATIVE_INFINITY)) state.currentAt = sentAt;
  state.untold = state.untold.filter(({ revision }) => revision > toldTo);
}

/** Made once: a closure for each event would cost more than most events do. */
export function contextOf(
  options: ArbiterOptions,
  state: Inner,
  emit: (command: Command) => void,
): Context & { moment: Moment } {
  const { mirror } = state;
  const { timing, site } = options;
  const maySend = (what: "probes" | "masterProbes" | "readings", most: number): boolean => {
    const { now } = context.moment;
    if (state.sent === null || now - state.sent.since >= sendWindowMs)
      state.sent = { since: now, probes: 0, masterProbes: 0, readings: 0 };
    if (state.sent[what] >= most) return false;
    state.sent[what] += 1;
    return true;
  };
  const turnsOf = (view: SetView, voters: readonly SiteName[]): readonly SiteName[] => {
    const of = view.record?.value.replicas ?? null;
    if (view.turns.of !== of || view.turns.voters !== voters) {
      const idcs = new Set(idsOf(view).map((id) => context.idcOf(view, id)));
      // Only the site that leads runs the scripts that tell of a restart.
      const sites = isScripted(view, context) ? voters : sitesInTurn(view.name, voters, idcs);
      view.turns = { of, voters, sites };
    }
    return view.turns.sites;
  };
  const context: Context & { moment: Moment } = {
    options,
    mirror,
    moment: { now: 0 as Instant, wall: 0 },
    get outsideAt() {
      return state.outsideAt;
    },
    emit,
    commit(transaction, then) {
      const unaudited = keysOfActs(transaction);
      assert(unaudited.length === 0, `${unaudited.join(", ")}: written without an entry in the audit log`);
      state.tokens += 1;
      const token = state.tokens;
      state.commits.set(token, { transaction, sentAt: context.moment.now, then });
      emit({ kind: "commit", token, transaction });
    },
    commitAct(act, transaction, then) {
      state.audited.waiting.push({ transaction, then, act, tries: 0 });
    },
    hasQuorum: () => state.quorumAt !== null && context.moment.now - state.quorumAt <= timing.quorumProofMs,
    isCurrent(view) {
      if (isRestored(mirror)) return false;
      const at = Math.max(view.provenAt ?? Number.NEGATIVE_INFINITY, state.currentAt ?? Number.NEGATIVE_INFINITY);
      return context.moment.now - at <= timing.quorumProofMs;
    },
    isDraining: () => isDraining(state, context.moment.now),
    isMyTurn(since, failing) {
      const voters = mirror.cluster?.value.sites ?? [];
      const sites = failing === undefined ? voters : turnsOf(failing, voters);
      const own = sites.indexOf(site);
      if (own < 0 || !context.hasQuorum()) return false;
      const before = sites.slice(0, own).filter((each) => isThere(each, context));
      return context.moment.now - since >= before.length * timing.leaderSilentMs;
    },
    mayProbe: (isMaster) => maySend(isMaster ? "masterProbes" : "probes", probesPerWindowMax),
    mayReadSettings: () => maySend("readings", settingsPerWindowMax),
    policyOf: ({ name }) => policyOf(mirror.policies?.value ?? defaultPolicies, name),
    isPaused: () => mirror.pause !== null && !isExpired(mirror.pause.value.until, context.moment.wall),
    idcOf: (view, id) => options.idcOf(view.record?.value.replicas[id]?.address ?? "", view.set),
  };
  return context;
}
