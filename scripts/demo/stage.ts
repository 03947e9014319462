import { formatMs } from "#lib/table.ts";
import { createPaint, type Paint } from "#lib/terminal.ts";

/** A reader's time for a scene. Nobody reads along where the output is no terminal. */
const readingMs = 1_500;
const widthMax = 110;
/** How often a long wait is told of: in one line at a terminal, in a line each elsewhere. */
const liveEveryMs = 200;
const plainEveryMs = 4_000;
const clearLine = "\r\x1b[K";

/** Where the story is told: plain text; colours, progress and pauses only for a person at a terminal. */
export interface Stage {
  /** How long to leave a scene before the next one, ms. */
  readonly pauseMs: number;
  readonly paint: Paint;
  scene(title: string): void;
  /** Sentences, wrapped. */
  say(text: string): void;
  /** Lines as they are, indented. */
  show(text: string): void;
  /** Two texts beside each other; lines that differ are marked. */
  sideBySide(left: Column, right: Column): void;
  /** A line that stays until something else is said. */
  progress(text: string): void;
  /** Tells again and again, also where there is no terminal, what is waited for, and how long already. */
  wait<T>(text: () => string, work: Promise<T>): Promise<T>;
  problem(text: string): void;
}

/** A terminal, or what stands in its place. */
interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

interface Column {
  readonly title: string;
  readonly text: string;
}

/** @param options.signal waits are told of no more when it is aborted */
export function createStage(out: Output, options: { colour: boolean; signal: AbortSignal }): Stage {
  const paint = createPaint(options.colour);
  const live = out.isTTY === true;
  const width = Math.min(widthMax, live ? (out.columns ?? widthMax) : widthMax);
  const lines = (texts: readonly string[], indent: number): void => {
    const clear = live ? clearLine : "";
    for (const text of texts) out.write(`${clear}${`${" ".repeat(indent)}${text}`.trimEnd()}\n`);
  };
  let scenes = 0;
  const progress = (text: string): void => {
    if (live) out.write(`${clearLine}   ${paint.dim(text.slice(0, width - 4))}`);
  };

  return {
    pauseMs: live ? readingMs : 0,
    paint,
    scene(title) {
      scenes += 1;
      lines(["", paint.bold(`${scenes}. ${title}`)], 0);
    },
    say: (text) => lines(wrap(text, width - 3), 3),
    show: (text) => lines(text.trimEnd().split("\n"), 5),
    sideBySide(left, right) {
      const rows = [left, right].map(({ text }) => text.trimEnd().split("\n"));
      const [before = [], after = []] = rows;
      const leftWidth = Math.max(...[left.title, ...before].map((text) => text.length)) + 4;
      const body = before.map((text, index) => {
        const other = after[index] ?? "";
        return text.padEnd(leftWidth) + (text === other ? paint.dim(other) : paint.green(other));
      });
      lines([paint.bold(left.title.padEnd(leftWidth) + right.title), ...body, ""], 5);
    },
    progress,
    async wait(text, work) {
      const startedAt = performance.now();
      const told = (): string => `… ${text()}, ${formatMs(performance.now() - startedAt)}`;
      const tell = live ? () => progress(told()) : () => lines([told()], 3);
      const timer = setInterval(tell, live ? liveEveryMs : plainEveryMs);
      const stop = (): void => clearInterval(timer);
      options.signal.addEventListener("abort", stop);
      try {
        return await work;
      } finally {
        stop();
        options.signal.removeEventListener("abort", stop);
      }
    },
    problem: (text) => lines(text.split("\n").map(paint.red), 0),
  };
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(" ")) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === "" ? word : `${current} ${word}`;
  }
  return [...lines, current];
}
