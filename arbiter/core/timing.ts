/** The times that decisions rest on, in ms; `timing` of the config. */
export interface Timing {
  /** Longest wait for a broker to answer a probe. */
  readonly probeTimeoutMs: number;
  /** Silence after which a site may call a broker silent. */
  readonly suspectAfterMs: number;
  /** A site whose beat is older than this does not lead. */
  readonly leaderSilentMs: number;
  /** Longest wait for the old master's answer to its demotion. */
  readonly demoteFirstMs: number;
  /** Longest wait for the candidates' offsets. */
  readonly offsetReadMs: number;
  /** How long an election waits for in-sync members that nobody calls down. */
  readonly gatherMs: number;
  /** A quorum proof older than this is none. */
  readonly quorumProofMs: number;
}

/** Ticks come each 50 ms: after so long without a step the ages of what this site has heard cannot be believed. */
export const stallMs = 500;
/** What arrives within this after a stall may have waited all through it, and be as old. */
export const stallDrainMs = 300;
/** A site writes its beat this often. */
export const siteBeatMs = 250;
/** An answer counts only if its site's beat is not older than this. */
export const siteFreshMs = 1_500;
/** Between looks at whether the other sites' controller doors are reached. */
export const probeSiteEveryMs = 1_000;
/** Between probes of a broker that is heard; and of one that is not. */
export const probeCalmMs = 5_000;
export const probeDoubtMs = 400;
/**
 * What nobody waits for goes out in portions: 1,000 probes of masters a second, and as many of others, where 1,000 sets need 200 and 400,
 * and the settings of 200 sets, where they need 67. A site whose turn begins, or that stood still, would do all of it at once, and stand still over it.
 */
export const sendWindowMs = 50;
export const probesPerWindowMax = 50;
export const settingsPerWindowMax = 10;
/** A broker unheard for so long is probed; heartbeats come each second. */
const doubtAfterMs = 1_300;
/** From the last sign of life to the first probe that may be the one before a question. */
export function doubtMs({ suspectAfterMs, probeTimeoutMs }: Timing): number {
  return Math.max(0, Math.min(doubtAfterMs, suspectAfterMs - probeTimeoutMs));
}

/** From the last sign of life to the question, where a probe goes unanswered: its own probe then ends with suspectAfterMs. */
export function askedMs(timing: Timing): number {
  const { suspectAfterMs, probeTimeoutMs } = timing;
  return Math.min(suspectAfterMs, Math.max(suspectAfterMs - probeTimeoutMs, doubtMs(timing) + probeTimeoutMs));
}

/** A question that all sites have denied is not asked again before, but where the master is not heard. */
export const askAgainMs = 1_000;
/** A question of a broker is answered within this, or refused: brokers wait 3 s. */
export const askMsMax = 2_700;
/** A master's wish to shrink the in-sync set that will be granted within this is answered then. */
export const wishWaitMsMax = 2_000;
/** 907 and 26 are read this often, of every set that is led from here. */
export const inSyncReadMs = 2_000;
export const settingsReadMs = 15_000;
/** Settings of a broker that is heard and has not told them are asked for again. */
export const settingsRetryMs = 1_000;
/** A replica that is heard but has been out of the in-sync set for so long is made to register again. */
export const rejoinMs = 15_000;
/** A replica that was away is told at last, whatever the route says; as long as it waits for that, the master is asked to register this often. */
export const rejoinRouteMsMax = 20_000;
export const registerEveryMs = 5_000;
/** Between two attempts of one effect; and of one that runs a script. */
export const effectRetryMs = 300;
export const scriptRetryMs = 1_000;
/** What a site is told of the ledger is not older than this, or it follows anew. */
export const newsMsMax = 6_000;
/** The other replicas are told at last, whatever the route says. */
export const routeWaitMsMax = 6_000;
/** The canary is given up after this long; the decision stays, and says so. */
export const canaryWaitMsMax = 20_000;
/** Sets in one transaction that proves them; etcd takes 128 operations. */
export const setsPerProofMax = 90;
/** A switch is given up when the named replica is not level after so long: meanwhile nobody can write. */
export const holdMsMax = 2_000;
/** Before its barrier is raised: how long the named replica is watched, from when on it stands still, when it will move on again, … */
export const paceMsMax = 160;
export const paceStillMs = 40;
export const paceRaiseMs = 70;
/** … and after how many steps without a rest it is not watched any longer. */
export const paceQuickMax = 4;
/** From when a site sees a switch until it is decided or given up. */
export const switchMsMax = 5_000;
/** An older one is given up by whoever comes to it: nobody waits for it any more. */
export const switchAgeMsMax = 60_000;
/** Without a quorum the barrier is lowered after so long; where the decision was sent, and may have been made, after … */
export const switchQuorumMsMax = 3_000;
export const switchDecidedMsMax = 30_000;
/** The demotion of a switch's old master, which is there, is waited for so long. */
export const switchDemoteMsMax = 3_000;
/** After the demotion: what is on its way to the new master; and the longest wait for both readings. */
export const levelMsMax = 300;
export const compareMsMax = 2_000;
/** A broker that is not heard is tried this often for its settings. */
export const restoreUnheardMs = 5_000;
/** A reading of settings may be on its way for so long. */
export const settingsStaleMs = 2_000;
/** Whoever asks for a switch is told that it goes on after so long. */
export const switchAnswerMsMax = 9_000;
/** A switch whose record the ledger did not answer for may be told by the watch for so long. */
export const switchUnansweredMsMax = 1_500;
/** Both brokers' ends and settings are waited for so long before a switch. */
export const switchReadMsMax = 1_000;
