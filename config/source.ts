import { type ConfigPath, type Fault, formatPath, type Location, type Problem, quoted, shortened } from "./problems.ts";
import { type Schema, schemaAt } from "./schema.ts";
import type { YamlChild, YamlFault, YamlNode } from "./yaml.ts";

/** Which of the two a problem points at. */
export type Anchor = "key" | "value";

/** Finds paths of a checked config in the file it came from. */
export interface Source {
  /** Where the value (or its key) stands; for a path that the file leaves out, where its nearest parent begins. */
  locate(path: ConfigPath, anchor?: Anchor): Location;
  problem(fault: Fault, anchor?: Anchor): Problem;
  yamlProblem(fault: YamlFault): Problem;
}

export function createSource(options: {
  file: string;
  text: string;
  root: YamlNode | undefined;
  schema: Schema;
}): Source {
  const { file, text, root, schema } = options;
  const lineStarts = findLineStarts(text);

  const at = (offset: number): Location => {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    return { file, line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 };
  };
  const locate = (path: ConfigPath, anchor: Anchor = "value"): Location => {
    const { child, depth } = descend(root, path);
    return at(anchor === "key" && depth === path.length ? child.keyOffset : child.node.offset);
  };
  return {
    locate,
    problem: (fault, anchor) => ({
      ...locate(fault.path, anchor),
      path: formatPath(fault.path),
      value: anchor === "key" ? undefined : shownValue(root, fault.path, schema),
      message: fault.message,
      remedy: fault.remedy,
    }),
    yamlProblem: ({ offset, path, message, remedy }) => ({
      ...at(offset),
      path: formatPath(path),
      value: undefined,
      message,
      remedy,
    }),
  };
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  return starts;
}

const nothing: YamlNode = { value: undefined, offset: 0, source: undefined, size: 0, children: new Map() };

/** As far along the path as the file goes. */
function descend(root: YamlNode | undefined, path: ConfigPath): { child: YamlChild; depth: number } {
  let child: YamlChild = { keyOffset: root?.offset ?? 0, node: root ?? nothing };
  for (const [depth, segment] of path.entries()) {
    const next = child.node.children.get(segment);
    if (next === undefined) return { child, depth };
    child = next;
  }
  return { child, depth: path.length };
}

function shownValue(root: YamlNode | undefined, path: ConfigPath, schema: Schema): string | undefined {
  const { child, depth } = descend(root, path);
  if (root === undefined || depth < path.length) return undefined;
  const { value, source } = child.node;
  if (typeof value === "object") return undefined;
  if (schemaAt(schema, path)?.secret === true) return "***";
  return typeof value === "string" ? quoted(value) : shortened(source ?? String(value));
}
