import { exitCodes } from "#lib/errors.ts";
import type { DecisionRecord } from "../../arbiter/core/decision.ts";
import { decodeDecision } from "../../arbiter/core/decision-records.ts";
import { setName } from "../../arbiter/core/model.ts";
import type { DecisionReport } from "../../arbiter/io/api-decisions.ts";
import type { SetReport } from "../../arbiter/io/api-sets.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import { inProject } from "../../test/integration/harness/project.ts";
import type { Stage as Sites } from "../../test/world/failover/stage.ts";
import { addressOf } from "../../test/world/network/sites.ts";
import { ports } from "../../test/world/ports.ts";

/** The last effect, a message read back, is given up after 20 s. */
const carriedOutMsMax = 40_000;

/** idcctl, as a person in idc1 calls it. @throws when it says that something is wrong */
export async function idcctl(
  { world }: Sites,
  ...args: readonly string[]
): Promise<{ readonly command: string; readonly text: string }> {
  const words = ["bin/idcctl", "--endpoint", `http://${addressOf("idc1")}:${ports.controller.http}`, ...args];
  const called = world.run("idc1", [inProject("bin/idcctl"), ...words.slice(1)]);
  const { code } = await called.exit;
  const command = words.join(" ");
  if (code !== exitCodes.ok) throw new Error(`${command} ended with ${code}: ${called.output()}`);
  return { command, text: called.output("stdout") };
}

/** "cluster/set" */
function nameOf({ cluster, set }: Sites): string {
  return setName(cluster, set);
}

export async function readSet(sites: Sites): Promise<SetReport> {
  const { text } = await idcctl(sites, "-o", "json", "set", "show", nameOf(sites));
  return JSON.parse(text) as SetReport;
}

/** A decision with all its effects, once they are done. */
export async function readDecision(sites: Sites, epoch: number, signal: AbortSignal): Promise<DecisionRecord> {
  return await eventually(
    async () => {
      const { text } = await idcctl(sites, "-o", "json", "decision", "show", `${nameOf(sites)}/${epoch}`);
      const { record, open } = JSON.parse(text) as DecisionReport;
      if (open.length > 0) throw new Error(`effects of epoch ${epoch} are not done: ${open.join(", ")}`);
      return decodeDecision(JSON.stringify(record));
    },
    { withinMs: carriedOutMsMax, everyMs: 300, signal },
  );
}
