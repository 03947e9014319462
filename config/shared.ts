import { z } from "zod";

/** What every daemon's file has in common. */

export const hostPort = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/,[\]]+):\d{1,5}$/, {
  error: "must be host:port, for example 10.1.0.7:2181 or [::1]:2181",
});

export const filePath = z
  .string()
  .min(1)
  .meta({ description: "Path of a file. Relative paths start at the config file's folder." });

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
      listen: hostPort
        .default(`127.0.0.1:${port}`)
        .meta({ description: "Address and port of the HTTP door. Changes are accepted from this machine only." }),
    })
    .prefault({})
    .meta({ description: "Health, metrics and the API that idcctl uses." });

export const siteSchema = {
  environment: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, { error: "must be 1 to 32 of a-z, 0-9 and -" })
    .default("prod")
    .meta({ description: "Separates installations, and is a label of every metric." }),
  site: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, { error: "must be 1 to 32 of a-z, 0-9 and -" })
    .meta({ description: "Name of the site this daemon runs in, for example idc2." }),
};
