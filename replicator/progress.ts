import type { Clock } from "#lib/clock.ts";
import { formatCount } from "#lib/table.ts";
import type { LinkProgress } from "./core/link-events.ts";

const redrawEveryMs = 100;

/** One line that tells where a long scan or sync is, on a terminal only. */
export interface Progress {
  show(status: LinkProgress): void;
  /** Takes the line away. */
  end(): void;
}

export function createProgress(options: { stream: NodeJS.WriteStream; link: string; clock: Clock }): Progress {
  const { stream, link, clock } = options;
  if (stream.isTTY !== true) return { show() {}, end() {} };
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(status) {
      const now = clock.now();
      if (now - shownAt < redrawEveryMs) return;
      shownAt = now;
      stream.write(`\r\x1b[K${link}: ${describe(status)}`);
    },
    end: () => void stream.write("\r\x1b[K"),
  };
}

function describe({ phase, comparing, pending, counts }: LinkProgress): string {
  if (comparing !== undefined) return `reading the ${comparing.stage}, ${formatCount(comparing.nodes)} nodes`;
  if (pending > 0)
    return `${formatCount(counts.created + counts.updated + counts.deleted)} written, ${formatCount(pending)} to go`;
  return phase;
}
