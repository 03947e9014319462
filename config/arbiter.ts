import { z } from "zod";
import { hostOf } from "#lib/cidr.ts";
import { execClusterSchema } from "./arbiter-exec.ts";
import { hooksSchema } from "./arbiter-hooks.ts";
import type { ConfigPath, Fault } from "./problems.ts";
import {
  cidr,
  clusterName,
  etcdSchema,
  filePath,
  hostPort,
  httpSchema,
  idcsSchema,
  logSchema,
  refuseRepeats,
  siteSchema,
} from "./shared.ts";

/** The arbiter's file: the one source of its types, defaults, validation and documentation. */

/** Brokers send a heartbeat to every controller this often. */
const brokerHeartbeatMs = 1_000;

const controllerSchema = z
  .strictObject({
    listen: hostPort.meta({ description: "Address and port that brokers and mqadmin reach the arbiter at." }),
    advertise: hostPort
      .refine((address) => !["0.0.0.0", "::"].includes(hostOf(address)), {
        error: "is no address that a broker could connect to",
        params: { remedy: "the address of this host, as brokers see it" },
      })
      .meta({ description: "The same as it stands in the brokers' controllerAddr." }),
    adminCidrs: z.array(cidr).max(64).default(["127.0.0.0/8"]).meta({
      description: "From where mqadmin may name a master or clean up brokers. Each such call is on the record.",
    }),
  })
  .meta({ description: "The door that speaks RocketMQ's controller protocol." });

const rocketmqClusterSchema = z.strictObject({
  name: clusterName.meta({ description: "Its name, the brokers' brokerClusterName." }),
  kind: z.literal("rocketmq").meta({ description: "What it is." }),
  nameservers: z
    .array(hostPort)
    .min(1)
    .max(16)
    .superRefine(refuseRepeats((address) => address))
    .meta({ description: "Its name servers, of all IDCs: a failover is done when they show the new master." }),
  credentialFile: filePath.optional().meta({
    description:
      "File with accessKey:secretKey of a user of the brokers, where they have authentication on (ACL 2.0): every request to them is signed. One line; not readable by others.",
  }),
});

const clusterSchema = z.discriminatedUnion("kind", [rocketmqClusterSchema, execClusterSchema]);

const timingSchema = z
  .strictObject({
    probeTimeoutMs: z
      .int()
      .min(50)
      .max(5_000)
      .default(500)
      .meta({ description: "Longest wait for a broker to answer a probe, ms. Above the longest round trip." }),
    suspectAfterMs: z.int().min(1_000).max(60_000).default(2_500).meta({
      description:
        "Silence after which a site may call a broker silent, ms. Shorter: faster failover, more questions asked for nothing.",
    }),
    leaderSilentMs: z.int().min(300).max(30_000).default(700).meta({
      description: "A site that has not been heard for so long does not lead, ms; sites write a beat each 250 ms.",
    }),
    demoteFirstMs: z.int().min(0).max(5_000).default(400).meta({
      description:
        "Longest wait for the old master to confirm that it has stepped down, ms, before the new one is told.",
    }),
    offsetReadMs: z
      .int()
      .min(50)
      .max(5_000)
      .default(300)
      .meta({ description: "Longest wait for the candidates to say how far they are, ms." }),
    gatherMs: z.int().min(0).max(60_000).default(3_000).meta({
      description: "How long an election waits for in-sync members that nobody calls down, ms.",
    }),
    quorumProofMs: z.int().min(500).max(10_000).default(2_000).meta({
      description: "A site whose last write in etcd is older than this sends its brokers to another site, ms.",
    }),
  })
  .prefault({})
  .meta({ description: "Times that decisions rest on. --check prints what follows from them." });

const canarySchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .meta({ description: "Whether a failover ends with a message that the new master accepts and gives back." }),
    topic: z
      .string()
      .regex(/^[%|a-zA-Z0-9_-]{1,127}$/, { error: "must be a topic's name" })
      .default("crossidc-canary")
      .meta({ description: "Topic of that message. The arbiter creates it where it is missing." }),
  })
  .prefault({})
  .meta({ description: "Proof that a new master serves." });

export const arbiterSchema = z
  .strictObject({
    ...siteSchema,
    idcs: idcsSchema,
    etcd: etcdSchema,
    http: httpSchema(7402),
    log: logSchema,
    controller: controllerSchema,
    clusters: z
      .array(clusterSchema)
      .min(1)
      .max(100)
      .superRefine(refuseRepeats(({ name }) => name, ["name"]))
      .meta({ description: "The clusters whose broker sets it decides over." }),
    timing: timingSchema,
    canary: canarySchema,
    hooks: hooksSchema.superRefine(refuseRepeats(({ name }) => name, ["name"])),
  })
  .meta({
    title: "crossidc arbiter",
    description:
      "Decides which replica of a broker set is master. Who votes and what a set is promised stand in etcd: `idcctl init`, `idcctl policy apply`.",
  });

export type ArbiterConfig = z.output<typeof arbiterSchema>;

/** What an arbiter's file may say, but its operator should hear about. */
export function arbiterCautions(config: ArbiterConfig): Fault[] {
  return [
    ...idcCautions(config),
    ...etcdCautions(config),
    ...timingCautions(config),
    ...adminCautions(config),
    ...execCautions(config),
  ];
}

function idcCautions({ site, idcs }: ArbiterConfig): Fault[] {
  const empty = idcs.flatMap(({ cidrs, brokerNames }, index) =>
    cidrs.length + brokerNames.length > 0
      ? []
      : [caution(["idcs", index], "matches no broker", "give cidrs or brokerNames")],
  );
  if (idcs.some(({ name }) => name === site)) return empty;
  return [...empty, caution(["site"], "is no IDC of `idcs`: all brokers count as another IDC's", "add a row for it")];
}

function etcdCautions({ etcd: { endpoints, tls, userFile } }: ArbiterConfig): Fault[] {
  const count = endpoints.length;
  return [
    ...(count === 1
      ? [caution(["etcd", "endpoints"], "has one member: without it there is no failover", "three, in three sites")]
      : count % 2 === 0
        ? [
            caution(
              ["etcd", "endpoints"],
              `has ${count} members, which bear no more losses than ${count - 1}`,
              "3 or 5",
            ),
          ]
        : []),
    ...(userFile !== undefined && tls === undefined
      ? [caution(["etcd", "userFile"], "is sent over a plain connection", "give tls, if anyone can listen on the way")]
      : []),
  ];
}

function timingCautions({ timing }: ArbiterConfig): Fault[] {
  const { suspectAfterMs, probeTimeoutMs, leaderSilentMs } = timing;
  const heartbeats = 2 * brokerHeartbeatMs;
  return [
    ...(suspectAfterMs < heartbeats
      ? [
          caution(
            ["timing", "suspectAfterMs"],
            "is over when one heartbeat is late: brokers send one each second",
            `at least ${heartbeats}`,
          ),
        ]
      : []),
    ...(probeTimeoutMs >= suspectAfterMs
      ? [
          caution(
            ["timing", "probeTimeoutMs"],
            "is not over when a broker may be called silent",
            "less than suspectAfterMs",
          ),
        ]
      : []),
    ...(leaderSilentMs < leaderSilentMsSafe
      ? [caution(["timing", "leaderSilentMs"], "is over when one beat is late", `at least ${leaderSilentMsSafe}`)]
      : []),
  ];
}

/** Two beats, and the way between sites. */
const leaderSilentMsSafe = 600;

function adminCautions({ controller: { adminCidrs } }: ArbiterConfig): Fault[] {
  const open = adminCidrs.findIndex((each) => each.endsWith("/0"));
  if (open < 0) return [];
  return [caution(["controller", "adminCidrs", open], "lets everybody name a master", "the operators' own networks")];
}

function execCautions({ clusters, timing }: ArbiterConfig): Fault[] {
  return clusters.flatMap((cluster, index) => {
    if (cluster.kind !== "exec" || cluster.probeEveryMs + timing.probeTimeoutMs < timing.suspectAfterMs) return [];
    const message = "and probeTimeoutMs are not over when a member may be called silent";
    return [caution(["clusters", index, "probeEveryMs"], message, "less than suspectAfterMs - probeTimeoutMs")];
  });
}

function caution(path: ConfigPath, message: string, remedy: string): Fault {
  return { path, message, remedy };
}
