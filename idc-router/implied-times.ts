import type { IdcRouterConfig } from "#config/idc-router.ts";
import type { Implied } from "#config/implied.ts";
import { ledgerStaleMs, promotionMs } from "./core/sets.ts";
import { followAnewMsMax } from "./io/etcd-watch.ts";

/** Stock clients ask for a topic's route this often, unless they set pollNameServerInterval. */
const clientPollMs = 30_000;

/** The worst cases that the times allow, for `--check`. What clients see comes on top: a stock one asks every 30 s. */
export function impliedTimes({ health, poll, forgetAfterMs }: IdcRouterConfig): readonly Implied[] {
  const { checkEveryMs, checkTimeoutMs, outAfterMs, backAfterMs, backAfterChecks } = health;
  const tryMs = checkEveryMs + checkTimeoutMs;
  const outMs = checkEveryMs + Math.max(outAfterMs, checkTimeoutMs) + tryMs;
  const backMs = Math.max(backAfterMs, backAfterChecks * checkEveryMs) + tryMs;
  return [
    {
      what: "a set whose master hangs is out",
      ms: outMs,
      from: "health.checkEveryMs, outAfterMs, checkTimeoutMs",
    },
    {
      what: "the same at a stock client that asks every 30 s",
      ms: outMs + clientPollMs,
      from: "... + 30 s",
    },
    {
      what: "a Kafka broker that hangs is in no bootstrap list any more",
      ms: poll.everyMs + Math.max(outAfterMs, poll.timeoutMs) + poll.everyMs + poll.timeoutMs,
      from: "poll.everyMs, timeoutMs, health.outAfterMs",
    },
    {
      what: "a set whose master has died takes no messages any more, once name servers know it",
      ms: poll.everyMs + poll.timeoutMs,
      from: "poll.everyMs + timeoutMs",
    },
    { what: "a set that is well again takes messages again", ms: backMs, from: "health.backAfterMs, backAfterChecks" },
    {
      what: "a topic that was changed is seen, if its broker sets are the same",
      ms: poll.routeRefreshMs + poll.lookupTimeoutMs,
      from: "poll.routeRefreshMs + lookupTimeoutMs",
    },
    { what: "a ledger watch that has fallen silent is made anew", ms: followAnewMsMax, from: "fixed" },
    { what: "a decided master counts though no name server shows it", ms: promotionMs, from: "fixed" },
    { what: "a ledger that cannot be followed has no say over masters", ms: ledgerStaleMs, from: "fixed" },
    { what: "what every reachable source denies is forgotten", ms: forgetAfterMs, from: "forgetAfterMs" },
  ];
}
