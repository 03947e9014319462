import { createAclIndex } from "./acl-index.ts";
import { createBrake } from "./brake.ts";
import { createCarrier } from "./carrier.ts";
import { createComparison } from "./comparison.ts";
import type { LinkContext } from "./link-context.ts";
import { createProblems } from "./problems.ts";
import { createTargetIndex } from "./target-index.ts";
import { createTombstones } from "./tombstones.ts";
import { createWitnesses } from "./witnesses.ts";
import { createWork } from "./work.ts";

/** All that a leader knows of its link: made anew when another has led, as it may have changed under our feet. */
export function createKnowledge(context: LinkContext) {
  const { options, limits } = context;
  const index = createTargetIndex();
  const acls = options.aclSchemes === undefined ? undefined : createAclIndex();
  const problems = createProblems(limits.problemsListed);
  const brake = createBrake(options.deletes);
  const work = createWork(context, problems);
  const witnesses = createWitnesses();
  const { mode, tombstoneMs = 0 } = options.deletes;
  const tombstones = mode === "tombstone" ? createTombstones(tombstoneMs) : undefined;
  const parts = { context, index, acls, problems, brake, witnesses, work, tombstones };
  const carrier = createCarrier(parts);
  return { ...parts, carrier, comparison: createComparison({ ...parts, carrier }) };
}
