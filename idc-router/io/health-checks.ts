import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Connections } from "#lib/remoting/connections.ts";
import { RemotingError } from "#lib/remoting/errors.ts";
import { encodeGetHaStatusRequest } from "#lib/remoting/records/get-ha-status.ts";
import type { Event } from "../core/events.ts";
import type { SetEntry, Table } from "../core/model.ts";

export interface HealthChecksOptions {
  readonly table: () => Table;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly push: (event: Event) => void;
  readonly everyMs: number;
  readonly timeoutMs: number;
}

/**
 * Asks each set's master something light (907) again and again. Any answer will do: it shows that a request gets through to
 * where clients' requests are served, which an open connection does not. Until the signal is aborted.
 */
export async function runHealthChecks(options: HealthChecksOptions, signal: AbortSignal): Promise<void> {
  const { table, connections, clock, push, everyMs, timeoutMs } = options;
  const checking = new Set<string>();

  async function check({ cluster, set, name }: SetEntry, address: string): Promise<void> {
    const sentAt = clock.now();
    let failure: string | null = null;
    try {
      await connections.read(address, encodeGetHaStatusRequest(), { timeoutMs, signal });
    } catch (error) {
      if (signal.aborted || isOwnFault(error)) return;
      failure = messageOf(error);
    } finally {
      checking.delete(name);
    }
    push({ kind: "checked", cluster, set, address, sentAt, failure });
  }

  while (!signal.aborted) {
    const { sets } = table();
    for (const entry of sets.values()) {
      const address = entry.master ?? entry.lastMaster;
      if (address === null || checking.has(entry.name)) continue;
      checking.add(entry.name);
      void check(entry, address);
    }
    await clock.sleep(everyMs, { signal }).catch(() => {});
  }
}

/** One of our own limits was reached: that says nothing of the broker. */
function isOwnFault(error: unknown): boolean {
  return error instanceof RemotingError && error.code === "REMOTING_BUSY";
}
