import type { Socket } from "node:net";
import { closeEach, createTelling, dial, idcIn, openEach, type TellingOptions, type Told } from "./telling.ts";

/** Many clients that watch topics (SSE), each over a connection of its own. */
export interface Watches {
  /** Resolves when each has got its next route: when, and how many of these lead elsewhere than to this IDC. */
  next(chosen: string): Promise<Told>;
  close(): void;
}

const whole = "}\n\n";

interface Watch {
  readonly socket: Socket;
  text: string;
  isTold: boolean;
}

export async function openWatches(options: TellingOptions): Promise<Watches> {
  const { address, count, idc } = options;
  const telling = createTelling(count);

  function onText(watch: Watch): void {
    const [, status = "200"] = /^HTTP\/1.1 (\d+)/.exec(watch.text) ?? [];
    if (status !== "200") telling.failed(new Error(`a watch is answered with ${watch.text.slice(0, 200)}`));
    const to = watch.text.includes(whole) ? idcIn(watch.text) : undefined;
    if (to === undefined || watch.isTold) return;
    watch.isTold = true;
    watch.text = "";
    telling.told(to);
  }

  // Each begins with the route as it is.
  const all = await openEach(options, async (topic) => {
    const watch: Watch = { socket: await dial(address), text: "", isTold: false };
    watch.socket.on("data", (text: string) => {
      watch.text += text;
      onText(watch);
    });
    watch.socket.on("close", () => telling.failed(new Error(`the server ended a watch: ${watch.text.slice(0, 200)}`)));
    watch.socket.write(`GET /v1/watch?topics=${topic}&idc=${idc} HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
    return watch;
  });
  await telling.all();
  return {
    next(chosen) {
      telling.begin(chosen);
      for (const watch of all) {
        watch.isTold = false;
        watch.text = "";
      }
      return telling.all();
    },
    close: () => closeEach(all),
  };
}
