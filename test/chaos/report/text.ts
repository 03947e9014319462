import type { Spread } from "./recovery.ts";
import type { Report } from "./report.ts";

/** For people. */
export function markdownOf(report: Report): string {
  const { contender, settings, rpo, seed, startedAt, results, latency } = report;
  const missing = report.missing.map(({ fault, why }) => `- not available: ${fault}: ${why}`);
  return [
    `# Chaos run: ${contender === "arbiter" ? `arbiter, rpo ${rpo}` : contender}, ${settings} settings, seed ${seed}`,
    "",
    `${startedAt}; ${results.length} faults of ${seconds(report.faultMs)} each. ${report.isValid ? "**Valid.**" : "**FAILED.**"}`,
    "",
    ...report.problems.map((problem) => `- ${problem}`),
    ...missing,
    ...(report.problems.length + missing.length > 0 ? [""] : []),
    "![latency](latency.svg)",
    "",
    "| | |",
    "|---|---|",
    `| sent, acknowledged, stored, consumed | ${report.enqueueInvokeCount}, ${report.enqueueSuccessCount}, ${report.enqueueActualCount}, ${report.dequeueCount} |`,
    `| lost, duplicated, out of order, not consumed | ${report.lostMessageCount}, ${report.duplicateMessageCount}, ${report.unOrderMessageCount}, ${report.unconsumedMessageCount} |`,
    `| acknowledged by a replaced master | ${report.staleAckCount} |`,
    `| recovery, mean of all faults | ${secondsOr(report.averageRecoveryTime)} |`,
    `| unavailable in sum | ${seconds(report.unavailableTime)} |`,
    `| unavailable in calm | ${report.unexpectedUnavailableInNormalInterval ? "yes" : "no"} |`,
    `| latency mean, p95, max | ${[latency.mean, latency.p95, latency.max].map(millis).join(", ")} |`,
    `| epochs, needless switches | ${report.epochs.map(({ epoch }) => epoch).join(" ")}; ${report.needlessSwitches} |`,
    "",
    ...recoveryTable(report),
    "",
    ...faultTable(report),
    "",
  ].join("\n");
}

/** What scripts look at. */
export function lastLines(report: Report): string {
  return [
    `acked ${report.enqueueSuccessCount}`,
    `lost ${report.lostMessageCount}`,
    `duplicated ${report.duplicateMessageCount}`,
    `reordered ${report.unOrderMessageCount}`,
    `needless switches ${report.needlessSwitches}`,
  ].join("\n");
}

function recoveryTable({ recovery }: Report): string[] {
  const row = ([fault, { n, mean, p95, max }]: [string, Spread]): string =>
    `| ${fault} | ${n} | ${[mean, p95, max].map(secondsOr).join(" | ")} |`;
  return ["| fault | n | recovery mean | p95 | max |", "|---|---|---|---|---|", ...Object.entries(recovery).map(row)];
}

function faultTable({ results }: Report): string[] {
  return [
    "| nth | fault | targets | recovery | slowest IDC | unavailable | epochs | master moved | all in sync after |",
    "|---|---|---|---|---|---|---|---|---|",
    ...results.map((one) =>
      [
        "",
        one.nth,
        one.fault,
        one.targets.join(" "),
        `${secondsOr(one.recoveryTime)}${one.isRecoveryInFaultInterval ? "" : " (after the fault)"}`,
        secondsOr(one.slowestIdcRecoveryTime),
        seconds(one.unavailableTime),
        one.epochs.join(" "),
        one.masterMoved ? "yes" : "no",
        one.wholeMs === null ? "never" : seconds(one.wholeMs),
        "",
      ]
        .join(" | ")
        .trim(),
    ),
  ];
}

function secondsOr(ms: number | null): string {
  return ms === null ? "-" : seconds(ms);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function millis(ms: number | null): string {
  return ms === null ? "-" : `${ms.toFixed(0)} ms`;
}
