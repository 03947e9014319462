import { idsOf, isHeardHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { Inner } from "./inner.ts";
import { siteKey } from "./keys.ts";
import { encodeSite } from "./records.ts";
import { siteBeatMs } from "./timing.ts";

/** More are not named: whoever names so many may miss any other. */
export const unheardMax = 200;

/** I am here, with a quorum; and whom I do not hear. */
export function beat(state: Inner, context: Context): void {
  const { mirror, options, moment } = context;
  if (state.beating || (state.beatSentAt !== null && moment.now - state.beatSentAt < siteBeatMs)) return;
  state.beating = true;
  state.beatSentAt = moment.now;
  state.beat += 1;
  const votes = mirror.cluster?.value.sites.includes(options.site) ?? false;
  const record = {
    site: options.site,
    controller: options.controller,
    version: options.version,
    beat: state.beat,
    votes,
    why: votes
      ? ""
      : mirror.cluster === null
        ? "the ledger names no voting sites yet: idcctl init"
        : "the ledger does not name this site",
    unheard: unheardHere(context),
  };
  context.commit(
    { compares: [], puts: [{ key: siteKey(options.site), text: encodeSite(record), onLease: true }], deletes: [] },
    () => {
      state.beating = false;
    },
  );
}

function unheardHere(context: Context): string[] {
  const names: string[] = [];
  for (const view of context.mirror.sets.values()) {
    for (const id of idsOf(view)) {
      if (names.length < unheardMax && !isHeardHere(view, id, context)) names.push(`${view.name}/${id}`);
    }
  }
  return names;
}
