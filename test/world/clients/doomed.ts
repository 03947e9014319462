/**
 * Owns a world and waits to be killed. In the world: a process of its own, one that has moved away from it into another
 * session, one that is frozen, and a small disk.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { runProcess, startProcess } from "../../integration/harness/process.ts";
import { openNetwork } from "../network/network.ts";

const { folder, where, enter } = await openNetwork();
const inSite = (...command: readonly string[]): [string, readonly string[]] => {
  const [first = "", ...rest] = enter("idc1");
  return [first, [...rest, ...command]];
};

const disk = join(folder, "disk");
mkdirSync(disk);
await runProcess(...inSite("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk), { timeoutMs: 10_000 });
startProcess(...inSite("sleep", "1000"));
spawn(...inSite("sleep", "1000"), { detached: true, stdio: "ignore" }).unref();
const frozen = startProcess(...inSite("sh", "-c", "echo here; exec sleep 1000"));
await frozen.waitForLine(/here/, { timeoutMs: 10_000 });
frozen.stop();

const inodes = Object.values(where.network).map((file) => readlinkSync(file));
console.log(JSON.stringify({ folder, keeper: where.keeper, inodes }));
