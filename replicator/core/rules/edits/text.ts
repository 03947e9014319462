import { type CompiledEdit, decodeUtf8, type EditOutcome, encodeUtf8, type Rewrite, rewriteText } from "./value.ts";

/** Longest text that a regular expression is run over: what a slow one costs grows with the square of it. */
export const textBytesMax = 16_384;

/** Edits of text: group 1 of each match of a regular expression is rewritten. ^ and $ are the ends of lines. */
export function compileTextEdit(rewrites: readonly Rewrite[]): CompiledEdit {
  const steps: { rewrite: Rewrite; expression: RegExp }[] = [];
  for (const [index, rewrite] of rewrites.entries()) {
    const expression = compileExpression(rewrite.at);
    if (!(expression instanceof RegExp)) return { at: index, ...expression };
    steps.push({ rewrite, expression });
  }
  return {
    edit: (data) => {
      if (data.length > textBytesMax) {
        return { kind: "bad", message: `${data.length} bytes, text edits go up to ${textBytesMax}` };
      }
      const text = decodeUtf8(data);
      return text === undefined ? { kind: "bad", message: "not valid UTF-8" } : editText(text, steps);
    },
  };
}

function editText(text: string, steps: readonly { rewrite: Rewrite; expression: RegExp }[]): EditOutcome {
  let current = text;
  for (const { rewrite, expression } of steps) {
    let edited = "";
    let done = 0;
    for (const match of current.matchAll(expression)) {
      const [start, end] = match.indices?.[1] ?? [];
      // A lookahead may capture beyond its match, so groups may overlap: the first one wins.
      if (start === undefined || end === undefined || start < done) continue;
      const value = current.slice(start, end);
      const written = value === "" && rewrite.kind === "map" ? "" : rewriteText(rewrite, value);
      if (typeof written !== "string") return written;
      edited += current.slice(done, start) + written;
      done = end;
    }
    current = edited + current.slice(done);
  }
  // Valid UTF-8 comes back byte for byte, so what no edit touched is what it was.
  return current === text ? { kind: "same" } : { kind: "edited", data: encodeUtf8(current) };
}

function compileExpression(source: string): RegExp | { message: string; remedy: string } {
  let expression: RegExp;
  let groups: number;
  try {
    expression = new RegExp(source, "dgmu");
    groups = (new RegExp(`${source}|`, "u").exec("")?.length ?? 0) - 1;
  } catch (error) {
    return {
      message: `${JSON.stringify(source)} is no regular expression: ${error instanceof Error ? error.message : "refused"}`,
      remedy: "write a JavaScript expression (flags m and u): only special characters may follow a backslash",
    };
  }
  if (groups !== 1) {
    return {
      message: `${JSON.stringify(source)} has ${groups} capture groups`,
      remedy: "put exactly the value into ( ), and write other groups as (?: )",
    };
  }
  if (repeatsRepetition(source)) {
    return {
      message: `${JSON.stringify(source)} repeats a group that holds a repetition or a choice, which may take for ever`,
      remedy: "repeat single characters or classes only, as in [^;]+",
    };
  }
  return expression;
}

/** Whether an unbounded repetition applies to a group with an unbounded repetition or a choice in it. */
function repeatsRepetition(source: string): boolean {
  const plain = source.replace(/\\[\s\S]/gu, "x").replace(/\[[^\]]*\]/gu, "x");
  const open: boolean[] = [false];
  for (let at = 0; at < plain.length; at++) {
    const risky = open.at(-1) ?? false;
    if (plain[at] === "(") open.push(false);
    else if (plain[at] === ")") {
      open.pop();
      if (risky && repeatsAt(plain, at + 1)) return true;
      open[open.length - 1] = risky || (open.at(-1) ?? false);
    } else if (plain[at] === "|" || repeatsAt(plain, at)) open[open.length - 1] = true;
  }
  return false;
}

function repeatsAt(source: string, at: number): boolean {
  return /^(?:[*+]|\{\d+,\d*\})/.test(source.slice(at));
}
