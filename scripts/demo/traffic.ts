import type { Paint } from "#lib/terminal.ts";

/** Where messages go over time: a line for each second, a character for each message. */

export interface Client {
  /** Over its column. */
  readonly title: string;
  /** Broker set of each message from this one on, in order; "" for one that failed. */
  sentTo(after: number): readonly string[];
}

/** How messages to a broker set are drawn. */
export interface Mark {
  readonly set: string;
  readonly sign: string;
  readonly tone: keyof Pick<Paint, "green" | "yellow">;
}

/** What a client's messages came to. */
interface Tally {
  readonly title: string;
  /** By broker set. */
  readonly sent: ReadonlyMap<string, number>;
  readonly failed: number;
  /** The longest time without an acknowledged message. */
  readonly gapMs: number;
}

export interface Traffic {
  /** Looks at what has been sent by now. Often: gaps are no finer than this. */
  look(nowMs: number): void;
  /** What was sent since the last line, in columns. */
  line(nowMs: number): string;
  header(): string;
  tallies(): readonly Tally[];
}

const failedSign = "x";
const timeWidth = 6;
/** A second's messages have room; of more than these the rest is left out. */
const columnWidth = 26;

export function createTraffic(
  clients: readonly Client[],
  marks: readonly Mark[],
  paint: Paint,
  startMs: number,
): Traffic {
  const followed = clients.map((client) => ({
    client,
    seen: 0,
    drawn: 0,
    all: [] as string[],
    sent: new Map<string, number>(),
    failed: 0,
    lastMs: startMs,
    gapMs: 0,
  }));

  function draw(sets: readonly string[]): string {
    const shown = sets.slice(0, columnWidth - 2);
    const text = shown.map((set) => signOf(set)).join("");
    return text + " ".repeat(columnWidth - shown.length);
  }

  function signOf(set: string): string {
    if (set === "") return paint.red(failedSign);
    const mark = marks.find((one) => one.set === set);
    return mark === undefined ? "?" : paint[mark.tone](mark.sign);
  }

  return {
    look(nowMs) {
      for (const one of followed) {
        const fresh = one.client.sentTo(one.seen);
        one.seen += fresh.length;
        one.all.push(...fresh);
        for (const set of fresh) {
          if (set === "") one.failed += 1;
          else one.sent.set(set, (one.sent.get(set) ?? 0) + 1);
        }
        if (!fresh.some((set) => set !== "")) continue;
        one.gapMs = Math.max(one.gapMs, nowMs - one.lastMs);
        one.lastMs = nowMs;
      }
    },
    line(nowMs) {
      const columns = followed.map((one) => {
        const fresh = one.all.slice(one.drawn);
        one.drawn = one.all.length;
        return draw(fresh);
      });
      const seconds = `${Math.round((nowMs - startMs) / 1_000)} s`.padStart(timeWidth);
      return `${seconds}  ${columns.join("  ")}`.trimEnd();
    },
    header() {
      const titles = followed.map(({ client }) => client.title.padEnd(columnWidth)).join("  ");
      const legend = [...marks.map(({ set }) => `${signOf(set)} ${set}`), `${signOf("")} failed`].join("   ");
      return `${" ".repeat(timeWidth)}  ${legend}\n${" ".repeat(timeWidth)}  ${paint.bold(titles.trimEnd())}`;
    },
    tallies: () => followed.map(({ client: { title }, sent, failed, gapMs }) => ({ title, sent, failed, gapMs })),
  };
}
