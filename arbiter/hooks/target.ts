import type { HookConfig } from "#config/arbiter-hooks.ts";
import { readSecret } from "#config/secret.ts";
import { runChild } from "#lib/child.ts";
import { OperatorError } from "#lib/errors.ts";

/** Where an event goes: a command's standard input, or an address that it is posted to. */
export interface HookTarget {
  /** For the log: never with what may be a secret, such as an address' path. */
  readonly label: string;
  /** One try. @throws when it was not taken, or not in time; or the signal's reason */
  send(body: string, id: string, options: { timeoutMs: number; signal: AbortSignal }): Promise<void>;
}

const outputBytesMax = 4_096;
const stderrCharsMax = 200;

/** Reads credentials now. @throws {OperatorError} CONFIG_SECRET, ARB_HOOK_URL */
export function openTarget(config: HookConfig, secrets: { credentialsDirectory: string | undefined }): HookTarget {
  const { name, command, url, urlFile, userFile } = config;
  if (command !== undefined) return commandTarget(command);
  const text = url ?? (urlFile === undefined ? "" : readSecret(urlFile, secrets));
  const parsed = URL.parse(text);
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
    throw new OperatorError("ARB_HOOK_URL", `The address of hook ${name} is no http or https address`, {
      hint: "Look at url, or at the file that urlFile names",
    });
  }
  return webTarget(parsed, userFile === undefined ? undefined : readSecret(userFile, secrets));
}

function commandTarget(argv: readonly string[]): HookTarget {
  return {
    label: argv[0] ?? "",
    async send(body, _id, options) {
      const limits = { stdoutBytesMax: outputBytesMax, stderrBytesMax: outputBytesMax };
      const end = await runChild({ argv, input: body, ...limits, ...options });
      if (end.kind === "exited" && end.code === 0) return;
      const how =
        end.kind === "exited"
          ? `ended with ${end.code}`
          : end.kind === "unstartable"
            ? end.detail
            : end.kind === "late"
              ? `was killed after ${options.timeoutMs} ms`
              : end.kind === "killed"
                ? `was killed by ${end.by}`
                : `wrote more than ${outputBytesMax} bytes`;
      const said = end.stderr.replaceAll(/\p{Cc}+/gu, " ").trim();
      throw new Error(said === "" ? how : `${how}: ${said.slice(-stderrCharsMax)}`);
    },
  };
}

function webTarget(url: URL, user: string | undefined): HookTarget {
  const headers = {
    "content-type": "application/json",
    ...(user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` }),
  };
  return {
    label: url.origin,
    async send(body, id, { timeoutMs, signal }) {
      const due = AbortSignal.timeout(timeoutMs);
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { ...headers, "idempotency-key": id },
          body,
          redirect: "error",
          signal: AbortSignal.any([signal, due]),
        });
        // What it says besides is not read.
        await response.body?.cancel();
        if (!response.ok) throw new Error(`answered with status ${response.status}`);
      } catch (error) {
        signal.throwIfAborted();
        if (due.aborted) throw new Error(`did not answer in ${timeoutMs} ms`);
        throw error instanceof TypeError ? new Error(`cannot be reached: ${causeOf(error)}`) : error;
      }
    },
  };
}

/** fetch puts the reason beneath; its own message may have the address in it. */
function causeOf({ cause }: Error): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return code === "" ? "the connection failed, or it leads elsewhere" : code;
}
