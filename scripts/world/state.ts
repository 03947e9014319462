import { readFileSync } from "node:fs";
import { inProject } from "../../test/integration/harness/project.ts";
import type { SiteName } from "../../test/world/network/sites.ts";

/** The world of `./run world`, one for each checkout, as its owner has written it down. */
export interface WorldState {
  readonly phase: "starting" | "up" | "failed";
  /** The network's; it is gone when the world is. */
  readonly folder: string;
  readonly servers: readonly {
    readonly name: string;
    readonly site: SiteName;
    readonly address: string;
    readonly pid: number;
    readonly running: boolean;
  }[];
}

export const stateFolder = inProject(".cache/world");
export const stateFile = inProject(".cache/world/state.json");
export const logFile = inProject(".cache/world/log");

/** Undefined when there is no world; one whose owner was killed counts as none. */
export function readState(): WorldState | undefined {
  try {
    return JSON.parse(readFileSync(stateFile, "utf8")) as WorldState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
