import type { Socket } from "node:net";
import { closeEach, createTelling, dial, idcIn, openEach, type TellingOptions, type Told } from "./telling.ts";

/** Many clients that ask for a route and wait until it has changed (wait=), each over a connection of its own. */
export interface Waits {
  /** Resolves when each has got its next route, and waits for the one after it. */
  next(chosen: string): Promise<Told>;
  close(): void;
}

const headEnd = "\r\n\r\n";

interface Wait {
  readonly socket: Socket;
  readonly topic: string;
  text: string;
}

export async function openWaits(options: TellingOptions): Promise<Waits> {
  const { address, count, idc } = options;
  const telling = createTelling(count);

  function ask({ socket, topic }: Wait, etag: string): void {
    const waiting = etag === "" ? "" : "&wait=60s";
    const known = etag === "" ? "" : `If-None-Match: ${etag}\r\n`;
    socket.write(`GET /v1/topics/${topic}/route?idc=${idc}${waiting} HTTP/1.1\r\nHost: ${address}\r\n${known}\r\n`);
  }

  function onText(wait: Wait): void {
    const end = wait.text.indexOf(headEnd);
    if (end < 0) return;
    const head = wait.text.slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (wait.text.length < end + headEnd.length + length) return;
    const body = wait.text.slice(end + headEnd.length);
    wait.text = "";
    const [, etag = ""] = /etag: (\S+)/i.exec(head) ?? [];
    const [, status] = /^HTTP\/1.1 (\d+)/.exec(head) ?? [];
    ask(wait, etag);
    // The time was over.
    if (status === "304") return;
    if (status === "200") telling.told(idcIn(body));
    else telling.failed(new Error(`a route is answered with ${status}: ${body.slice(0, 200)}`));
  }

  const all = await openEach(options, async (topic) => {
    const wait: Wait = { socket: await dial(address), topic, text: "" };
    wait.socket.on("data", (text: string) => {
      wait.text += text;
      onText(wait);
    });
    wait.socket.on("close", () =>
      telling.failed(new Error(`the server ended a connection: ${wait.text.slice(0, 200)}`)),
    );
    ask(wait, "");
    return wait;
  });
  await telling.all();
  return {
    next(chosen) {
      telling.begin(chosen);
      return telling.all();
    },
    close: () => closeEach(all),
  };
}
