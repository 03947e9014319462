import { closeSync, fstatSync, openSync, readSync, type Stats } from "node:fs";

/** Reads files that an operator names, of which nothing is known: bounded, whatever stands behind the name. */

export interface BoundedFile {
  readonly stats: Stats;
  readonly bytes: Uint8Array;
  /** The file goes on after `bytes`. */
  readonly truncated: boolean;
}

/** @throws the system's error when the file cannot be opened or read */
export function readBounded(file: string, bytesMax: number): BoundedFile {
  const descriptor = openSync(file, "r");
  try {
    const stats = fstatSync(descriptor);
    // One more than allowed, to see whether there is more.
    const buffer = Buffer.alloc(bytesMax + 1);
    let used = 0;
    while (used < buffer.length) {
      const count = readSync(descriptor, buffer, used, buffer.length - used, null);
      if (count === 0) break;
      used += count;
    }
    return { stats, bytes: buffer.subarray(0, Math.min(used, bytesMax)), truncated: used > bytesMax };
  } finally {
    closeSync(descriptor);
  }
}

/** "no such file", where the system says ENOENT and repeats the name. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasonByCode[code] ?? (error instanceof Error ? error.message : String(error));
}

const reasonByCode: Record<string, string> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is not a folder",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
  EISDIR: "it is a folder",
};
