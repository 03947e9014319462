import { z } from "zod";
import { argv } from "./arbiter-exec.ts";
import { filePath } from "./shared.ts";

/** What is told to others: a command or a web address for what happens to a set. */

const hookEvents = ["suspect", "commit", "done", "blocked"] as const;

const httpUrl = z
  .string()
  .max(2_048)
  .refine((text) => isHttpUrl(text), {
    error: "must be an http or https address without a user in it",
    params: { remedy: "https://pager.example/v1/events; a secret one goes into urlFile, a user into userFile" },
  });

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && ["http:", "https:"].includes(url.protocol) && url.username === "" && url.password === "";
}

const hookSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/, { error: "must be 1 to 32 of a-z, 0-9 and -" })
      .meta({ description: "Its name in logs and metrics." }),
    events: z
      .array(z.enum(hookEvents))
      .min(1)
      .default([...hookEvents])
      .meta({
        description:
          "suspect: a master is suspected. commit: a master is decided. done: it serves. blocked: nobody may be elected or promoted.",
      }),
    command: argv
      .optional()
      .meta({ description: "A command and its arguments, no shell. The event is its standard input." }),
    url: httpUrl.optional().meta({ description: "Where the event is posted to, as JSON." }),
    urlFile: filePath
      .optional()
      .meta({ description: "Or a file with that address, where it is a secret; not readable by others." }),
    userFile: filePath
      .optional()
      .meta({ description: "File with user:password for it. One line; not readable by others." }),
    timeoutMs: z.int().min(100).max(60_000).default(5_000).meta({ description: "Longest wait for one try, ms." }),
    queueMax: z.int().min(1).max(10_000).default(100).meta({
      description: "Events that wait for it; the next one is dropped, and counted.",
    }),
  })
  .refine(({ command, url, urlFile }) => [command, url, urlFile].filter((each) => each !== undefined).length === 1, {
    error: "has not exactly one of command, url and urlFile",
    params: { remedy: "two hooks, for two of them" },
  })
  .refine(({ command, userFile }) => command === undefined || userFile === undefined, {
    error: "has a userFile, and no address to send it to",
    params: { remedy: "leave it out" },
  });

export const hooksSchema = z
  .array(hookSchema)
  .max(16)
  .default([])
  .meta({ description: "Who else is told what happens to a set. None of it delays a decision." });

export type HookConfig = z.output<typeof hookSchema>;
