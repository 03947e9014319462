import type { HealthCheck } from "#lib/http.ts";
import type { RouterDaemon } from "../daemon.ts";
import { sourcesOf } from "./report.ts";

/** The loop ticks ten times a second; silent for so long it hangs. */
const stepAgeMaxMs = 5_000;

type Daemon = Pick<RouterDaemon, "state" | "table" | "lastStepAt" | "moment">;

export function liveChecks({ lastStepAt, moment }: Daemon): readonly HealthCheck[] {
  const ageMs = Math.round(moment().now - lastStepAt);
  return [{ name: "loop", ok: ageMs < stepAgeMaxMs, detail: `last step ${ageMs} ms ago` }];
}

/** Has it anything to say? A source that is away does not make it unready: others know no more (I10). */
export function readyChecks(daemon: Daemon): readonly HealthCheck[] {
  const { state, table } = daemon;
  const sources = sourcesOf(state, daemon.moment().now);
  const away = sources.filter(({ ok }) => !ok).map(({ source }) => source);
  const isKnown = table.sets.size > 0 || table.homes.size > 0 || sources.some(({ ok }) => ok);
  return [
    ...liveChecks(daemon),
    {
      name: "table",
      ok: isKnown,
      detail: isKnown
        ? `revision ${table.revision}, ${table.sets.size} sets, ${table.topics.size} topics`
        : "nothing is known yet: no source has answered, and there is no last good table",
    },
    { name: "sources", ok: true, detail: away.length === 0 ? "all answer" : `away: ${away.join(", ")}` },
  ];
}
