import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** Why no world can be made here, with what would help; undefined where one can. */
export function worldRefusal(): string | undefined {
  for (const [command, debianPackage] of [
    ["ip", "iproute2"],
    ["unshare", "util-linux"],
    ["nsenter", "util-linux"],
  ] as const) {
    const { error } = spawnSync(command, ["--version"], { stdio: "ignore" });
    if (error !== undefined) return `${command} is missing: install Debian's ${debianPackage}`;
  }
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "/dev/net/tun cannot be opened: a world needs root and the kernel's tun module (modprobe tun)";
  }
  const tried = spawnSync("unshare", ["--mount", "--net", "true"], { encoding: "utf8" });
  if (tried.status === 0) return undefined;
  return `network namespaces cannot be made (${tried.stderr.trim()}): run as root, outside of an unprivileged container`;
}
