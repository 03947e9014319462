import { statfsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const memory = "/dev/shm";
const roomMin = 4 * 1_024 ** 3;

/**
 * Makes a folder for the data of servers: in memory where there is room, unless TMPDIR says where. etcd and ZooKeeper answer a write
 * only after an fdatasync, and a disk that other work shares has let them wait for 5 s. What is killed here is processes, and
 * these lose nothing by it.
 */
export function makeDataFolder(prefix: string): Promise<string> {
  return mkdtemp(join(process.env["TMPDIR"] === undefined && hasRoom() ? memory : tmpdir(), prefix));
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize >= roomMin;
  } catch {
    return false;
  }
}
