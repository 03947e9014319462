import type { ExecCluster } from "#config/arbiter-exec.ts";
import { type ChildEnd, runChild } from "#lib/child.ts";
import { OperatorError } from "#lib/errors.ts";
import { createLanes, type Lanes } from "#lib/lanes.ts";
import type { CallOptions } from "#lib/remoting/connections.ts";

/** What an exit code says. Any other, a signal, and output that is none say that the script failed. */
const scriptCodes = {
  /** It is so: it is there; it was promoted; it is fenced; it follows. */
  yes: 0,
  /** It is not so: it is gone, as its own machine says; it was not done. */
  no: 10,
  /** Nothing came back from the member. */
  silent: 11,
  /** The member knows of an epoch above the given one: nothing was changed. */
  stale: 12,
} as const;

export type ScriptName = "probe" | "offsets" | "promote" | "fence" | "follow";

/** What a script reads: one JSON object on its standard input. */
export interface ScriptInput {
  readonly cluster: string;
  readonly set: string;
  readonly member: { readonly id: number; readonly address: string };
  readonly members: readonly { readonly id: number; readonly address: string }[];
  /** Of promote, fence and follow. */
  readonly epoch?: number;
  readonly master?: { readonly id: number; readonly address: string } | null;
}

export interface ScriptAnswer {
  readonly kind: keyof typeof scriptCodes | "late";
  /** What it wrote on standard output, as JSON; {} for nothing. */
  readonly output: Readonly<Record<string, unknown>>;
  /** For people and for the record: what came of it, and the end of its standard error. */
  readonly detail: string;
}

export interface Scripts {
  readonly has: (name: ScriptName) => boolean;
  /**
   * Runs it once: timeoutMs at most until its turn, and as long again.
   * @throws {OperatorError} ARB_EXEC_FAILED: it says nothing of the member; ARB_EXEC_BUSY: it did not get to run in its time
   * @throws the signal's reason
   */
  run(name: ScriptName, input: ScriptInput, options: CallOptions): Promise<ScriptAnswer>;
}

/** Of all clusters together, so that TasksMax of deploy/systemd/crossidc-arbiter.service bears them; a test holds the two together. */
export const scriptsAtOnceMax = { reads: 64, changes: 32 } as const;
/** Processes of one of them, itself included: a shell, and a pipe of three. */
export const tasksPerScript = 4;

/** Whoever waits for his turn does so in order, for as long as his script may take. */
export interface ScriptTurns {
  readonly max: { readonly reads: number; readonly changes: number };
  // Whoever is asked for much must not hold up what is to be changed.
  readonly reads: Lanes;
  readonly changes: Lanes;
}

export function createScriptTurns(max: ScriptTurns["max"] = scriptsAtOnceMax): ScriptTurns {
  return { max, reads: createLanes(max.reads), changes: createLanes(max.changes) };
}

/** Of standard error, the end. */
const stderrBytesMax = 2_048;
/** Of that, in a detail. */
const detailCharsMax = 300;

export function createScripts({ name: cluster, scripts, outputBytesMax }: ExecCluster, turns: ScriptTurns): Scripts {
  return {
    has: (name) => scripts[name] !== undefined,
    async run(name, input, { timeoutMs, signal }) {
      const argv = scripts[name];
      if (argv === undefined) throw failed(cluster, name, "the config names none");
      // The wait for a turn says nothing of the member, so it takes nothing from the time that its script has.
      const due = AbortSignal.timeout(Math.ceil(timeoutMs));
      const text = JSON.stringify({ schema: 1, script: name, ...input });
      const limits = { stdoutBytesMax: outputBytesMax, stderrBytesMax };
      try {
        const end = await turns[turnOf(name)].run(
          () => runChild({ argv, input: text, ...limits, timeoutMs, signal }),
          AbortSignal.any([signal, due]),
        );
        return answerOf(cluster, name, end, timeoutMs);
      } catch (error) {
        signal.throwIfAborted();
        if (error === due.reason) throw busy(cluster, name, timeoutMs, turns.max[turnOf(name)]);
        throw error;
      }
    },
  };
}

function turnOf(name: ScriptName): "reads" | "changes" {
  return name === "probe" || name === "offsets" ? "reads" : "changes";
}

function answerOf(cluster: string, name: ScriptName, end: ChildEnd, timeoutMs: number): ScriptAnswer {
  const said = lastWords(end.stderr);
  switch (end.kind) {
    case "late":
      return { kind: "late", output: {}, detail: `${name} was killed after ${Math.round(timeoutMs)} ms${said}` };
    case "flooded":
      throw failed(cluster, name, `it wrote more than outputBytesMax on standard output${said}`);
    case "unstartable":
      throw failed(cluster, name, end.detail);
    case "killed":
      throw failed(cluster, name, `it was killed by ${end.by}${said}`);
    case "exited": {
      const kind = kinds.find((each) => scriptCodes[each] === end.code);
      if (kind === undefined) throw failed(cluster, name, `it ended with ${end.code}${said}`);
      return { kind, output: outputOf(cluster, name, end.stdout), detail: `${name} said ${words[kind]}${said}` };
    }
  }
}

const kinds = Object.keys(scriptCodes) as (keyof typeof scriptCodes)[];
const words: Readonly<Record<keyof typeof scriptCodes, string>> = {
  yes: "yes",
  no: "no",
  silent: "that nothing came back",
  stale: "that the member knows of a higher epoch",
};

function outputOf(cluster: string, name: ScriptName, text: string): ScriptAnswer["output"] {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as ScriptAnswer["output"];
  } catch {
    // Told below, with what it was.
  }
  throw failed(cluster, name, `what it wrote is no JSON object: ${JSON.stringify(text.slice(0, 80))}`);
}

function lastWords(stderr: string): string {
  const line = stderr
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .slice(-detailCharsMax);
  return line === "" ? "" : `: ${line}`;
}

function failed(cluster: string, name: ScriptName, why: string): OperatorError {
  return new OperatorError("ARB_EXEC_FAILED", `Script ${name} of cluster ${cluster} failed: ${why}`, {
    hint: "Run it by hand with the same input; docs/operations.md, Anything else by script, has the exit codes",
  });
}

function busy(cluster: string, name: ScriptName, timeoutMs: number, others: number): OperatorError {
  return new OperatorError(
    "ARB_EXEC_BUSY",
    `Script ${name} of cluster ${cluster} did not get to run in ${timeoutMs} ms: ${others} others were running`,
    { hint: "Make the scripts faster, or ask less often: probeEveryMs" },
  );
}
