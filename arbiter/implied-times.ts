import type { Implied } from "#config/implied.ts";
import { callTimeoutMs } from "#lib/etcd/members.ts";
import { askedMs, siteBeatMs, siteFreshMs, type Timing } from "./core/timing.ts";
import { leaseTtlMs } from "./io/etcd/lease.ts";

/** The worst cases that the times allow, for `--check`. Commits come on top: each is a round trip between most sites. */
export function impliedTimes(timing: Timing): readonly Implied[] {
  const { probeTimeoutMs, offsetReadMs, demoteFirstMs, gatherMs, leaderSilentMs, quorumProofMs } = timing;
  const confirmedMs = askedMs(timing) + probeTimeoutMs;
  return [
    {
      what: "a master whose host is cut off is called silent by a site that asks it",
      ms: confirmedMs,
      from: "timing.suspectAfterMs, or two probes of probeTimeoutMs where that is more",
    },
    {
      what: "its successor is decided, and 4 commits",
      ms: confirmedMs + offsetReadMs,
      from: "... + offsetReadMs",
    },
    {
      what: "its successor is told, and 4 commits",
      ms: confirmedMs + offsetReadMs + demoteFirstMs,
      from: "... + demoteFirstMs",
    },
    {
      what: "the successor of a master whose port refuses is told, and 4 commits",
      ms: offsetReadMs + demoteFirstMs,
      from: "timing.offsetReadMs + demoteFirstMs",
    },
    {
      what: "an election no longer waits for in-sync members that nobody calls down",
      ms: gatherMs,
      from: "timing.gatherMs",
    },
    {
      what: "another site leads when the leading one is gone",
      ms: leaderSilentMs + siteBeatMs,
      from: "timing.leaderSilentMs, and a beat",
    },
    { what: "the votes of a site that is gone no longer count", ms: siteFreshMs, from: "fixed" },
    { what: "its keys are gone", ms: leaseTtlMs, from: "fixed" },
    {
      what: "a site without a quorum sends its brokers to another one",
      ms: quorumProofMs,
      from: "timing.quorumProofMs",
    },
    { what: "an etcd member that is silent is given up", ms: callTimeoutMs, from: "fixed" },
  ];
}
