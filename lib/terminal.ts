/** Colours where a person looks, nothing where a program reads. */
export interface Paint {
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

/** @param colour true only on a TTY whose user has not set NO_COLOR */
export function createPaint(colour: boolean): Paint {
  const code = (open: number, close: number) => (text: string) =>
    colour ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return { green: code(32, 39), red: code(31, 39), yellow: code(33, 39), bold: code(1, 22), dim: code(2, 22) };
}
