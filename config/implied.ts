import type { LinkConfig } from "./replicator.ts";

/** What an operator gets from the settings, as a bound. Without `deletes`: what takes at most `ms`. */
export interface Implied {
  readonly what: string;
  readonly ms: number;
  /** At most so many within `ms`. */
  readonly deletes?: number;
  /** The keys that say so. */
  readonly from: string;
}

/** ZooKeeper clients give up a connection that was silent for this share of the session timeout. */
const silentShare = 2 / 3;

/** The worst cases that a link's settings allow, while the servers grant the session timeouts asked for. Pure. */
export function impliedTimes(link: LinkConfig): readonly Implied[] {
  const { source, target, deletes, limits } = link;
  return [
    {
      what: "a silent source is noticed",
      ms: Math.ceil(source.sessionTimeoutMs * silentShare),
      from: "2/3 of source.sessionTimeoutMs",
    },
    {
      what: "a silent target is noticed, and writing stops",
      ms: Math.ceil(target.sessionTimeoutMs * silentShare),
      from: "2/3 of target.sessionTimeoutMs",
    },
    {
      what: "a standby takes over from a leader that is gone (and the time one compare takes)",
      ms: target.sessionTimeoutMs,
      from: "target.sessionTimeoutMs",
    },
    {
      what: "a standby takes over from a leader that has lost its source (and the time one compare takes)",
      ms: Math.ceil(source.sessionTimeoutMs * (1 + silentShare)),
      from: "5/3 of source.sessionTimeoutMs",
    },
    {
      what: "each server of the source has been tried once",
      ms: source.servers.length * source.connectTimeoutMs,
      from: "source.servers x source.connectTimeoutMs",
    },
    {
      what: "a difference that no event has shown is found (and the time one compare takes)",
      ms: link.compareEveryMs,
      from: "compareEveryMs",
    },
    {
      what: "the same, where the source is older than ZooKeeper 3.6",
      ms: Math.min(link.pollEveryMs, link.compareEveryMs),
      from: "pollEveryMs",
    },
    ...(limits.writesPerSecond === undefined
      ? []
      : [
          {
            what: "10,000 changes at once are in the target (and what the link needs anyway)",
            ms: Math.ceil(10_000_000 / limits.writesPerSecond),
            from: "limits.writesPerSecond",
          },
        ]),
    ...(deletes.mode === "tombstone"
      ? [
          {
            what: "what has gone at the source goes at the target (and one compare, if no event told of it)",
            ms: deletes.tombstoneMs,
            from: "deletes.tombstoneMs",
          },
        ]
      : []),
    ...(deletes.mode !== "keep"
      ? [
          {
            what: `deletes go through without an operator; less where ${deletes.maxDeleteRatio} of the target's nodes is less`,
            ms: deletes.windowMs,
            deletes: deletes.maxDeletes,
            from: "deletes.maxDeletes, maxDeleteRatio, windowMs",
          },
        ]
      : []),
  ];
}
