import type { TopicName } from "./model.ts";

/**
 * When each topic was asked for last, of those that were answered. Many topics are asked for in turn, a few at a time: what is new lies
 * apart from the rest, which is copied only when much has come together.
 */
export interface Asked {
  readonly rest: ReadonlyMap<TopicName, number>;
  readonly fresh: ReadonlyMap<TopicName, number>;
}

export const noneAsked: Asked = { rest: new Map(), fresh: new Map() };

const freshMax = 256;

/** undefined: never, or it has been forgotten. */
export function askedAt({ rest, fresh }: Asked, topic: TopicName): number | undefined {
  return fresh.get(topic) ?? rest.get(topic);
}

/** @param known topics that are kept; the others are forgotten, sooner or later */
export function withAsked(
  before: Asked,
  asked: ReadonlyMap<TopicName, number>,
  known: { has(topic: TopicName): boolean },
): Asked {
  if (asked.size === 0) return before;
  const fresh = new Map(before.fresh);
  for (const [topic, at] of asked) fresh.set(topic, at);
  if (fresh.size < freshMax) return { rest: before.rest, fresh };
  const rest = new Map(before.rest);
  for (const [topic, at] of fresh) rest.set(topic, at);
  for (const topic of rest.keys()) if (!known.has(topic)) rest.delete(topic);
  return { rest, fresh: noneAsked.fresh };
}
