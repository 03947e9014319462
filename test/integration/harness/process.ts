import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { collectLines, type Source } from "./lines.ts";
import { projectFolder } from "./project.ts";

/** Of Debian's util-linux, which every installation has. */
const setpriv = "setpriv";
/** Longest wait for a process to be gone after a signal that ends it. */
const exitMsMax = 15_000;
const stopMsMax = 5_000;

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  /** In the log file's name and in errors; the command's last path segment by default. */
  readonly name?: string;
  /** The checkout by default. */
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to standard input, which is then closed. Without it standard input is empty. */
  readonly stdin?: string;
}

export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  readonly running: boolean;
  /** Resolves, never rejects, when the process is gone and its output has been read to the end. */
  readonly exit: Promise<Exit>;
  /** All output kept so far: of one source, or of both in order of arrival. */
  output(source?: Source): string;
  /** The last lines and the log file's path, for an error message. */
  log(): string;
  /** Lines written so far. Pass it as `after` to wait for a line that is yet to come. */
  readonly lineCount: number;
  /**
   * The first line, of either source, that matches; those already written count from `after` on (default: all).
   * @throws when the time is over or the process ends without such a line; with the end of its output.
   */
  waitForLine(pattern: RegExp, options: { timeoutMs: number; after?: number }): Promise<RegExpExecArray>;
  /** Sends a signal and goes on: SIGCONT, SIGHUP. */
  signal(name: NodeJS.Signals): void;
  /** A peer that is half open: SIGSTOP, in force at return. The kernel still accepts connections for it. SIGCONT ends it. */
  stop(): void;
  /** Sends a signal that ends the process and waits until it is gone. SIGKILL by default. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

/**
 * Starts a child whose life is tied to this process: when this process dies, however it dies, the kernel kills the child.
 * The tie (PR_SET_PDEATHSIG) is to the thread that started it, so a child started in a worker thread ends with that thread;
 * vitest runs test files in processes of their own. It is not inherited by the child's own children.
 */
export function startProcess(command: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
  const name = options.name ?? command.split("/").at(-1) ?? command;
  const child = spawn(setpriv, ["--pdeathsig", "KILL", "--", command, ...args], {
    cwd: options.cwd ?? projectFolder,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) {
    child.on("error", () => {});
    throw new Error(`Cannot start ${name}: setpriv (Debian package util-linux) is not in PATH`);
  }
  // EPIPE: the child may end without reading its input.
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  const lines = collectLines(`${name}-${pid}`, { stdout: child.stdout, stderr: child.stderr });

  let running = true;
  child.once("exit", () => {
    running = false;
  });
  const exit = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const log = () => `Last lines of ${name} (all of them in ${lines.file}):\n${lines.tail()}`;

  const self: RunningProcess = {
    pid,
    get running() {
      return running;
    },
    exit,
    output: (source) => lines.text(source),
    log,
    get lineCount() {
      return lines.count;
    },
    async waitForLine(pattern, { timeoutMs, after = 0 }) {
      const found = Promise.withResolvers<RegExpExecArray>();
      let seen = after;
      const look = () => {
        const match = lines.find(pattern, seen);
        seen = Math.max(seen, lines.count);
        if (match !== undefined) found.resolve(match);
      };
      const unsubscribe = lines.subscribe(look);
      look();
      const ended = exit.then((how) => {
        throw new Error(`${name} ended (${describe(how)}) without a line like ${pattern}. ${log()}`);
      });
      const match = await within(timeoutMs, Promise.race([found.promise, ended])).finally(unsubscribe);
      if (match === undefined) throw new Error(`${name} wrote no line like ${pattern} in ${timeoutMs} ms. ${log()}`);
      return match;
    },
    signal(signalName) {
      child.kill(signalName);
    },
    stop() {
      child.kill("SIGSTOP");
      untilStopped(pid);
    },
    async kill(signalName = "SIGKILL") {
      if (running) child.kill(signalName);
      const how = await within(exitMsMax, exit);
      if (how !== undefined) return how;
      child.kill("SIGKILL");
      throw new Error(`${name} was still there ${exitMsMax} ms after ${signalName}, so it was killed. ${log()}`);
    },
    async [Symbol.asyncDispose]() {
      await self.kill("SIGKILL");
    },
  };
  return self;
}

/** The kernel stops one thread after the other; the last ones may still answer. Blocks for the few ms that this takes. */
function untilStopped(pid: number): void {
  const isStopped = (thread: string) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  };
  const startedAt = performance.now();
  while (!readdirSync(`/proc/${pid}/task`).every(isStopped)) {
    if (performance.now() - startedAt > stopMsMax) {
      throw new Error(`process ${pid} still runs ${stopMsMax} ms after SIGSTOP`);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** Runs a command to its end. It is killed, and the call throws, when it takes longer than `timeoutMs`. */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions & { timeoutMs: number },
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  await using child = startProcess(command, args, options);
  const how = await within(options.timeoutMs, child.exit);
  if (how === undefined) {
    throw new Error(`${[command, ...args].join(" ")} had not ended after ${options.timeoutMs} ms. ${child.log()}`);
  }
  return { code: how.code, stdout: child.output("stdout"), stderr: child.output("stderr") };
}

/** What the promise gives, or undefined when it gives nothing in time. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, delay(ms, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}

function describe(how: Exit): string {
  return how.signal === null ? `code ${how.code}` : how.signal;
}
