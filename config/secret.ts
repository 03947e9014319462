import { relative, sep } from "node:path";
import { OperatorError } from "#lib/errors.ts";
import { readBounded, whyUnreadable } from "./files.ts";

const secretBytesMax = 4_096;

/**
 * Reads the one line `user:password` of a credential file.
 * @param options.credentialsDirectory systemd's $CREDENTIALS_DIRECTORY, passed down by main: what lies in it is guarded by
 *   systemd with ACLs, which show as group permissions, so modes say nothing there.
 * @throws {OperatorError} CONFIG_SECRET; never with anything of the content
 */
export function readSecret(file: string, options: { credentialsDirectory: string | undefined }): string {
  const { stats, bytes, truncated } = open(file);
  const mode = stats.mode & 0o777;
  if (!stats.isFile()) throw unusable(file, "it is not a regular file", "Name a file with one line user:password");
  if ((mode & 0o077) !== 0 && !isInside(options.credentialsDirectory, file)) {
    throw unusable(
      file,
      `others than its owner may use it (mode ${mode.toString(8).padStart(4, "0")})`,
      `Take the rights away (chmod 600 ${file}), or hand it over with systemd's LoadCredential=`,
    );
  }
  const line = truncated ? undefined : oneLine(bytes);
  if (line === undefined || !/^[^:]+:./.test(line)) {
    throw unusable(file, "it does not hold one line user:password", "Write user:password on one line, in UTF-8");
  }
  return line;
}

function open(file: string): ReturnType<typeof readBounded> {
  try {
    return readBounded(file, secretBytesMax);
  } catch (error) {
    throw new OperatorError("CONFIG_SECRET", `Cannot read the credential file ${file}: ${whyUnreadable(error)}`, {
      hint: "Check credentialFile in the config, and that the daemon's user may read it",
      cause: error,
    });
  }
}

function unusable(file: string, why: string, hint: string): OperatorError {
  return new OperatorError("CONFIG_SECRET", `Cannot use the credential file ${file}: ${why}`, { hint });
}

function isInside(folder: string | undefined, file: string): boolean {
  if (folder === undefined || folder === "") return false;
  const way = relative(folder, file);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !way.startsWith(sep);
}

/** Without its line end; undefined when it is not UTF-8 or more than one line. */
function oneLine(bytes: Uint8Array): string | undefined {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const line = text.replace(/\r?\n$/, "");
  return /[\r\n\0]/.test(line) ? undefined : line;
}
