import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "#lib/clock.ts";
import { connectRemoting } from "#lib/remoting/connection.ts";
import { decodeGetReplicaInfoResponse, encodeGetReplicaInfoRequest } from "#lib/remoting/records/get-replica-info.ts";

const everyMs = 50;
const timeoutMs = 3_000;

export interface Samples {
  readonly ms: number[];
  failed: number;
}

/** Asks one arbiter who is master of one set after the other (1004), as brokers do each 5 s, until the signal is aborted. */
export async function sample(door: string, setNames: readonly string[], signal: AbortSignal): Promise<Samples> {
  const samples: Samples = { ms: [], failed: 0 };
  const [host = "", port = ""] = door.split(":");
  const life = new AbortController();
  const client = await connectRemoting({
    ...{ host, port: Number(port), connectTimeoutMs: timeoutMs },
    clock: systemClock,
    signal: life.signal,
  });
  while (!signal.aborted) {
    const brokerName = setNames[Math.floor(Math.random() * setNames.length)] ?? "";
    const startedAt = performance.now();
    try {
      const frame = await client.ask(encodeGetReplicaInfoRequest({ brokerName }), { timeoutMs, signal: life.signal });
      decodeGetReplicaInfoResponse(frame);
      samples.ms.push(performance.now() - startedAt);
    } catch {
      samples.failed += 1;
    }
    await delay(everyMs);
  }
  life.abort();
  return samples;
}
