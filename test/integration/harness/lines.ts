import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { projectFolder } from "./project.ts";

/** Older lines leave memory; the log file keeps them. */
const linesKeptMax = 20_000;
const tailLines = 40;

export type Source = "stdout" | "stderr";

/** What a process has written, line by line. */
export interface Lines {
  /** The file under .cache/test-logs that holds all of it. */
  readonly file: string;
  /** Lines written so far: a mark for {@link Lines.find}. */
  readonly count: number;
  /** Everything kept of one source, or of both in order of arrival. */
  text(source?: Source): string;
  /** The last lines, for an error message. */
  tail(): string;
  /** The first line at or after the mark that matches. */
  find(pattern: RegExp, after: number): RegExpExecArray | undefined;
  /** Calls back at every new line until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

/** Keeps the last lines in memory and all of them in a file, which stays for whoever looks into a failed test. */
export function collectLines(name: string, sources: Record<Source, Readable>): Lines {
  const folder = join(projectFolder, ".cache/test-logs");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(":", "")}-${name}.log`);
  const copy = createWriteStream(file, { flags: "a" });
  // A full disk must not fail the test in place of what it tests.
  copy.on("error", () => {});

  const kept: { readonly source: Source; readonly text: string }[] = [];
  const listeners = new Set<() => void>();
  let dropped = 0;

  const add = (source: Source, text: string) => {
    kept.push({ source, text });
    if (kept.length > linesKeptMax) {
      kept.shift();
      dropped += 1;
    }
    copy.write(`${text}\n`);
    for (const listener of listeners) listener();
  };
  const ended = [follow(sources.stdout, "stdout", add), follow(sources.stderr, "stderr", add)];
  void Promise.all(ended).then(() => copy.end());

  return {
    file,
    get count() {
      return dropped + kept.length;
    },
    text: (source) =>
      kept
        .filter((line) => source === undefined || line.source === source)
        .map((line) => `${line.text}\n`)
        .join(""),
    tail: () =>
      kept
        .slice(-tailLines)
        .map((line) => `    ${line.text}`)
        .join("\n"),
    find: (pattern, after) => {
      for (const line of kept.slice(Math.max(0, after - dropped))) {
        pattern.lastIndex = 0;
        const match = pattern.exec(line.text);
        if (match !== null) return match;
      }
      return undefined;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Resolves at the end of the stream, once its last line, ended or not, has been added. */
function follow(stream: Readable, source: Source, add: (source: Source, text: string) => void): Promise<void> {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) add(source, line);
  });
  return new Promise((resolve) => {
    stream.once("close", () => {
      if (rest !== "") add(source, rest);
      resolve();
    });
  });
}
