import { z } from "zod";
import { refuseRepeats } from "./shared.ts";

/** idcctl's own file, `~/.config/crossidc/contexts.yaml`: where the daemons of each installation listen. */

const endpoint = z
  .string()
  .regex(/^https?:\/\/[^\s/@?#]+\/?$/, {
    error: "must be http://host:port or https://host:port, for example http://10.2.0.5:7401",
    abort: true,
  })
  .refine((text) => URL.canParse(text), {
    error: "is not an address",
    params: { remedy: "http://host:port, with a port of 1 to 65535" },
  })
  .meta({ title: "URL" });

const endpoints = z
  .array(endpoint)
  .min(1)
  .max(100)
  .superRefine(refuseRepeats((address) => address));

const contextSchema = z
  .strictObject({
    replicators: endpoints
      .optional()
      .meta({ description: "HTTP doors of the replicators: the active one and its standbys, in any order." }),
    arbiters: endpoints
      .optional()
      .meta({ description: "HTTP doors of the arbiters, one per site. They are tried in this order." }),
    routers: endpoints.optional().meta({ description: "HTTP doors of the routers. They are tried in this order." }),
  })
  .meta({ description: "One installation." });

export const contextsSchema = z
  .strictObject({
    current: z
      .string()
      .min(1)
      .meta({ description: "Name of the context that idcctl uses when --context names no other." }),
    contexts: z.record(z.string().min(1), contextSchema).meta({ description: "The installations, by name." }),
  })
  .refine(({ current, contexts }) => Object.hasOwn(contexts, current), {
    error: "names no context",
    path: ["current"],
    params: { remedy: "name one of those under `contexts`" },
  })
  .meta({ title: "idcctl contexts", description: "Where idcctl finds the daemons." });
