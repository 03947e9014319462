import type { LinkConfig } from "#config/replicator.ts";
import { OperatorError } from "#lib/errors.ts";
import type { SessionState } from "#lib/zookeeper/zookeeper.ts";
import type { Side } from "./core/link-events.ts";

/** How long `--once` and `--dry-run` wait for both sides to answer. The daemon waits for ever. */
export const connectWaitMs = 30_000;

/** What to say when one of the sides, or both, did not answer within `connectWaitMs`. */
export function unreachable(config: LinkConfig, session: (side: Side) => SessionState): OperatorError {
  const silent = (["source", "target"] as const).filter((side) => session(side).kind !== "connected");
  const sides = silent.map((side) => {
    const state = session(side);
    const reason = state.kind === "connected" ? undefined : state.reason;
    return `the ${side} (${config[side].servers.join(", ")})${reason === undefined ? "" : `: ${reason}`}`;
  });
  return new OperatorError(
    "REP_UNREACHABLE",
    `Link ${config.name}: no session within ${connectWaitMs} ms with ${sides.join(" and ")}`,
    {
      hint: "Check the servers in the config file, that they run, and that this machine may reach them: echo srvr | nc HOST PORT",
    },
  );
}
