import { createHash } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { type Route, readRoute } from "../core/route.ts";

/**
 * The last good routes on disk. A line with length and SHA-256, then the routes as routers write them. Written beside, and put in its
 * place by a rename: a crash leaves the file of before, or the new one.
 */

const schemaVersion = 1;
const bytesMax = 64 * 1024 * 1024;

export async function writeRoutes(file: string, routes: Iterable<Route>): Promise<void> {
  const text = JSON.stringify({ schema: schemaVersion, routes: [...routes].map(encodeRoute) });
  const beside = `${file}.new`;
  const handle = await open(beside, "w", 0o600);
  try {
    await handle.writeFile(`${headOf(text)}\n${text}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @returns a sentence when it is damaged; no routes when there is no file */
export async function readRoutes(file: string): Promise<readonly Route[] | string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  if (bytes.length > bytesMax) return `it has more than ${bytesMax} bytes`;
  const all = bytes.toString("utf8");
  const end = all.indexOf("\n");
  const text = all.slice(end + 1);
  if (end < 0 || all.slice(0, end) !== headOf(text)) return "its checksum is wrong";
  const { schema, routes } = JSON.parse(text) as { schema: number; routes: readonly unknown[] };
  if (schema !== schemaVersion) return `its schema is ${schema}`;
  return routes.map(readRoute).filter((route) => typeof route !== "string");
}

function headOf(text: string): string {
  return `${Buffer.byteLength(text)} ${createHash("sha256").update(text).digest("hex")}`;
}

/** As a router says it. What it rests on is left out but for epochs: after a restart what routers say counts again. */
function encodeRoute({ chosen, why, levels, order, settings, ...rest }: Route): object {
  return { ...rest, decision: { idc: chosen, why, levels }, client: settings, revision: order.revision };
}
