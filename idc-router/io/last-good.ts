import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { decodeTable, encodeTable } from "../core/last-good.ts";
import type { Table } from "../core/model.ts";

/** The table on disk: `crossidc-table 1 bytes=N sha256=HEX`, a line end, and the text. */

const magic = "crossidc-table 1";
const headPattern = /^crossidc-table 1 bytes=(\d{1,12}) sha256=([0-9a-f]{64})$/;
/** A table of a hundred thousand topics is about 30 MB. */
const bytesMax = 512 * 1024 * 1024;

/**
 * One that is damaged is put aside and told of: it must not keep the router from starting.
 * @returns undefined when there is none
 */
export async function readLastGood(
  file: string,
  { log, wall }: { log: Logger; wall: number },
): Promise<Table | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    log.warn({ file, error: messageOf(error) }, "last good table cannot be read");
    return undefined;
  }
  const table = decodeFile(bytes, wall);
  if (table !== undefined) return table;
  const aside = `${file}.damaged`;
  await rename(file, aside).catch(() => {});
  log.error({ file, aside, bytes: bytes.length }, "last good table is damaged, and is put aside");
  return undefined;
}

/** All or nothing: whoever reads it finds the old one or the new one. @throws the system's error */
export async function writeLastGood(file: string, table: Table): Promise<void> {
  const text = Buffer.from(encodeTable(table));
  const head = `${magic} bytes=${text.length} sha256=${hashOf(text)}\n`;
  const folder = dirname(file);
  await mkdir(folder, { recursive: true });
  const fresh = `${file}.new`;
  {
    await using handle = await open(fresh, "w", 0o600);
    await handle.write(head);
    await handle.writeFile(text);
    await handle.sync();
  }
  await rename(fresh, file);
  await using handle = await open(folder, "r");
  await handle.sync();
}

function decodeFile(bytes: Buffer, wall: number): Table | undefined {
  const end = bytes.indexOf("\n");
  if (end < 0 || bytes.length > bytesMax) return undefined;
  const [, length, hash] = headPattern.exec(bytes.subarray(0, end).toString("latin1")) ?? [];
  const text = bytes.subarray(end + 1);
  if (length === undefined || Number(length) !== text.length || hashOf(text) !== hash) return undefined;
  return decodeTable(text.toString("utf8"), wall);
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
