import { inProject } from "../../test/integration/harness/project.ts";
import type { Contender } from "./contender.ts";

const script = inProject("bench/contenders/bare-loop.main.ts");

/** The limit: the fewest requests that do the job, and none of what makes it safe to leave it running. */
export const bareLoop: Contender = {
  name: "bare multiRead + multi loop",
  key: "bare",
  store: "zookeeper",
  pass: (source, target) => ({ command: process.execPath, args: [script, source, target] }),
  follow: (source, target) => ({ command: process.execPath, args: [script, source, target, "--follow"] }),
};
