import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { notSupported } from "#lib/remoting/message.ts";
import { listenRemoting } from "#lib/remoting/server.ts";

/** A thread of its own: whoever is busy with a test answers too late, and a broker that does is not well. */
const { addresses } = workerData as { addresses: readonly string[] };
for (const listen of addresses) {
  await listenRemoting({
    ...{ listen, context: () => undefined, onRequest: notSupported },
    ...{ clock: systemClock, log: silentLogger, signal: new AbortController().signal },
  });
}
parentPort?.postMessage("listening");
