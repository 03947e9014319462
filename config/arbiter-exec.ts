import { z } from "zod";
import { clusterName, hostPort, refuseRepeats } from "./shared.ts";

/** A cluster that is no RocketMQ: its members are asked and told by scripts. */

/** A command and its arguments; no shell reads them. */
export const argv = z
  .array(z.string().max(4_096))
  .min(1)
  .max(64)
  .refine(([command]) => command?.startsWith("/") === true, {
    error: "must begin with an absolute path",
    params: { remedy: "[/etc/crossidc/scripts/redis, probe]" },
  });

const scriptsSchema = z
  .strictObject({
    probe: argv.meta({ description: "Is this member there, and does it act as master?" }),
    offsets: argv.meta({ description: "How far is it, in which epoch, and whom does it count as in sync?" }),
    promote: argv.meta({
      description: "Makes it master in this epoch. Runs only after the old master's fence said yes.",
    }),
    fence: argv.meta({
      description:
        "Sees to it that this member, the old master, does not act as one. Yes means: it does not, and will not by itself.",
    }),
    follow: argv.optional().meta({
      description: "Makes a replica follow the master. Without it: promote does that, or nobody has to.",
    }),
  })
  .meta({
    description: "Each is a command with its arguments. JSON in and out; docs/operations.md has the exit codes.",
  });

const memberSchema = z.strictObject({
  id: z.int().min(1).max(1_000).meta({ description: "Its id in the set, which it keeps for ever; the smallest is 1." }),
  address: hostPort.meta({ description: "Where it is reached: what clients and scripts are told." }),
});

const setSchema = z.strictObject({
  name: clusterName.meta({ description: "Name of the set." }),
  members: z
    .array(memberSchema)
    .min(1)
    .max(16)
    .superRefine(refuseRepeats(({ id }) => String(id), ["id"]))
    .refine((members) => members.some(({ id }) => id === 1), {
      error: "has no member with id 1",
      params: { remedy: "number them from 1" },
    })
    .meta({ description: "Its members. The arbiters of all sites must name the same ones." }),
});

export const execClusterSchema = z.strictObject({
  name: clusterName.meta({ description: "Its name." }),
  kind: z.literal("exec").meta({ description: "What it is." }),
  scripts: scriptsSchema,
  sets: z
    .array(setSchema)
    .min(1)
    .max(64)
    .superRefine(refuseRepeats(({ name }) => name, ["name"]))
    .superRefine((sets, context) => {
      const known = new Set<string>();
      for (const [index, { members }] of sets.entries()) {
        for (const [at, { address }] of members.entries()) {
          if (known.has(address)) {
            const params = { remedy: "an address belongs to one member of one set" };
            const path = [index, "members", at, "address"];
            context.addIssue({ code: "custom", path, message: "stands here a second time", params });
          }
          known.add(address);
        }
      }
    })
    .meta({ description: "Its sets: no member registers by itself." }),
  probeEveryMs: z
    .int()
    .min(200)
    .max(30_000)
    .default(1_000)
    .meta({ description: "How often each member is asked, ms. Twice as often as timing.suspectAfterMs, or more." }),
  changeTimeoutMs: z.int().min(100).max(7_500).default(5_000).meta({
    description: "Longest run of promote, fence and follow, ms; then it is killed. Probes have timing.probeTimeoutMs.",
  }),
  outputBytesMax: z.int().min(256).max(1_048_576).default(65_536).meta({
    description: "What a script may write on standard output; more and it is killed.",
  }),
});

export type ExecCluster = z.output<typeof execClusterSchema>;
