import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./ports.ts";
import { type RunningProcess, runProcess, startProcess } from "./process.ts";
import { inProject } from "./project.ts";

/** Debian's Redis on loopback, with the config of the example: each start is one as a replica of nowhere. */
export interface Redis extends AsyncDisposable {
  /** "127.0.0.1:port" */
  readonly address: string;
  readonly port: number;
  /** What redis-cli prints. @throws when it ends with another code than 0 */
  cli(...args: readonly string[]): Promise<string>;
  role(): Promise<string>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Again, with its data and its config as before. */
  start(): Promise<void>;
  /** SIGSTOP, in force at return; the kernel still accepts connections for it. */
  stop(): void;
  cont(): void;
}

const readyMsMax = 20_000;
const cliMsMax = 10_000;
const configFile = "config/examples/exec-redis/redis.conf";

export async function startRedis(): Promise<Redis> {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-redis-"));
  const port = await freePort();
  let process: RunningProcess | undefined;
  const self: Redis = {
    address: `127.0.0.1:${port}`,
    port,
    async cli(...args) {
      const { code, stdout, stderr } = await runProcess("redis-cli", ["-e", "-p", String(port), ...args], {
        timeoutMs: cliMsMax,
      });
      if (code !== 0) throw new Error(`redis-cli ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
      return stdout.trim();
    },
    role: async () => (await self.cli("ROLE")).split("\n")[0] ?? "",
    async kill() {
      await process?.kill();
    },
    async start() {
      const own = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
      process = startProcess(inProject(".cache/redis/redis-server"), [inProject(configFile), ...own], {
        name: `redis-${port}`,
      });
      await eventually(() => self.cli("PING"), { withinMs: readyMsMax, everyMs: 50 });
    },
    stop: () => process?.stop(),
    cont: () => process?.signal("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await process?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}
