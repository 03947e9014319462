import type { Etcd3 } from "etcd3";
import type { Clock } from "#lib/clock.ts";
import { messageOf, OperatorError } from "#lib/errors.ts";
import type { CallOptions, Members } from "#lib/etcd/members.ts";
import type { Logger } from "#lib/log.ts";

/**
 * The site's lease: its keys vanish when the site does. Nothing is decided from holding it, so whether it still stands is
 * etcd's to say alone: a put on a lease that is gone is refused, and a new one is made.
 */
export interface SiteLease {
  /** Its id; made if there is none. */
  id(options: CallOptions): Promise<string>;
  /** etcd says that this one is gone. */
  lost(id: string): void;
  /** Renews it until the signal is aborted. */
  keep(signal: AbortSignal): Promise<void>;
  /** Lets the keys go at once. Never throws. */
  revoke(options: CallOptions): Promise<void>;
}

/** After it the keys of a site that is gone go too. */
export const leaseTtlMs = 5_000;
const renewEveryMs = 1_500;
const renewAgainMs = 250;

export function createLease(deps: { members: Members; clock: Clock; log: Logger }): SiteLease {
  const { members, clock, log } = deps;
  let held: string | undefined;
  let granting: Promise<string> | undefined;

  const grant = async (options: CallOptions): Promise<string> => {
    const { ID } = await members.call(
      "lease grant",
      (etcd, call) => etcd.leaseClient.leaseGrant({ TTL: leaseTtlMs / 1_000 }, call),
      options,
    );
    log.info({ lease: ID }, "lease granted");
    held = ID;
    return ID;
  };
  const lost = (id: string): void => {
    if (held !== id) return;
    held = undefined;
    log.warn({ lease: id }, "lease lost");
  };

  return {
    lost,
    async id(options) {
      if (held !== undefined) return held;
      granting ??= grant(options).finally(() => {
        granting = undefined;
      });
      return await granting;
    },
    async keep(signal) {
      let waitMs = renewEveryMs;
      while (!signal.aborted) {
        await clock.sleep(waitMs, { signal }).catch(() => {});
        if (signal.aborted || held === undefined) continue;
        const id = held;
        try {
          const options = { startedAt: clock.now(), signal };
          const leftS = await members.call("lease renewal", (etcd, call) => renew(etcd, id, call), options);
          if (leftS <= 0) lost(id);
          waitMs = renewEveryMs;
        } catch (error) {
          log.debug({ lease: id, error: messageOf(error) }, "lease not renewed");
          waitMs = renewAgainMs;
        }
      }
    },
    async revoke(options) {
      if (held === undefined) return;
      const id = held;
      await members
        .call("lease revocation", (etcd, call) => etcd.leaseClient.leaseRevoke({ ID: id }, call), options)
        .catch(() => {});
    },
  };
}

/** Seconds left; 0: it is gone. */
async function renew(etcd: Etcd3, id: string, call: { deadline: number }): Promise<number> {
  const stream = await etcd.leaseClient.leaseKeepAlive(call);
  try {
    return await new Promise<number>((resolve, reject) => {
      stream.on("data", ({ TTL }) => resolve(Number(TTL)));
      stream.on("error", reject);
      stream.on("end", () => reject(new OperatorError("ARB_LEDGER_UNANSWERED", "the stream ended", { hint: "" })));
      stream.write({ ID: id });
    });
  } finally {
    stream.cancel();
  }
}
