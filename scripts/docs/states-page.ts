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
}

/** docs/states.md: each transition table as a picture and as a table. */
export function statesPage(machines: readonly StateMachine[]): string {
  return ["# States", "", ...machines.flatMap(machineSection)].join("\n");
}

function machineSection({ title, source, transitions }: StateMachine): string[] {
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
