import type { LinkCommand, LinkEvent } from "../../replicator/core/link-events.ts";

/** The last things that happened, as text only when it is asked for. */
export interface Trace {
  add(at: number, who: string, what: LinkEvent | LinkCommand | { readonly kind: string; readonly path?: string }): void;
  /** Of everything ever added. */
  readonly count: number;
  lines(): readonly string[];
}

const linesMax = 120;

export function createTrace(): Trace {
  const entries: { at: number; who: string; what: object }[] = [];
  let count = 0;
  return {
    add(at, who, what) {
      entries[count % linesMax] = { at, who, what };
      count += 1;
    },
    get count() {
      return count;
    },
    lines() {
      const first = count % linesMax;
      return [...entries.slice(first), ...entries.slice(0, first)].map(
        ({ at, who, what }) => `${at} ${who}: ${textOf(what)}`,
      );
    },
  };
}

/** One line for a person to read; equal values give equal text. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (key, member: unknown) => {
    if (key === "acl" || key === "pzxid" || key === "ctime" || key === "mtime") return undefined;
    if (typeof member === "bigint") return Number(member);
    return member instanceof Uint8Array ? new TextDecoder().decode(member) : member;
  });
}
