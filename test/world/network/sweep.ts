import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** What does not die of SIGKILL in this time is left to the kernel. */
const sweepMsMax = 10_000;
const lookEveryMs = 10;

/**
 * Ends everything that a world has started and takes its folder away. Called by the keeper, inside the world's mount namespace.
 * @param inodes of the world's network namespaces, as /proc shows them: "net:[4026532301]"
 */
export async function sweep(inodes: readonly string[], folder: string): Promise<void> {
  const deadline = performance.now() + sweepMsMax;
  for (;;) {
    const left = processesIn(inodes);
    if (left.length === 0 || performance.now() > deadline) break;
    for (const pid of left) killQuietly(pid);
    await delay(lookEveryMs);
  }
  for (const mount of mountsBelow(folder)) execFileSync("umount", ["--lazy", mount]);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Processes whose network namespace is one of these; zombies have none. */
export function processesIn(inodes: readonly string[]): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter((pid) => inodes.includes(namespaceOf(pid) ?? ""));
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    // It has ended.
    return undefined;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Deepest first. */
function mountsBelow(folder: string): string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const points = mounts.map((line) => line.split(" ")[1] ?? "").filter((point) => point.startsWith(`${folder}/`));
  return points.toReversed();
}
