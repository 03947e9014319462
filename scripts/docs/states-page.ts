import { cell, row } from "./markdown.ts";

interface TransitionDoc {
  readonly from: string;
  readonly on: string;
  readonly to: string;
  readonly why: string;
}

export interface StateMachine {
  readonly title: string;
  /** The code that the page is made from. */
  readonly source: string;
  readonly transitions: readonly TransitionDoc[];
  /** Why a trigger moves nothing in a phase that has no row for it. */
  readonly stays?: Readonly<Record<string, string>>;
}

/** docs/states.md: each transition table as a picture and as a table. */
export function statesPage(machines: readonly StateMachine[]): string {
  return ["# States", "", ...machines.flatMap(machineSection)].join("\n");
}

function machineSection({ title, source, transitions, stays = {} }: StateMachine): string[] {
  return [
    `## ${title}`,
    "",
    `From [${source}](../${source}); log lines and \`idcctl\` use the same words.`,
    "",
    "```mermaid",
    "stateDiagram-v2",
    ...initialStates(transitions).map((state) => `  [*] --> ${state}`),
    ...transitions.map(({ from, on, to }) => `  ${from} --> ${to}: ${on}`),
    ...finalStates(transitions).map((state) => `  ${state} --> [*]`),
    "```",
    "",
    row("from", "on", "to", "why"),
    row("---", "---", "---", "---"),
    ...transitions.map(({ from, on, to, why }) => row(`\`${from}\``, `\`${on}\``, `\`${to}\``, cell(why))),
    "",
    ...staying(Object.entries(stays)),
  ];
}

function staying(triggers: readonly (readonly [string, string])[]): string[] {
  if (triggers.length === 0) return [];
  return [
    "Where a phase has no row for a trigger, it stays:",
    "",
    row("on", "why"),
    row("---", "---"),
    ...triggers.map(([on, why]) => row(`\`${on}\``, cell(why))),
    "",
  ];
}

/** The first row's state: tables are written in the order of life. */
function initialStates(transitions: readonly TransitionDoc[]): string[] {
  return transitions.slice(0, 1).map(({ from }) => from);
}

function finalStates(transitions: readonly TransitionDoc[]): string[] {
  const left = new Set(transitions.map(({ from }) => from));
  return [...new Set(transitions.map(({ to }) => to))].filter((state) => !left.has(state));
}
