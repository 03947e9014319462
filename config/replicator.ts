import { z } from "zod";
import type { ConfigPath, Fault } from "./problems.ts";
import { httpSchema, logSchema, refuseRepeats, siteSchema, zooKeeperSchema } from "./shared.ts";

/** The replicator's file: the one source of its types, defaults, validation and documentation. */

const editSchema = z
  .strictObject({
    at: z.string().min(1).meta({
      description:
        "properties: the key. json: a JSON Pointer (RFC 6901), for example /cluster/name. text: a regular expression whose group 1 is the value.",
    }),
    map: z.enum(["clusters", "addresses"]).optional().meta({
      description:
        "Maps the value, or each element of a list (a;b or a,b): `clusters` by the names of the cluster table, `addresses` by its addresses.",
    }),
    set: z.string().optional().meta({ description: "Replaces the value by this text." }),
  })
  .refine((edit) => (edit.map === undefined) !== (edit.set === undefined), {
    error: "does not say what to do, or says it twice",
    params: { remedy: "give one of map and set" },
  });

const ruleSchema = z
  .strictObject({
    match: z.string().min(1).meta({
      description:
        "Source paths this rule is for. {name} captures a segment or part of one, ** at the end is all that follows (at least one segment).",
    }),
    action: z
      .enum(["copy", "ignore"])
      .default("copy")
      .meta({ description: "copy: to `to`. ignore: neither copied nor deleted." }),
    to: z.string().min(1).optional().meta({
      description:
        "Target path. Uses every capture of `match` once; {name:clusters} maps it through the cluster table; ** where `match` has it.",
    }),
    data: z
      .strictObject({
        format: z
          .enum(["properties", "json", "text"])
          .meta({ description: "How the node's bytes are read. Bytes that no edit touches stay as they are." }),
        edits: z.array(editSchema).min(1).max(64).meta({ description: "Edits, in order." }),
      })
      .optional()
      .meta({ description: "Edits of the node's data. Without it the bytes are copied as they are." }),
  })
  .superRefine((rule, context) => {
    const refuse = (key: string, message: string, remedy: string): void =>
      context.addIssue({ code: "custom", path: [key], message, params: { remedy } });
    if (rule.action === "copy" && rule.to === undefined) refuse("to", "is missing", "say where to, or action: ignore");
    if (rule.action === "copy") return;
    if (rule.to !== undefined) refuse("to", "has no meaning with action: ignore", "remove one of the two");
    if (rule.data !== undefined) refuse("data", "has no meaning with action: ignore", "remove one of the two");
  });

const clusterSchema = z.strictObject({
  to: z.string().min(1).meta({ description: "Name of the target's cluster that stands in for this one." }),
  addresses: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .meta({ description: "Address in the source IDC -> address in the target IDC." }),
});

const deletesSchema = z
  .strictObject({
    mode: z.enum(["mirror", "keep", "tombstone"]).default("mirror").meta({
      description:
        "mirror: what goes at the source goes at the target. tombstone: only once it has been gone for tombstoneMs. keep: nothing is deleted.",
    }),
    tombstoneMs: z.int().min(1_000).max(2_592_000_000).default(86_400_000).meta({
      description:
        "With mode tombstone: how long a node that is gone at the source stays in the target, ms. If it comes back meanwhile, nothing happens.",
    }),
    maxDeletes: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(500)
      .meta({ description: "The brake: more deletes than this within windowMs stop until an operator accepts them." }),
    maxDeleteRatio: z.number().gt(0).max(1).default(0.2).meta({
      description:
        "The brake: more than this share of the link's target nodes within windowMs stop too (one delete is always allowed).",
    }),
    windowMs: z
      .int()
      .min(1_000)
      .max(86_400_000)
      .default(600_000)
      .meta({ description: "Time over which deletes are counted, ms." }),
  })
  .prefault({})
  .meta({ description: "What a delete at the source does." });

const limitsSchema = z
  .strictObject({
    writesPerSecond: z.int().min(1).max(1_000_000).optional().meta({
      description:
        "Operations sent to the target a second, first copy included; at most half a second's worth at once. Without it: as fast as the target takes them. Fence and checkpoint do not count, and nobody waits for it but changes.",
    }),
    requestsInFlight: z.int().min(1).max(64).default(8).meta({
      description:
        "Requests on their way at once, of each of three kinds: reads of a compare (up to 120 nodes each), reads of changed nodes (as many), batches of writes (98 operations or 512 kB each). More helps over a long way, and loads both sides.",
    }),
    pendingPaths: z.int().min(100).max(10_000_000).default(1_000_000).meta({
      description:
        "Changed paths remembered while they wait for their turn, about 200 bytes each and the path. Events beyond it are dropped, and a full compare finds what they told.",
    }),
    bufferBytes: z.int().min(65_536).max(1_073_741_824).default(8_388_608).meta({
      description:
        "Bytes of nodes read and waiting to be written. Beyond it nothing more is read; what is on its way then still comes on top.",
    }),
  })
  .prefault({})
  .meta({
    description:
      "What one link may use, so that it leaves the rest to others. Beyond a bound it waits, or falls back to a full compare; it never grows.",
  });

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: "must be 1 to 63 of a-z, 0-9 and -, not starting with -" });

const canarySchema = z
  .strictObject({
    everyMs: z.int().min(500).max(60_000).meta({
      description: "Time between two canaries, ms. Each is one write at the source and one in the target.",
    }),
  })
  .meta({
    description:
      "Measures the whole way: whoever leads the link sets /crossidc/canaries/<name> at the source and waits until it is in the target. Off unless given: it is the one thing that is ever written to the source.",
  });

const linkKeys = z.strictObject({
  kind: z.enum(["zookeeper"]).meta({ description: "What is replicated." }),
  source: zooKeeperSchema.meta({ description: "Where the metadata is written by its owners." }),
  target: zooKeeperSchema.meta({ description: "Where it appears. The replicator runs in this IDC." }),
  clusters: z
    .record(z.string().min(1), clusterSchema)
    .default({})
    .meta({ description: "The cluster table: source cluster -> target cluster, with their addresses." }),
  rules: z
    .array(ruleSchema)
    .min(1)
    .max(1_000)
    .meta({ description: "First match wins; a path under no rule is not copied." }),
  unmapped: z.enum(["error", "copy", "skip"]).default("error").meta({
    description:
      "A cluster or an address that has no row. error: the node is held back and reported. copy: the value stays as it is. skip: the node is left out silently (counted).",
  }),
  onBadData: z.enum(["copy", "skip", "stop"]).default("copy").meta({
    description:
      "Data that is not of its rule's format. copy: as it is. skip: held back and reported. stop: the link stops.",
  }),
  deletes: deletesSchema,
  ephemerals: z.enum(["skip"]).default("skip").meta({ description: "Nodes that live with a session are not copied." }),
  acl: z.enum(["target-default", "copy"]).default("target-default").meta({
    description:
      "ACLs in the target. target-default: new nodes get targetAcl, others keep theirs. copy: each node gets its source's, and all rights for the link's own identities.",
  }),
  aclSchemes: z
    .array(z.string().regex(/^(?!auth$)[A-Za-z0-9_-]{1,32}$/, { error: "must be a scheme such as world or digest" }))
    .min(1)
    .max(16)
    .superRefine(refuseRepeats((scheme) => scheme))
    .default(["world", "digest"])
    .meta({
      description:
        "With acl: copy: schemes that mean the same on both sides. A node whose ACL has another is held back.",
    }),
  targetAcl: z
    .array(
      z.strictObject({
        perms: z
          .string()
          .regex(/^(?=.)c?d?r?w?a?$/, { error: "must be some of the letters cdrwa, in this order" })
          .meta({ title: "some of cdrwa", description: "Rights: create, delete, read, write, admin." }),
        scheme: z.string().min(1).meta({ description: "Scheme: world, auth, digest, ip, sasl or x509." }),
        id: z.string().meta({
          description: "Whom it is for, as the scheme has it: anyone, nothing for auth, user:hash for digest.",
        }),
      }),
    )
    .min(1)
    .max(32)
    .default([{ perms: "cdrwa", scheme: "world", id: "anyone" }])
    .meta({
      description: "ACL of the nodes that this link creates; with acl: copy only of parents that no rule asks for.",
    }),
  compareEveryMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(300_000)
    .meta({ description: "Time between full compares of source and target, ms." }),
  pollEveryMs: z
    .int()
    .min(500)
    .max(600_000)
    .default(5_000)
    .meta({ description: "The same where the source is older than ZooKeeper 3.6 and has no recursive watches, ms." }),
  limits: limitsSchema,
  canary: canarySchema.optional(),
});

const linkSchema = z.strictObject({
  name: name.meta({
    title: "name",
    description: "Name of the link: its folder /crossidc/links/<name> in the target, and a label of its metrics.",
  }),
  template: name.optional().meta({
    description:
      "Template whose keys this link takes. Keys of the link itself go in front; two mappings are merged key by key, lists are not.",
  }),
  with: z
    .record(z.string().min(1), z.string())
    .optional()
    .meta({ description: `Words of the template: \${word} in one of its texts (not in a key) becomes this text.` }),
  ...linkKeys.shape,
});

export const replicatorSchema = z
  .strictObject({
    ...siteSchema,
    http: httpSchema(7401),
    log: logSchema,
    templates: z.record(name, linkKeys.partial()).optional().meta({
      description: "Links to be, by name: any keys of a link but its name. --check shows the links that come of them.",
    }),
    links: z
      .array(linkSchema)
      .min(1)
      .max(100)
      .superRefine(refuseRepeats((link) => link.name, ["name"]))
      .meta({ description: "The links this replicator carries." }),
  })
  .meta({
    title: "crossidc replicator",
    description: "Mirrors metadata of one IDC's ZooKeeper into another IDC's ZooKeeper.",
  });

export type ReplicatorConfig = z.output<typeof replicatorSchema>;
export type LinkConfig = ReplicatorConfig["links"][number];
export type RuleConfig = LinkConfig["rules"][number];
export type ZooKeeperConfig = LinkConfig["source"];

/** What a replicator's file may say, but its operator should hear about. */
export function replicatorCautions(config: ReplicatorConfig): Fault[] {
  return config.links.flatMap((link, index) => [
    ...ensembleCautions(link.source, ["links", index, "source"]),
    ...ensembleCautions(link.target, ["links", index, "target"]),
    ...sameTreeCautions(link, ["links", index, "target"]),
    ...aclCautions(link, ["links", index, "acl"]),
  ]);
}

function ensembleCautions(ensemble: ZooKeeperConfig, path: ConfigPath): Fault[] {
  if (ensemble.auth.length === 0 || ensemble.tls !== undefined) return [];
  const message = "sends its credentials over a plain connection";
  return [{ path: [...path, "auth"], message, remedy: "give tls, if anyone can listen on the way" }];
}

function aclCautions({ acl, target }: LinkConfig, path: ConfigPath): Fault[] {
  if (acl !== "copy" || target.auth.length > 0) return [];
  const message = "holds back each node whose ACL is not open to everybody: the link has no identity in the target";
  return [{ path, message, remedy: "give target.auth" }];
}

function sameTreeCautions({ source, target }: LinkConfig, path: ConfigPath): Fault[] {
  const shared = target.servers.find((server) => source.servers.includes(server));
  if (shared === undefined || source.chroot !== target.chroot) return [];
  return [{ path, message: `is the source's own tree (${shared})`, remedy: "check servers and chroot" }];
}
