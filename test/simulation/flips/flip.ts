import type { Node, SourceFile } from "typescript/unstable/ast";
import { SyntaxKind } from "typescript/unstable/ast";
import {
  isBinaryExpression,
  isConditionalExpression,
  isIfStatement,
  isPrefixUnaryExpression,
} from "typescript/unstable/ast/is";

/** One comparison, or one condition, turned the other way: what a slip of the pen would make of it. */
export interface Flip {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Says which one is meant, also when the lines around it have moved: unique within the sources. */
  readonly key: string;
  /** What of the file's text goes, and what comes in its place. */
  readonly start: number;
  readonly end: number;
  readonly to: string;
}

/** Off by one, and the other way round. */
const turned: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "&&": ["||"],
  "||": ["&&"],
};
const shownMax = 48;

export function flipsOf(source: SourceFile, file: string): readonly Flip[] {
  const { text } = source;
  const flips: Flip[] = [];
  const seen = new Map<string, number>();
  const startOf = (node: Node): number => node.getStart(source);
  const textOf = (node: Node): string => text.slice(startOf(node), node.end).replaceAll(/\s+/g, " ");
  const add = (start: number, end: number, shown: string, to: string): void => {
    const key = `${file}: ${shown}`;
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    const line = text.slice(0, start).split("\n").length;
    flips.push({ file, line, key: nth === 1 ? key : `${key}, number ${nth}`, start, end, to });
  };
  /** A condition that is no comparison itself. */
  const negate = (condition: Node): void => {
    if (isBinaryExpression(condition) || isNegation(condition)) return;
    const start = startOf(condition);
    add(start, condition.end, `${short(textOf(condition))}: not so`, `!(${text.slice(start, condition.end)})`);
  };
  const visit = (node: Node): void => {
    if (isBinaryExpression(node)) {
      const { left, operatorToken, right } = node;
      const from = textOf(operatorToken);
      const shown = `${textOf(left).slice(-shownMax)} ${from} ${textOf(right).slice(0, shownMax)}`;
      for (const to of turned[from] ?? []) add(startOf(operatorToken), operatorToken.end, `${shown}: ${to}`, to);
    } else if (isNegation(node)) {
      const start = startOf(node);
      add(start, start + 1, `${short(textOf(node))}: no negation`, "");
    } else if (isIfStatement(node)) negate(node.expression);
    else if (isConditionalExpression(node)) negate(node.condition);
    node.forEachChild(visit);
  };
  visit(source);
  return flips;
}

export function applyFlip(text: string, { start, end, to }: Flip): string {
  return `${text.slice(0, start)}${to}${text.slice(end)}`;
}

function isNegation(node: Node): boolean {
  return isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken;
}

function short(text: string): string {
  return text.length <= 2 * shownMax ? text : `${text.slice(0, 2 * shownMax)}...`;
}
