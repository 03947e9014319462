import type { Route, RouteOrder } from "./route.ts";

export type Verdict = "first" | "newer" | "same" | "older";

/**
 * How a route that was heard stands to the one that is known. Routers count revisions for themselves, so what two of them say is
 * ordered by what it rests on: the zxid of the topic's metadata where both read the same ensemble, and the epochs of broker sets.
 * @returns what is known now: its order never goes back
 */
export function hear(known: Route | undefined, heard: Route): { readonly verdict: Verdict; readonly route: Route } {
  if (known === undefined) return { verdict: "first", route: heard };
  if (goesBack(known.order, heard.order)) return { verdict: "older", route: known };
  const route = { ...heard, order: later(known.order, heard.order) };
  return says(known) === says(heard) ? { verdict: "same", route } : { verdict: "newer", route };
}

/** Only what can be compared is: lower in one of these is older. */
function goesBack(known: RouteOrder, heard: RouteOrder): boolean {
  if (known.router !== "" && known.router === heard.router && heard.revision < known.revision) return true;
  const { metadata } = heard;
  if (metadata !== null && known.metadata?.source === metadata.source && metadata.zxid < known.metadata.zxid)
    return true;
  return [...heard.epochs].some(([set, epoch]) => epoch < (known.epochs.get(set) ?? 0));
}

function later(known: RouteOrder, heard: RouteOrder): RouteOrder {
  const epochs = new Map([...known.epochs, ...heard.epochs]);
  return { ...heard, metadata: heard.metadata ?? known.metadata, epochs };
}

/** Everything but what it rests on. */
function says({ order: _order, ...rest }: Route): string {
  return JSON.stringify(rest);
}
