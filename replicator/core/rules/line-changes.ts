/** Most bytes that are shown line by line. */
const linesBytesMax = 65_536;

/** A run of lines that differ; `line` is the first one's number before the change, from 1. */
export interface LineChange {
  readonly line: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** undefined when one side is no text, or too long. Edits change lines in place, so lines are compared one by one. */
export function lineChanges(before: Uint8Array, after: Uint8Array): LineChange[] | undefined {
  const left = linesOf(before);
  const right = linesOf(after);
  if (left === undefined || right === undefined) return undefined;
  if (left.length === right.length) {
    return left.flatMap((line, index) => {
      const other = right[index] ?? "";
      return line === other ? [] : [{ line: index + 1, before: [line], after: [other] }];
    });
  }
  let same = 0;
  while (same < Math.min(left.length, right.length) && left[same] === right[same]) same++;
  let tail = 0;
  while (tail < Math.min(left.length, right.length) - same && left.at(-1 - tail) === right.at(-1 - tail)) tail++;
  return [
    { line: same + 1, before: left.slice(same, left.length - tail), after: right.slice(same, right.length - tail) },
  ];
}

function linesOf(bytes: Uint8Array): string[] | undefined {
  if (bytes.length > linesBytesMax) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // Control characters other than tab and line ends: bytes that only look like text.
    return /[^\t\n\r -\uffff]/.test(text) ? undefined : text.split(/\r\n|\r|\n/);
  } catch {
    return undefined;
  }
}
