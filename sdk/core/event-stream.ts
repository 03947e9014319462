/** Server-sent events, as they come in over any cuts. https://html.spec.whatwg.org/multipage/server-sent-events.html */

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

export interface EventStream {
  /** What has not ended in an empty line yet. */
  readonly rest: string;
}

export const emptyStream: EventStream = { rest: "" };

/** @returns undefined when an event is larger than `charactersMax` */
export function readEvents(
  { rest }: EventStream,
  text: string,
  charactersMax: number,
): { readonly stream: EventStream; readonly events: readonly ServerEvent[] } | undefined {
  // A "\r" at the end may be half of a line's end: it waits for the other half.
  const all = rest + text;
  const held = all.endsWith("\r") ? "\r" : "";
  const lines = all
    .slice(0, all.length - held.length)
    .replaceAll("\r\n", "\n")
    .replaceAll("\r", "\n");
  const parts = lines.split("\n\n");
  const last = parts.pop() ?? "";
  if (last.length > charactersMax || parts.some((part) => part.length > charactersMax)) return undefined;
  const events = parts.flatMap((part): ServerEvent[] => {
    const fields = part.split("\n").map(readField);
    const data = fields.filter(({ name }) => name === "data").map(({ value }) => value);
    const name = fields.findLast((field) => field.name === "event")?.value ?? "message";
    return data.length === 0 ? [] : [{ name, data: data.join("\n") }];
  });
  return { stream: { rest: last + held }, events };
}

function readField(line: string): { name: string; value: string } {
  const colon = line.indexOf(":");
  if (colon < 0) return { name: line, value: "" };
  const value = line.slice(colon + 1);
  return { name: line.slice(0, colon), value: value.startsWith(" ") ? value.slice(1) : value };
}
