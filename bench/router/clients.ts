import { messageOf } from "#lib/errors.ts";
import { openWatches, type Watches } from "../../test/integration/router/watches.ts";
import { quantile } from "../measure.ts";
import { type Lanes, openLanes } from "./lanes.ts";
import type { FromClients, ToClients } from "./messages.ts";

/** The process of clients; its parent says over IPC what they do. */

let lanes: Lanes | undefined;
let watches: Watches | undefined;

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToClients) => {
  carryOut(message).then(tell, (error: unknown) => tell({ kind: "failed", why: messageOf(error) }));
});

function tell(message: FromClients): void {
  process.send?.(message);
}

async function carryOut(message: ToClients): Promise<FromClients> {
  switch (message.kind) {
    case "open":
      lanes = await openLanes(message.target);
      return { kind: "opened", bodyBytes: lanes.bodyBytes };
    case "ask": {
      if (lanes === undefined) throw new Error("nothing is open");
      const { tookMs, latenciesMs, wrong } = await lanes.ask(message.requests);
      const [p50Ms = 0, p99Ms = 0, maxMs = 0] = [0.5, 0.99, 1].map((share) => quantile(latenciesMs, share));
      return { kind: "asked", asked: { requests: message.requests, tookMs, p50Ms, p99Ms, maxMs, wrong } };
    }
    case "watch":
      watches = await openWatches(message.target);
      return { kind: "watching" };
    case "await": {
      if (watches === undefined) throw new Error("nothing is watched");
      const told = watches.next(message.chosen);
      tell({ kind: "awaiting" });
      return { kind: "told", told: await told };
    }
    case "close":
      lanes?.close();
      watches?.close();
      lanes = undefined;
      watches = undefined;
      return { kind: "closed" };
  }
}
