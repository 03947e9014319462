import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inProject } from "../integration/harness/project.ts";

/** In a server's folder: how far its clock is ahead. libfaketime looks there once a second. */
export const clockFile = "clock";

/** "+5.250" */
export function clockText(aheadMs: number): string {
  return `${aheadMs < 0 ? "-" : "+"}${(Math.abs(aheadMs) / 1_000).toFixed(3)}\n`;
}

/** Lets a process take its wall clock from the file. Timeouts and waits still go by the real, monotonic one. */
export function clockEnvironment(folder: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: libfaketime(),
    FAKETIME_TIMESTAMP_FILE: join(folder, clockFile),
    FAKETIME_CACHE_DURATION: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** Debian keeps it in a folder named after the machine's kind. */
function libfaketime(): string {
  const root = inProject(".cache/faketime/usr/lib");
  const [kind] = readdirSync(root);
  return join(root, kind ?? "", "faketime/libfaketimeMT.so.1");
}
