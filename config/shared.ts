import { z } from "zod";
import { isCidr } from "#lib/cidr.ts";
import { marks } from "./schema.ts";

/** What every daemon's file has in common. */

const portMax = 65_535;

const address = (portMin: number) =>
  z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/,[\]]+):\d{1,5}$/, {
      error: "must be host:port, for example 10.1.0.7:2181 or [::1]:2181",
      abort: true,
    })
    .refine((text) => inRange(Number(text.slice(text.lastIndexOf(":") + 1)), portMin), {
      error: "has no such port",
      params: { remedy: `a port is ${portMin} to ${portMax}` },
    })
    .meta({ title: "host:port" });

const inRange = (port: number, portMin: number) => port >= portMin && port <= portMax;

export const hostPort = address(1);

export const filePath = z
  .string()
  .min(1)
  .regex(/^\P{Cc}*$/u, { error: "must be the path of a file, without control characters" })
  .register(marks, { mark: "file" })
  .meta({ title: "file", description: "Path of a file. Relative paths start at the config file's folder." });

export const tlsClientSchema = z
  .strictObject({
    ca: filePath.meta({ description: "File with the certificates (PEM) that the server's certificate must lead to." }),
    cert: filePath
      .optional()
      .meta({ description: "File with this client's certificate (PEM), when the server asks for one." }),
    key: filePath.optional().meta({ description: "File with the private key (PEM) of `cert`." }),
    serverName: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Name that the server's certificate must carry, when it is not the host in `servers`." }),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: "has only one of cert and key",
    params: { remedy: "give both, or neither" },
  })
  .meta({ description: "TLS towards this server. Without it the connection is plain." });

export const logSchema = z
  .strictObject({
    level: z
      .enum(["error", "warn", "info", "debug"])
      .default("info")
      .meta({ description: "Least severe level that is written." }),
    format: z.enum(["json", "journal", "pretty"]).default("json").meta({
      description:
        "json: one object a line. journal: the same with systemd's priority prefix. pretty: for a person at a terminal.",
    }),
  })
  .prefault({})
  .meta({ description: "Logging, to standard error." });

export const httpSchema = (port: number) =>
  z
    .strictObject({
      listen: address(0).default(`127.0.0.1:${port}`).meta({
        description:
          "Address and port of the HTTP door; port 0: any that is free. Changes are accepted from this machine only.",
      }),
    })
    .prefault({})
    .meta({ description: "Health, metrics and the API that idcctl uses." });

const label = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, { error: "must be 1 to 32 of a-z, 0-9 and -" })
  .meta({ title: "name" });

/** A site's name is that of its IDC. */
export const idcName = label;

/** The loader fills in `site` from the label file, so what it hands on always has it. */
export const siteSchema = {
  environment: label.default("prod").meta({ description: "Separates installations, and is a label of every metric." }),
  site: label.meta({
    description: "Name of the site this daemon runs in, for example idc2. Or else siteFile and siteKey.",
  }),
  siteFile: filePath
    .optional()
    .meta({ description: "The machine's own label file (key=value lines), which names the site under siteKey." }),
  siteKey: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Key of the site's name in siteFile, for example logicIdcUK." }),
};

/** Names each element that stands in a list a second time. */
export function refuseRepeats<Element>(nameOf: (element: Element) => string, at: readonly string[] = []) {
  return (elements: readonly Element[], context: z.core.$RefinementCtx<Element[]>): void => {
    const firstByName = new Map<string, number>();
    for (const [index, element] of elements.entries()) {
      const name = nameOf(element);
      const first = firstByName.get(name);
      if (first === undefined) firstByName.set(name, index);
      else {
        const params = { remedy: `number ${first} of the list is the same; counted from 0` };
        context.addIssue({ code: "custom", path: [index, ...at], message: "stands here a second time", params });
      }
    }
  };
}

export const clusterName = z
  .string()
  .regex(/^[^\s/]{1,127}$/, { error: "must be 1 to 127 characters, without spaces and /" });

export const cidr = z
  .string()
  .refine(isCidr, { error: "is no network", params: { remedy: "a network and its bits: 10.1.0.0/16, fd00::/8" } })
  .meta({ title: "CIDR" });

const idcSchema = z.strictObject({
  name: idcName.meta({ title: "name", description: "Name of the IDC; that of the site in it is the same." }),
  cidrs: z.array(cidr).max(64).default([]).meta({ description: "Networks of its brokers." }),
  brokerNames: z
    .array(
      z.string().regex(/^(?=.{1,127}$)[^\s*]*(\*[^\s*]*){0,3}$/, {
        error: "must be a broker's name, with at most three * in it",
      }),
    )
    .max(64)
    .default([])
    .meta({ description: "Names of its brokers, where addresses do not tell; * stands for anything." }),
});

export const etcdSchema = z
  .strictObject({
    endpoints: z
      .array(hostPort)
      .min(1)
      .max(9)
      .superRefine(refuseRepeats((endpoint) => endpoint))
      .meta({ description: "The members, host:port. The one of this site first: it is asked while it answers." }),
    prefix: z
      .string()
      .regex(/^\/([A-Za-z0-9._-]+\/)+$/, { error: "must start and end with /, as /crossidc/ does" })
      .default("/crossidc/")
      .meta({ description: "What all keys start with; the environment comes after it." }),
    tls: tlsClientSchema.optional(),
    userFile: filePath
      .optional()
      .meta({ description: "File with user:password, if etcd has users. One line; not readable by others." }),
  })
  .meta({ description: "The ledger that all sites share, one etcd member in each of them." });

export const idcsSchema = z
  .array(idcSchema)
  .min(1)
  .max(32)
  .superRefine(refuseRepeats(({ name }) => name, ["name"]))
  .meta({ description: "How a broker's address or name tells its IDC. First match wins." });

/** What all keys of an installation in etcd start with: "/crossidc/prod/". */
export function ledgerPrefix(config: { environment: string; etcd: { prefix: string } }): string {
  return `${config.etcd.prefix}${config.environment}/`;
}

export const nodePath = z
  .string()
  .regex(/^(\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u, {
    error: "must be an absolute path such as /a/b: no //, no / at its end, no . or .. in it",
  })
  .meta({ title: "node path" });

export const zooKeeperSchema = z.strictObject({
  servers: z
    .array(hostPort)
    .min(1)
    .max(32)
    .superRefine(refuseRepeats((server) => server))
    .meta({ description: "Servers of the ensemble, host:port. Tried in random order." }),
  chroot: nodePath
    .optional()
    .meta({ description: "Path under which everything of this ensemble is seen, as in host:port/chroot." }),
  sessionTimeoutMs: z.int().min(1_000).max(120_000).default(10_000).meta({
    description: "Session timeout asked for, ms; the server may clamp it. A dead peer is noticed after 2/3 of it.",
  }),
  connectTimeoutMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(3_000)
    .meta({ description: "Longest wait for one server to accept a connection and a session, ms." }),
  auth: z
    .array(
      z.strictObject({
        scheme: z.enum(["digest"]).meta({ description: "Authentication scheme." }),
        credentialFile: filePath.meta({ description: "File with user:password. One line; not readable by others." }),
      }),
    )
    .max(8)
    .default([])
    .meta({ description: "Credentials, sent before anything else on each connection." }),
  tls: tlsClientSchema.optional(),
});
