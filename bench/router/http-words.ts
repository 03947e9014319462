import { noRoute, type Words } from "./words.ts";

const headEnd = Buffer.from("\r\n\r\n");

/** GET of a topic's route, on connections that stay. */
export function httpWords(address: string, idc: string): Words {
  return {
    request: (topic) =>
      Buffer.from(
        `GET /v1/topics/${topic}/route?idc=${idc} HTTP/1.1\r\nHost: ${address}\r\nAccept: application/json\r\n\r\n`,
        "latin1",
      ),
    answer(bytes) {
      const end = bytes.indexOf(headEnd);
      if (end < 0) return undefined;
      const head = bytes.toString("latin1", 0, end).toLowerCase();
      const length = Number(/content-length: (\d+)/.exec(head)?.[1]);
      const used = end + headEnd.length + length;
      if (Number.isNaN(used)) throw new Error(`an answer without its length: ${head}`);
      if (bytes.length < used) return undefined;
      return { used, id: null, bodyBytes: head.startsWith("http/1.1 200 ") ? length : noRoute };
    },
  };
}
