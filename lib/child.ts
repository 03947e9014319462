import { type ChildProcess, spawn } from "node:child_process";

/** One run of somebody else's command, bounded in every way: time, output, environment, and what it leaves behind. */

export interface ChildOptions {
  /** The command and its arguments; no shell reads them. */
  readonly argv: readonly string[];
  /** Written to standard input, which is then closed. */
  readonly input: string;
  /** After so long its whole process group is killed. */
  readonly timeoutMs: number;
  /** More on standard output, and it is killed. */
  readonly stdoutBytesMax: number;
  /** Of standard error the end is kept. */
  readonly stderrBytesMax: number;
  readonly signal: AbortSignal;
}

interface ChildOutput {
  readonly stdout: string;
  readonly stderr: string;
}

export type ChildEnd =
  | (ChildOutput & { readonly kind: "exited"; readonly code: number })
  /** By somebody else. */
  | (ChildOutput & { readonly kind: "killed"; readonly by: NodeJS.Signals })
  | (ChildOutput & { readonly kind: "late" })
  | (ChildOutput & { readonly kind: "flooded" })
  /** There is no such command, or no process to be had. */
  | (ChildOutput & { readonly kind: "unstartable"; readonly detail: string });

/** All that it finds in its environment. */
const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
} as const;
/** What it has started may hold its output open; so long after its end they go the same way. */
const leftoversMs = 100;

/** @throws the signal's reason; the process group is killed first */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { argv, input, timeoutMs, signal } = options;
  signal.throwIfAborted();
  const [command = "", ...args] = argv;
  // A group of its own, so that what it starts can be ended with it.
  const child = spawn(command, args, { cwd: "/", env: environment, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const output = collect(child, options);
  const closed = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.once("close", (code, by) => resolve([code, by]));
  });
  const failed = new Promise<Error>((resolve) => child.once("error", resolve));
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    killGroup(child);
  }, timeoutMs);
  let leftovers: NodeJS.Timeout | undefined;
  child.once("exit", () => {
    leftovers = setTimeout(() => {
      killGroup(child);
      // Whoever has left the group as well keeps nobody waiting.
      child.stdout.destroy();
      child.stderr.destroy();
    }, leftoversMs);
  });
  const onAbort = (): void => killGroup(child);
  signal.addEventListener("abort", onAbort, { once: true });
  // It may end without reading its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const ended = await Promise.race([closed, failed]);
    signal.throwIfAborted();
    const texts = { stdout: output.stdout(), stderr: output.stderr() };
    if (ended instanceof Error) return { kind: "unstartable", detail: ended.message, ...texts };
    if (output.isFlooded()) return { kind: "flooded", ...texts };
    if (isLate) return { kind: "late", ...texts };
    const [code, by] = ended;
    return code === null ? { kind: "killed", by: by ?? "SIGKILL", ...texts } : { kind: "exited", code, ...texts };
  } finally {
    clearTimeout(late);
    clearTimeout(leftovers);
    signal.removeEventListener("abort", onAbort);
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of it is left.
  }
}

function collect(
  child: ReturnType<typeof spawn> & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream },
  { stdoutBytesMax, stderrBytesMax }: ChildOptions,
) {
  const out: Buffer[] = [];
  let outBytes = 0;
  let errors: Buffer = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    outBytes += chunk.length;
    if (outBytes <= stdoutBytesMax) out.push(chunk);
    else killGroup(child);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    const all = Buffer.concat([errors, chunk]);
    errors = all.subarray(Math.max(0, all.length - stderrBytesMax));
  });
  return {
    stdout: () => Buffer.concat(out).toString("utf8"),
    stderr: () => errors.toString("utf8"),
    isFlooded: () => outBytes > stdoutBytesMax,
  };
}
