import type { HealthCheck } from "#lib/http.ts";
import type { ArbiterDaemon } from "../daemon.ts";

/** The loop ticks every 50 ms; silent for so long it hangs. */
const stepAgeMaxMs = 5_000;

type Daemon = Pick<ArbiterDaemon, "core" | "moment" | "lastStepAt">;

export function liveChecks({ lastStepAt, moment }: Daemon): readonly HealthCheck[] {
  const ageMs = Math.round(moment().now - lastStepAt);
  return [{ name: "loop", ok: ageMs < stepAgeMaxMs, detail: `last step ${ageMs} ms ago` }];
}

/** Can this site take part in a decision? */
export function readyChecks(daemon: Daemon): readonly HealthCheck[] {
  const { core, moment } = daemon;
  const context = core.context(moment());
  const { mirror, options } = context;
  const { quorumAt } = core.state;
  const proof =
    quorumAt === null
      ? "no write was completed yet"
      : `last completed write ${Math.round(context.moment.now - quorumAt)} ms ago`;
  const voting = mirror.cluster?.value.sites;
  return [
    ...liveChecks(daemon),
    { name: "quorum", ok: context.hasQuorum(), detail: `${proof}, at most ${options.timing.quorumProofMs} ms` },
    { name: "ledger", ok: mirror.loaded, detail: mirror.loaded ? "followed" : "not read yet" },
    {
      name: "voting sites",
      ok: voting !== undefined,
      detail: voting?.join(", ") ?? "none are named: idcctl init --sites idc1,idc2,witness",
    },
    {
      name: "vote",
      ok: voting?.includes(options.site) ?? false,
      detail: `${options.site} is ${voting?.includes(options.site) === true ? "" : "not "}among the voting sites`,
    },
    {
      name: "records",
      ok: mirror.unreadable.size === 0,
      detail:
        mirror.unreadable.size === 0
          ? "all are readable"
          : [...mirror.unreadable].map(([key, why]) => `${key}: ${why}`).join("; "),
    },
  ];
}
