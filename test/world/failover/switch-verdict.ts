import type { GapReport } from "../checkers/gap.ts";
import type { Step, SwitchesOutcome } from "./switch.ts";

/** What is wrong where nothing may be lost; empty: nothing. */
export function problemsOfSwitches(
  { switches, set, stale, leftovers, epochsOfTwo: twice }: SwitchesOutcome,
  steps: readonly Step[],
): string[] {
  const failed = switches.filter(({ exitCode }, nth) => exitCode !== 0 && steps[nth]?.mayFail === undefined);
  return [
    ...failed.map(({ to, exitCode, said }) => `the switch to ${to} ended with ${exitCode}: ${said}`),
    ...switches.flatMap(({ meanwhile }) => (meanwhile?.happened === false ? [meanwhile.what] : [])),
    ...switches.flatMap(({ exitCode, from, master, to }) => {
      if (exitCode === 0 && master === from) return [`idcctl says that ${to} is master, and ${from} still is`];
      return [];
    }),
    ...(set.enough ? [] : [`only ${set.acked} messages were acknowledged`]),
    ...(set.lost.length === 0
      ? []
      : [`${set.lost.length} of ${set.acked} acknowledged messages are lost, the first ${set.lost[0]?.id}`]),
    ...(set.duplicated.length === 0 ? [] : [`${set.duplicated.length} messages are there more than once`]),
    ...(set.reordered.length === 0 ? [] : [`${set.reordered.length} messages are out of order`]),
    ...(stale.acks.length === 0 ? [] : [`${stale.acks.length} acknowledgements by a master that was replaced`]),
    ...(twice.length === 0 ? [] : [`two masters in epochs ${twice}`]),
    ...leftovers,
  ];
}

/** From the old master's last acknowledgement to the first one of the new; null: one of them never acknowledged. */
export function handoverMs({ movedMs, lastMs }: GapReport): number | null {
  return movedMs === null || lastMs === null ? null : movedMs - lastMs;
}

/** For people. */
export function linesOfSwitches({ switches, set, stale, leftovers }: SwitchesOutcome): string {
  const ms = (value: number | null): string => (value === null ? "-" : `${Math.round(value)} ms`);
  return [
    ...switches.map(
      ({ to, from, master, exitCode, gap, tookMs, inSyncMs, meanwhile, said }) =>
        `to ${to}: ${from} -> ${master}; exit ${exitCode} after ${ms(tookMs)}; handed over in ${ms(handoverMs(gap))}; no writes for ${ms(gap.all.ms)} from ${ms(gap.all.fromMs)} on; all in sync after ${ms(inSyncMs)}${meanwhile === null ? "" : `; ${meanwhile.what}`}${exitCode === 0 ? "" : `; ${said}`}`,
    ),
    `${set.acked} acked, ${set.lost.length} lost, ${set.duplicated.length} twice, ${set.reordered.length} out of order; ${stale.acks.length} stale; ${leftovers.length} settings left`,
  ].join("\n");
}
