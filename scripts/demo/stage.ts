import { createPaint } from "#lib/terminal.ts";

/** A reader's time for a scene. Nobody reads along where the output is no terminal. */
const readingMs = 1_500;
const widthMax = 110;
const clearLine = "\r\x1b[K";

/** Where the story is told: plain text; colours, progress and pauses only for a person at a terminal. */
export interface Stage {
  /** How long to leave a scene before the next one, ms. */
  readonly pauseMs: number;
  scene(title: string): void;
  /** Sentences, wrapped. */
  say(text: string): void;
  /** Lines as they are, indented. */
  show(text: string): void;
  /** Two texts beside each other; lines that differ are marked. */
  sideBySide(left: Column, right: Column): void;
  /** A line that stays until something else is said. */
  progress(text: string): void;
  problem(text: string): void;
}

interface Column {
  readonly title: string;
  readonly text: string;
}

export function createStage(out: NodeJS.WriteStream, options: { colour: boolean }): Stage {
  const paint = createPaint(options.colour);
  const live = out.isTTY === true;
  const width = Math.min(widthMax, live ? out.columns : widthMax);
  const lines = (texts: readonly string[], indent: number): void => {
    const clear = live ? clearLine : "";
    for (const text of texts) out.write(`${clear}${`${" ".repeat(indent)}${text}`.trimEnd()}\n`);
  };
  let scenes = 0;

  return {
    pauseMs: live ? readingMs : 0,
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
    progress(text) {
      if (live) out.write(`${clearLine}   ${paint.dim(text)}`);
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
